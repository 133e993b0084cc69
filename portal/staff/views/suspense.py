"""待查款: money that fits nothing, what the wallet says of it, and what two people of finance agree to do."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.identity.rules import StaffRole
from portal.ledger.rules import Move
from portal.merchants import queries as merchants
from portal.notices import flows
from portal.payments import queries as payments
from portal.payments.flows import Parties
from portal.payments.postings import received
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, keyring, settings, staff_database, wallets
from portal.staff import operations, suspense_words
from portal.staff.forms import DecideCaseForm
from portal.staff.rules import hours_and_minutes
from portal.staff.views.blueprint import MERCHANT, blueprint, has_role
from portal.suspense import queries
from portal.suspense.postings import cleared
from portal.suspense.queries import CaseRow
from portal.suspense.rules import UNSETTLED, State, Way
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.values.money import fee_of
from portal.wallets.errors import WalletError

PAGE = 20
CASE = f"/suspense{MERCHANT.removeprefix('/merchants')}/<int(max=999999999999):case_id>"


@dataclass(frozen=True)
class Line:
    """One line of the list, with how long it has waited in hours and minutes."""

    case: CaseRow
    shop: str
    waited: str


@blueprint.get("/suspense")
@guard(Audience.STAFF)
def suspense() -> ResponseReturnValue:
    lines = _listed()
    chosen = lines[0].case if lines else None
    return _page(lines, chosen, DecideCaseForm())


@blueprint.get(CASE)
@guard(Audience.STAFF)
def suspense_case(merchant_id: int, case_id: int) -> ResponseReturnValue:
    return _page(_listed(), _existing(merchant_id, case_id), DecideCaseForm())


@blueprint.post(f"{CASE}/ask")
@guard(Audience.STAFF, StaffRole.FINANCE)
def ask_about_case(merchant_id: int, case_id: int) -> ResponseReturnValue:
    """Ask the wallet; its answer is kept beside the notice. Nothing moves."""
    _existing(merchant_id, case_id)
    try:
        flows.ask_about_case(_parties(), merchant_id=merchant_id, case_id=case_id, now=now())
    except NotAllowedNow as refusal:
        flash(suspense_words.REFUSAL_WORDS[refusal.reason], "bad")
    except WalletError:
        flash(suspense_words.NO_ANSWER, "warn")
    return redirect(_address(merchant_id, case_id))


@blueprint.post(f"{CASE}/propose")
@guard(Audience.STAFF, StaffRole.FINANCE)
def propose_case(merchant_id: int, case_id: int) -> ResponseReturnValue:
    """Say what shall be done, with a reason. Somebody else has to agree."""
    row, form = _existing(merchant_id, case_id), DecideCaseForm()
    if not form.validate():
        return _page(_listed(), row, form), HTTPStatus.UNPROCESSABLE_ENTITY
    decision = flows.Decision(Way(form.way.data), form.target_no.data or None, form.reason.data)
    try:
        _refuse_own(merchant_id)
        flows.propose_case(
            _parties(), merchant_id=merchant_id, case_id=case_id, decision=decision, actor=current_user.actor, now=now()
        )
    except NotAllowedNow as refusal:
        form.form_errors.append(suspense_words.REFUSAL_WORDS[refusal.reason])
        return _page(_listed(), row, form), _status(refusal)
    flash(_("已提出，等另一位财务同事同意，钱还没有动"), "ok")
    return redirect(_address(merchant_id, case_id))


@blueprint.post(f"{CASE}/decide")
@guard(Audience.STAFF, StaffRole.FINANCE)
def decide_case(merchant_id: int, case_id: int) -> ResponseReturnValue:
    """Agree to another's proposal, exactly as it was shown, or send it back."""
    row, shown = _existing(merchant_id, case_id), request.args.get("shown", "")
    agrees = request.form.get("decision") == "approve"
    act = flows.approve_case if agrees else flows.decline_case
    try:
        _refuse_own(merchant_id)
        act(
            _parties(),
            merchant_id=merchant_id,
            case_id=case_id,
            shown=shown,
            actor=current_user.actor,
            now=now(),
        )
    except NotAllowedNow as refusal:
        form = DecideCaseForm()
        form.form_errors.append(suspense_words.REFUSAL_WORDS[refusal.reason])
        return _page(_listed(), row, form), _status(refusal)
    except OperationalError:
        # A notice of the same money was being booked at this very moment.
        flash(_("刚好有别的事在动这笔钱，什么都没有改，请再看一遍"), "warn")
        return redirect(_address(merchant_id, case_id))
    flash(_("已经办好，两个人的名字都在审计里") if agrees else _("已退回提议，钱没有动"), "ok")
    return redirect(_address(merchant_id, case_id))


