"""Puts the sandbox together: one store, the keys, the notifier and a blueprint per part."""

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from sandbox import books, clock, control, faults, keys, language, notifier, settings
from sandbox.interconnect import control as interconnect_control
from sandbox.interconnect import schema as interconnect_schema
from sandbox.interconnect import views as interconnect_views
from sandbox.jd import schema as jd_schema
from sandbox.jd import views as jd_views
from sandbox.payers import schema as payers_schema
from sandbox.payers import views as payers_views
from sandbox.phone import schema as phone_schema
from sandbox.phone import views as phone_views
from sandbox.sms import schema as sms_schema
from sandbox.sms import views as sms_views
from sandbox.store import Store
from sandbox.wechat import schema as wechat_schema
from sandbox.wechat import views as wechat_views

PARTS = (wechat_views, jd_views, sms_views, phone_views, payers_views, interconnect_views, interconnect_control)
SCHEMAS = (
    settings.SCHEMA,
    faults.SCHEMA,
    keys.SCHEMA,
    notifier.SCHEMA,
    wechat_schema.SCHEMA,
    jd_schema.SCHEMA,
    sms_schema.SCHEMA,
    phone_schema.SCHEMA,
    payers_schema.SCHEMA,
    interconnect_schema.SCHEMA,
)


class NotADemo(RuntimeError):
    """The sandbox plays with money that does not exist; it does not start beside a portal that moves real money."""


def create_app(environment: Mapping[str, str] | None = None) -> Flask:
    """The sandbox as a WSGI application.

    Reads PORTAL_MODE (must be `demo`), PORTAL_DATA_DIR, SANDBOX_PORT, SANDBOX_URL, PORTAL_URL and NOTICES_URL (where
    the portal hears what no order named an address for; by default PORTAL_URL). Raises NotADemo
    anywhere else. A part is a module with `blueprint` (bringing its own url_prefix) and `set_up(app)`, which is called
    when `store`, `keys` and `notifier` are there: it registers its sender and its watches.
    """
    environment = os.environ if environment is None else environment
    if environment.get("PORTAL_MODE") != "demo":
        raise NotADemo('PORTAL_MODE is not "demo": the sandbox does not start here.')
    app = Flask(__name__)
    port = environment.get("SANDBOX_PORT", "8001")
    app.config["SANDBOX_URL"] = environment.get("SANDBOX_URL", f"http://127.0.0.1:{port}").rstrip("/")
    app.config["PORTAL_URL"] = environment.get("PORTAL_URL", "http://127.0.0.1:8000").rstrip("/")
    app.config["NOTICES_URL"] = (environment.get("NOTICES_URL") or app.config["PORTAL_URL"]).rstrip("/")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    data_dir = Path(environment.get("PORTAL_DATA_DIR", "./.data"))
    store = Store(data_dir / "sandbox" / "sandbox.sqlite3")
    store.create(*SCHEMAS)
    app.extensions["store"] = store
    app.extensions["keys"] = keys.keys_of(store)
    app.extensions["notifier"] = notifier.Notifier(store)
    language.set_up(app)
    for part in (*PARTS, control, books):
        app.register_blueprint(part.blueprint)
        part.set_up(app)
    notifier.set_up(app)
    clock.set_up(app, data_dir / "business-clock.json")
    app.extensions["notifier"].start()
    return app
