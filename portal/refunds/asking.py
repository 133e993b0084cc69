"""The way from a receipt to a refund: what may be refunded, the check, and the answer to the last tap."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import queries as merchants
from portal.merchants.queries import RestrictionRow
from portal.payments import queries as payments
from portal.payments.flows import Parties
from portal.payments.queries import PaymentRow
from portal.payments.rules import Source
from portal.plumbing.clock import now
from portal.plumbing.formkeys import FORM_KEY_MOST, new_form_key
from portal.plumbing.pages import yuan
from portal.plumbing.web import database, keyring, settings, wallets
from portal.refunds import flows, queries
from portal.refunds.forms import OWN, REASONS, RefundForm, amount_words, one_line, read_amount
from portal.refunds.queries import RefundRow
from portal.refunds.rules import REASON_MOST, check_window, payer_gets
from portal.refunds.words import GIVER_WORDS, REFUSAL_WORDS
from portal.values.errors import InvalidAmount, NotAllowedNow, Refused


@dataclass(frozen=True)
class Case:
    """One payment of the signed-in merchant, and whether it can be refunded. `refusal` is empty when it can."""

    payment: PaymentRow
    refunds: list[RefundRow]
    restriction: RestrictionRow | None
    refusal: str
    limit: int

    @property
    def available(self) -> int:
        """What may be refunded now, in fen."""
        return self.payment.refundable


def case(payment_no: str) -> Case:
    """Look at a payment with a refund in mind. 404 when it is not this merchant's, or not paid."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        paid = payments.payment(session, merchant_id, payment_no)
        refunds = queries.of_payment(session, merchant_id, payment_no)
        parts = queries.parts_of(session, merchant_id, payment_no)
        held = merchants.restrictions(session, merchant_id, now=now()).get("refund")
        limit = queries.clerk_limit(session, merchant_id)
    if paid is None or paid.state != "success" or paid.paid_at is None:
        abort(404)
    refusal = "restricted" if held else "" if paid.refundable else "nothing_left"
    if paid.source == Source.INTERCONNECT:
        held, refusal = None, "not_ours"
    try:
        check_window(paid_at=paid.paid_at, parts=parts, now=now())
    except Refused as problem:
        refusal = refusal or problem.reason
    return Case(paid, refunds, held, refusal, limit)


def ask_page(found: Case) -> ResponseReturnValue:
    """Amount and reason; prefilled with the rest, or with what the check page sends back."""
    if found.refusal:
        return cannot(found)
    given = request.args
    reason = one_line(given.get("reason"))
    choice = next((key for key, words in REASONS.items() if str(words) == reason), OWN if reason else None)
    form = RefundForm(
        formdata=None,
        available=found.available,
        amount=given.get("amount") or yuan(found.available).replace(",", ""),
        reason=choice,
        own=reason if choice == OWN else "",
        key=new_form_key(),
    )
    return render_template("refunds/ask.html", case=found, form=form)


def take_answers(found: Case) -> ResponseReturnValue:
    """The form came back: say what is wrong with it, or go on to the check."""
    if found.refusal:
        return cannot(found)
    form = RefundForm(available=found.available)
    if not form.validate_on_submit():
        form.key.data = form.key.data or new_form_key()
        return render_template("refunds/ask.html", case=found, form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    target = url_for(
        "refunds.check",
        number=found.payment.payment_no,
        amount=yuan(form.fen).replace(",", ""),
        reason=form.words,
        key=form.key.data,
    )
    return redirect(target, HTTPStatus.SEE_OTHER)


def check_page(found: Case, notice: str = "") -> ResponseReturnValue:
    """What exactly will happen, before it does. Opened again after the last tap, it leads to the refund itself."""
    given = request.values
    key, reason = given.get("key", ""), one_line(given.get("reason"))[:REASON_MOST]
    if not 0 < len(key) <= FORM_KEY_MOST:
        return redirect(url_for("refunds.ask", number=found.payment.payment_no))
    asked = _asked_before(key)
    if asked is not None:
        return redirect(url_for("refunds.refund", number=asked.refund_no), HTTPStatus.SEE_OTHER)
    if found.refusal:
        return cannot(found)
    try:
        fen = read_amount(given.get("amount"), available=found.available)
    except InvalidAmount as problem:
        return _ask_again(found, amount_words(problem, available=found.available), key=key)
    paid = found.payment
    to_payer = payer_gets(amount=fen, payer_amount=paid.payer_amount or paid.amount, order_amount=paid.amount)
    person = current_user.person
    with database().transaction(merchant=paid.merchant_id) as session:
        asks_first = queries.is_over_the_limit(
            session, paid.merchant_id, paid.payment_no, asked_by=person.user_id, role=current_user.role, amount=fen
        )
    page = render_template(
        "refunds/check.html",
        case=found,
        fen=fen,
        reason=reason,
        key=key,
        to_payer=to_payer,
        asks_first=asks_first,
        notice=notice,
        giver=GIVER_WORDS[paid.wallet],
    )
    return (page, HTTPStatus.CONFLICT) if notice else page


def confirm(found: Case) -> ResponseReturnValue:
    """The last tap. What was available when the page was shown must still be; a second tap finds the first's refund."""
    given = request.form
    key, reason = given.get("key", ""), one_line(given.get("reason"))[:REASON_MOST]
    if _asked_before(key) is not None or found.refusal or not reason:
        return check_page(found)
    try:
        fen = read_amount(given.get("amount"), available=found.available)
    except InvalidAmount:
        return check_page(found)
    if given.get("available") != str(found.available):
        rest = f"¥{yuan(found.available)}"
        return check_page(found, notice=_("这笔刚才有别的退款，现在可退 %(amount)s。请再核对一次", amount=rest))
    try:
        number = flows.request(
            parties(),
            merchant_id=current_user.merchant_id,
            payment_no=found.payment.payment_no,
            amount=fen,
            reason=reason,
            form_key=key,
            asked_by=current_user.person.user_id,
            role=current_user.role,
            now=now(),
        )
    except (Refused, NotAllowedNow):
        # Somebody was faster between the look and the lock: look once more and say how it stands now.
        return check_page(case(found.payment.payment_no), notice=_("这笔刚刚变了，请再核对一次"))
    return redirect(url_for("refunds.refund", number=number), HTTPStatus.SEE_OTHER)


def parties() -> Parties:
    """This request's services, as a conversation with a wallet wants them."""
    return Parties(database(), keyring(), wallets(), settings().notify_base)


def cannot(found: Case) -> ResponseReturnValue:
    """Why nothing can be refunded here, and what can be done."""
    words = str(REFUSAL_WORDS.get(found.refusal, ""))
    return render_template("refunds/cannot.html", case=found, words=words), HTTPStatus.CONFLICT


def _ask_again(found: Case, words: str, *, key: str) -> ResponseReturnValue:
    reason = one_line(request.values.get("reason"))
    choice = next((name for name, text in REASONS.items() if str(text) == reason), OWN)
    form = RefundForm(
        formdata=None,
        available=found.available,
        amount=request.values.get("amount", ""),
        reason=choice,
        own=reason if choice == OWN else "",
        key=key,
    )
    form.amount.errors = [words]
    return render_template("refunds/ask.html", case=found, form=form), HTTPStatus.UNPROCESSABLE_ENTITY


def _asked_before(key: str) -> RefundRow | None:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        return queries.of_form(session, merchant_id, key)