def _page(lines: list[Line], chosen: CaseRow | None, form: DecideCaseForm) -> str:
    show, reason, number = _asked()
    states = _states(show)
    with staff_database().transaction() as session:
        standing = queries.standing(session)
        count = queries.count(session, states=states, reason=reason)
        reasons = queries.reasons(session)
        order = payments.payment(session, chosen.merchant_id, chosen.order_no) if chosen else None
        shop = merchants.merchant(session, chosen.merchant_id) if chosen else None
        moves = _will_move(session, chosen)
    return render_template(
        "staff/suspense.html",
        lines=lines,
        at=chosen,
        shop_name=shop.name if shop else "",
        order=order,
        form=form,
        show=show,
        reason=reason,
        reason_options=[(known, suspense_words.reason_words(known)[0]) for known in reasons],
        page=number,
        count=count,
        first=(number - 1) * PAGE + 1,
        more=number * PAGE < count,
        standing=standing,
        longest=hours_and_minutes(now() - standing.oldest) if standing.oldest else "",
        moves=moves,
        may_decide=has_role(StaffRole.FINANCE),
        why_not=_why_not(chosen),
        words=suspense_words,
        Way=Way,
    )


def _listed() -> list[Line]:
    show, reason, number = _asked()
    moment = now()
    with staff_database().transaction() as session:
        found = queries.cases(session, states=_states(show), reason=reason, skip=(number - 1) * PAGE, most=PAGE)
    return [Line(row, shop, hours_and_minutes((row.closed_at or moment) - row.opened_at)) for row, shop in found]


def _asked() -> tuple[str, str, int]:
    """The view as the address says it; what makes no sense is left out."""
    show = request.args.get("show", "")
    number = request.args.get("page", 1, type=int)
    return "over" if show == "over" else "", request.args.get("reason", "")[:64], min(max(1, number), 10_000)


def _states(show: str) -> tuple[State, ...]:
    return tuple(state for state in State if (state in UNSETTLED) != (show == "over"))


def _will_move(session: Session, row: CaseRow | None) -> list[Move]:
    """The transfers that a proposal leads to, beginning with the way out of suspense."""
    if row is None or row.state != State.PROPOSED or not row.kept:
        return []
    day = business_date(now())
    moves = [cleared(acquirer=row.acquirer, transaction_no=row.transaction_no, amount=row.amount, day=day)]
    contract = merchants.contracts(session, row.merchant_id).get(row.acquirer)
    if row.way != Way.IGNORE and row.said is not None and contract is not None:
        paid = int(row.said["amount"])
        fee = int(fee_of(paid, contract.fee_rate_bp))
        moves += received(payment_no="", acquirer=row.acquirer, amount=paid, fee_amount=fee, day=day)
    return moves


def _why_not(row: CaseRow | None) -> str:
    """Why this person may not agree to the proposal; empty when he may."""
    if row is None or row.proposed_by is None:
        return ""
    if not has_role(StaffRole.FINANCE):
        return _("由财务处理。")
    if row.proposed_by == current_user.person.user_id:
        return str(suspense_words.REFUSAL_WORDS["own_proposal"])
    return ""


def _existing(merchant_id: int, case_id: int) -> CaseRow:
    with staff_database().transaction() as session:
        row = queries.case(session, merchant_id, case_id)
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return row


def _refuse_own(merchant_id: int) -> None:
    with staff_database().transaction(merchant=merchant_id) as session:
        operations.refuse_own(session, merchant_id, current_user.actor)


def _address(merchant_id: int, case_id: int) -> str:
    return url_for("staff.suspense_case", merchant_id=merchant_id, case_id=case_id)


def _parties() -> Parties:
    return Parties(staff_database(), keyring(), wallets(), settings().notify_base)


def _status(refusal: NotAllowedNow) -> HTTPStatus:
    return HTTPStatus.FORBIDDEN if refusal.reason == "own_merchant" else HTTPStatus.CONFLICT
