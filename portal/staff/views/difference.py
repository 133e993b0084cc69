"""What becomes of one difference: at rest, left at that, or booked when a second person agrees."""

from datetime import date
from http import HTTPStatus

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity.rules import StaffRole
from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, keyring, settings, staff_database, wallets
from portal.reconciliation import operations as bills
from portal.reconciliation import queries
from portal.reconciliation.asking import ask, compare_again
from portal.reconciliation.queries import ItemRow, side_of
from portal.reconciliation.ways import Way, ways
from portal.staff import operations
from portal.staff.forms import DecideItemForm
from portal.staff.views.blueprint import blueprint
from portal.staff.views.reconciliation import DAY, day_page, read_day
from portal.staff.words import REFUSAL_WORDS
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletError

ITEM = f"{DAY}/<int(max=999999999999):item_id>"
PROPOSAL = f"{ITEM}/<int(max=999999999999):resolution_id>"


@blueprint.post(ITEM)
@guard(Audience.STAFF, StaffRole.FINANCE)
def decide_item(day: str, item_id: int) -> ResponseReturnValue:
    """Put a difference on hold, leave it at that, or propose what is to be booked; each with a reason."""
    known = read_day(day)
    item = _existing(known, item_id)
    # What was offered a moment ago may be over by now; the operation says so better than the form.
    form = DecideItemForm(offered=ways(side_of(item)) or tuple(Way))
    if not form.validate():
        return day_page(known, form, item_id), HTTPStatus.UNPROCESSABLE_ENTITY
    way = Way(form.way.data)
    try:
        _decide(item, way, form.reason.data)
    except NotAllowedNow as refusal:
        return _refused(known, item_id, form, refusal)
    except WalletError:
        form.form_errors.append(_("钱包没有回答，什么都没有改，过一会儿再查"))
        return day_page(known, form, item_id), HTTPStatus.BAD_GATEWAY
    said = {Way.HOLD: _("已挂账"), Way.IGNORE: _("已忽略，原因留在审计里")}
    flash(said.get(way, _("已提出，等另一位财务同意，钱还没有动")), "ok")
    return redirect(url_for("staff.reconciled_day", day=day, at=item_id))


@blueprint.post(PROPOSAL)
@guard(Audience.STAFF, StaffRole.FINANCE)
def decide_proposal(day: str, item_id: int, resolution_id: int) -> ResponseReturnValue:
    """Agree to another's proposal, exactly as it was shown, or send it back."""
    known = read_day(day)
    item = _existing(known, item_id)
    with staff_database().transaction() as session:
        waiting = queries.proposal(session, resolution_id)
    if waiting is None or waiting.item_id != item_id:
        abort(HTTPStatus.NOT_FOUND)
    agrees = request.form.get("decision") == "approve"
    given = {"actor": current_user.actor, "now": now()}
    try:
        with staff_database().transaction(merchant=item.merchant_id) as session:
            _refuse_own(item)
            if agrees:
                shown, key = request.args.get("shown", ""), keyring().reference_key
                bills.approve(session, resolution_id, shown=shown, reference_key=key, **given)
                compare_again(session, known)
            else:
                bills.decline(session, resolution_id, reason=_("不同意，退回"), **given)
    except NotAllowedNow as refusal:
        return _refused(known, item_id, DecideItemForm(offered=ways(side_of(item))), refusal)
    flash(_("已经记账，两个人的名字都在审计里") if agrees else _("已退回提议，钱没有动"), "ok")
    return redirect(url_for("staff.reconciled_day", day=day, at=item_id))


def _decide(item: ItemRow, way: Way, reason: str) -> None:
    """In one transaction; the wallet is asked before it begins."""
    _refuse_own(item)
    answer = ask(_parties(), item) if way is Way.REPOST else None
    given = {"reason": reason, "actor": current_user.actor, "now": now()}
    with staff_database().transaction(merchant=item.merchant_id) as session:
        if answer is not None:
            bills.propose_answer(session, item.item_id, answer=answer, **given)
        elif way is Way.ACCEPT:
            bills.propose_bill(session, item.item_id, **given)
        elif way is Way.HOLD:
            bills.hold(session, item.item_id, **given)
        else:
            bills.ignore(session, item.item_id, **given)


def _refuse_own(item: ItemRow) -> None:
    if item.merchant_id is not None:
        with staff_database().transaction(merchant=item.merchant_id) as session:
            operations.refuse_own(session, item.merchant_id, current_user.actor)


def _refused(day: date, item_id: int, form: DecideItemForm, refusal: NotAllowedNow) -> tuple[str, int]:
    form.form_errors.append(REFUSAL_WORDS[refusal.reason])
    status = HTTPStatus.FORBIDDEN if refusal.reason == "own_merchant" else HTTPStatus.CONFLICT
    return day_page(day, form, item_id), status


def _existing(day: date, item_id: int) -> ItemRow:
    with staff_database().transaction() as session:
        item = queries.item(session, item_id)
    if item is None or item.key.day != day:
        abort(HTTPStatus.NOT_FOUND)
    return item


def _parties() -> Parties:
    return Parties(staff_database(), keyring(), wallets(), settings().notify_base)
