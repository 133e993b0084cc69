"""Write refunds: ask once, note what the wallet said, book it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.merchants import queries as merchants
from portal.payments import operations as payments
from portal.payments.queries import PaymentRow
from portal.payments.rules import Source
from portal.refunds import postings
from portal.refunds.models import Refund
from portal.refunds.queries import of_form, parts_of
from portal.refunds.rules import Fact, State, after, check_window, fee_back
from portal.values.day import business_date
from portal.values.errors import InvalidAmount, NotAllowedNow, Refused
from portal.values.references import Kind, mint
from portal.wallets.port import RefundAnswer, RefundState

_FACTS = {
    RefundState.PROCESSING: Fact.ACCEPTED,
    RefundState.SUCCESS: Fact.ARRIVED,
    RefundState.ABNORMAL: Fact.STUCK,
    RefundState.CLOSED: Fact.CAME_TO_NOTHING,
}


@dataclass(frozen=True)
class Asked:
    """A refund that was asked for. `fresh` is false when the same form had asked for it before."""

    refund_no: str
    fresh: bool


def request(
    session: Session,
    *,
    merchant_id: int,
    payment_no: str,
    amount: int,
    reason: str,
    form_key: str,
    asked_by: int | None,
    reference_key: bytes,
    now: datetime,
) -> Asked:
    """Set `amount` fen aside and write the refund down; the same form key answers the same refund.

    Raises InvalidAmount(`zero`), NotAllowedNow(`not_paid`, `not_ours`, `restricted`) and Refused(`too_old`,
    `too_many_parts`, `more_than_available`, `form_used`).
    """
    if amount <= 0:
        raise InvalidAmount("zero")
    paid = payments.lock(session, merchant_id, payment_no)
    if paid is None or paid.state != "success" or paid.paid_at is None:
        raise NotAllowedNow("not_paid")
    if paid.source == Source.INTERCONNECT:
        raise NotAllowedNow("not_ours")
    earlier = of_form(session, merchant_id, form_key)
    if earlier is not None:
        if (earlier.payment_no, earlier.amount) != (payment_no, amount):
            raise Refused("form_used")
        return Asked(earlier.refund_no, fresh=False)
    if "refund" in merchants.restrictions(session, merchant_id, now=now):
        raise NotAllowedNow("restricted")
    check_window(paid_at=paid.paid_at, parts=parts_of(session, merchant_id, payment_no), now=now)
    if not payments.reserve_refund(session, merchant_id=merchant_id, payment_no=payment_no, amount=amount):
        raise Refused("more_than_available", available=paid.refundable)
    number = mint(Kind.REFUND, merchant_id, key=reference_key, now=now)
    session.execute(
        insert(Refund).values(
            merchant_id=merchant_id,
            refund_no=number,
            payment_no=payment_no,
            amount=amount,
            state=State.REQUESTED,
            reason=reason,
            form_key=form_key,
            asked_by=asked_by,
            refusal="",
            created_at=now,
        )
    )
    moves = postings.requested(refund_no=number, acquirer=paid.acquirer, amount=amount, day=business_date(now))
    ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
    _tell(session, merchant_id, "refund.requested", number, payment_no, amount, now)
    return Asked(number, fresh=True)


def note_asked(session: Session, *, merchant_id: int, refund_no: str, now: datetime) -> None:
    """The wallet is about to be asked."""
    session.execute(
        sa.update(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no).values(asked_at=now)
    )


def note_no_answer(session: Session, *, merchant_id: int, refund_no: str, now: datetime) -> None:
    """Asked, and nobody knows what the wallet did: the amount stays set aside until it says."""
    row, _ = _locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.NO_ANSWER)
    if target is not None:
        row.state = target
        _tell(session, merchant_id, "refund.unknown", refund_no, row.payment_no, row.amount, now)


def note_refused(session: Session, *, merchant_id: int, refund_no: str, refusal: str, now: datetime) -> None:
    """The wallet said no for good: the amount is free again, and the merchant is told why."""
    row, paid = _locked(session, merchant_id, refund_no)
    if after(State(row.state), Fact.REFUSED) is not None:
        row.refusal = refusal
        _come_to_nothing(session, row, paid, now)


def note_answer(session: Session, *, merchant_id: int, answer: RefundAnswer, now: datetime) -> bool:
    """Book what the wallet says of a refund. False when it was known already, or the answer does not fit the refund.

    Raises NotAllowedNow: `unknown_refund` for a number we never gave out, `wrong_merchant` and `wrong_amount` for an
    answer that speaks of another contract or another sum.
    """
    if answer.state is RefundState.MISSING:
        return False
    row, paid = _locked(session, merchant_id, answer.refund_no)
    if (answer.acquirer, answer.sub_merchant_no) != (paid.acquirer, paid.sub_merchant_no):
        raise NotAllowedNow("wrong_merchant")
    if answer.amount is not None and answer.amount != row.amount:
        raise NotAllowedNow("wrong_amount")
    fact = _FACTS[answer.state]
    target = after(State(row.state), fact)
    if target is None:
        return False
    row.wallet_refund_no = answer.wallet_refund_no or row.wallet_refund_no
    row.received_by = answer.received_by or row.received_by
    row.payer_amount = answer.payer_amount if answer.payer_amount is not None else row.payer_amount
    row.accepted_at = row.accepted_at or now
    if fact is Fact.CAME_TO_NOTHING:
        _come_to_nothing(session, row, paid, now)
    elif fact is Fact.ARRIVED:
        _arrive(session, row, paid, answer.arrived_at or now, now)
    else:
        row.state = target
        _tell(session, merchant_id, f"refund.{target}", row.refund_no, row.payment_no, row.amount, now)
    return True


def _arrive(session: Session, row: Refund, paid: PaymentRow, arrived_at: datetime, now: datetime) -> None:
    back = fee_back(fee=paid.fee, fee_returned=paid.fee_returned, amount=row.amount, order_amount=paid.amount)
    day = business_date(arrived_at)
    row.state = State.SUCCESS
    row.arrived_at = arrived_at
    payments.settle_refund(
        session,
        merchant_id=row.merchant_id,
        payment_no=row.payment_no,
        amount=row.amount,
        fee_back=back,
        day=day,
    )
    moves = postings.arrived(refund_no=row.refund_no, acquirer=paid.acquirer, amount=row.amount, fee_back=back, day=day)
    ledger.post(session, merchant_id=row.merchant_id, moves=moves, now=now)
    _tell(session, row.merchant_id, "refund.success", row.refund_no, row.payment_no, row.amount, now)


def _come_to_nothing(session: Session, row: Refund, paid: PaymentRow, now: datetime) -> None:
    row.state = State.CLOSED
    payments.release_refund(session, merchant_id=row.merchant_id, payment_no=row.payment_no, amount=row.amount)
    moves = postings.released(
        refund_no=row.refund_no, acquirer=paid.acquirer, amount=row.amount, day=business_date(now)
    )
    ledger.post(session, merchant_id=row.merchant_id, moves=moves, now=now)
    _tell(session, row.merchant_id, "refund.closed", row.refund_no, row.payment_no, row.amount, now)


def _tell(
    session: Session, merchant_id: int, kind: str, refund_no: str, payment_no: str, amount: int, now: datetime
) -> None:
    facts = {"payment": payment_no, "amount": amount}
    events.append(session, merchant_id=merchant_id, kind=kind, subject=refund_no, now=now, facts=facts)


def _locked(session: Session, merchant_id: int, refund_no: str) -> tuple[Refund, PaymentRow]:
    """The refund's row and its payment, both locked: every writer takes the payment's lock first."""
    payment_no = session.scalar(
        sa.select(Refund.payment_no).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no)
    )
    paid = payments.lock(session, merchant_id, payment_no) if payment_no is not None else None
    if paid is None:
        raise NotAllowedNow("unknown_refund")
    row = session.execute(
        sa.select(Refund)
        .where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    return row, paid
