"""我的: who I am, my shops and contracts, what is restricted, my devices, who looked at my data."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, logout_user

from portal.audit import queries as audit
from portal.identity import operations as identity
from portal.identity import queries as people
from portal.merchants import queries, words
from portal.merchants.views.blueprint import blueprint
from portal.plumbing.clock import now, real_now
from portal.plumbing.web import Audience, database, guard

# Acts of every night would hide whoever looked at something; sealed days have pages of their own.
_EVERY_DAY = ("day.sealed",)


@blueprint.get("/settings")
@guard(Audience.MEMBER)
def settings() -> ResponseReturnValue:
    """Everything about me on one page."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as open_transaction:
        found = queries.merchant(open_transaction, merchant_id)
        shown = {
            "shops": queries.shops(open_transaction, merchant_id),
            "application": queries.newest_application(open_transaction, merchant_id),
            "standings": queries.wallet_applications(open_transaction, merchant_id),
            "contracts": queries.contracts(open_transaction, merchant_id),
            "restrictions": queries.restrictions(open_transaction, merchant_id, now=now()),
            "rates": queries.fee_terms(open_transaction, now=now()),
        }
    if found is None:
        abort(404)
    return render_template("merchants/settings.html", merchant=found, words=words, **shown)


@blueprint.get("/settings/devices")
@guard(Audience.MEMBER)
def devices() -> ResponseReturnValue:
    """Where I am signed in."""
    with database().transaction() as open_transaction:
        live = people.open_sessions(open_transaction, current_user.person.user_id, now=real_now())
    return render_template("merchants/devices.html", devices=live, this=current_user.signed_in.token_hash)


@blueprint.post("/settings/devices")
@guard(Audience.MEMBER)
def sign_out_devices() -> ResponseReturnValue:
    """Sign one device out, or all but this one."""
    device = request.form.get("device", "")
    person = current_user.person
    this = current_user.signed_in.token_hash
    with database().transaction() as open_transaction:
        if device == "others":
            identity.sign_out_everywhere(open_transaction, person.user_id, now=now(), but=this)
        elif not identity.sign_out_device(
            open_transaction, user_id=person.user_id, token_hash_value=device, now=real_now()
        ):
            abort(404)
    if device == this:
        logout_user()
        session.clear()
        return redirect(url_for("identity.login"))
    flash(_("已经退出，那边要重新登录"), "done")
    return redirect(url_for("merchants.devices"))


@blueprint.get("/settings/records")
@guard(Audience.OWNER)
def records() -> ResponseReturnValue:
    """Who did what with my account, staff who looked at my data included."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as open_transaction:
        entries = audit.entries(open_transaction, merchant_id, without=_EVERY_DAY)
    return render_template("merchants/records.html", entries=entries, words=words)
