"""JD's part of the sandbox: everything under /jd, one blueprint per real host, and what happens by itself."""

from flask import Blueprint, Flask

from sandbox.jd import agency, api, bills, cashier, merchants, notices, onboarding, refunds
from sandbox.jd.v2 import views as v2
from sandbox.store import Store

blueprint = Blueprint("jd", __name__, url_prefix="/jd")
for _part in (api, agency, cashier, bills, v2):
    blueprint.register_blueprint(_part.blueprint)


def set_up(app: Flask) -> None:
    """Make the first merchants, register JD's notices and what falls due after a while."""
    store: Store = app.extensions["store"]
    keys, notifier = app.extensions["keys"], app.extensions["notifier"]
    with store.writing() as connection:
        merchants.make_first(connection, keys)
    notices.register(notifier, store, keys)
    notifier.watch(onboarding.audit_due)
    notifier.watch(refunds.finish_due)
