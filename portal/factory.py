"""Put the portal together: settings, services, slices. Nothing else creates an application."""

import atexit
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_babel import Babel
from flask_login import current_user
from flask_wtf import CSRFProtect

from portal import cli
from portal.config import Settings, from_environment
from portal.identity import gate
from portal.merchants.queries import member_role
from portal.notices.rules import ALONE_ASK_SECONDS, PAGES_ASK_SECONDS
from portal.plumbing import clock, errors, headers, health, look, pages
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.sms import SmsGateway
from portal.routes import BLUEPRINTS, ONLY_NOTICES, SIGNED_BY_WALLETS
from portal.wallets.interconnect.connector import interconnect_of
from portal.wallets.registry import connectors

_BODY_LIMIT = 12 * 1024 * 1024


@dataclass
class Services:
    """What the application is given from outside; tests hand in their own."""

    settings: Settings
    wallets: Mapping[Any, Any] = field(default_factory=dict)
    sms: Any = None
    interconnect: Any = None


def create_app(services: Services | None = None) -> Flask:
    """Build the application. Without `services` everything comes from the environment."""
    if services is not None:
        return _assembled(services)
    app = _assembled(_from_environment())
    settle_down()
    return app


def settle_down() -> None:
    """What was made at the start lives as long as the process: the collector need not look through it any more.

    Doing so would hold an answer up for a tenth of a second now and then.
    """
    gc.collect()
    gc.freeze()
    # Libraries that count what is left at the end would else complain of all of it.
    atexit.register(gc.unfreeze)


def _assembled(given: Services) -> Flask:
    clock.follow(given.settings.clock_file)
    app = Flask(__name__, template_folder="../templates", static_folder="../static", static_url_path="/static")
    _configure(app, given.settings)
    app.extensions["settings"] = given.settings
    only_notices = given.settings.process == "notices"
    app.extensions["database"] = Database(given.settings.database_url, hasty=only_notices)
    app.extensions["staff_database"] = Database(given.settings.database_staff_url)
    app.extensions["keyring"] = Keyring(given.settings.secrets)
    app.extensions["wallets"] = given.wallets
    app.extensions["sms"] = given.sms
    app.extensions["interconnect"] = given.interconnect
    if only_notices:
        return _only_notices(app)
    Babel(app, locale_selector=look.chosen_locale, default_locale="zh", default_timezone="Asia/Shanghai")
    protect = CSRFProtect(app)
    for blueprint in SIGNED_BY_WALLETS:
        protect.exempt(blueprint)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    gate.install(app, member_role=member_role)
    headers.install(app, given.settings)
    pages.install(app)
    errors.install(app)
    health.install(app)
    cli.install(app)
    app.context_processor(lambda: {"current_user": current_user})
    return app


def _only_notices(app: Flask) -> Flask:
    """What the wallets' notices need, and no page: nobody signs in here, nothing is rendered."""
    for blueprint in ONLY_NOTICES:
        app.register_blueprint(blueprint)
    headers.install(app, app.extensions["settings"])
    errors.install_without_pages(app)
    health.install(app)
    return app


def _from_environment() -> Services:
    settings = from_environment()
    return Services(
        settings=settings,
        wallets=connectors(settings.wallets, budget=_wallet_seconds(settings)),
        sms=SmsGateway(settings.wallets["sms"]),
        interconnect=interconnect_of(settings.wallets),
    )


def _wallet_seconds(settings: Settings) -> float:
    """In the notices' own process a question must end while the notice's sender still waits for us."""
    return ALONE_ASK_SECONDS if settings.process == "notices" else PAGES_ASK_SECONDS


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secrets.secret_key,
        SESSION_COOKIE_NAME="__Host-yima" if settings.secure else "yima",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        # A form may lie open all day at a stall; the token still dies with the session.
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")
