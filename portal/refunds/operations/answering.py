"""Note what a wallet said of a refund, and book what follows from it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger import operations as ledger
from portal.payments import operations as payments
from portal.payments.queries import PaymentRow
from portal.refunds import postings
from portal.refunds.models import Refund
from portal.refunds.operations.rows import give_up, locked, tell
from portal.refunds.rules import Fact, State, after, fee_back, said_arrived
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.wallets.port import RefundAnswer, RefundState

_FACTS = {
    RefundState.PROCESSING: Fact.ACCEPTED,
    RefundState.ABNORMAL: Fact.STUCK,
    RefundState.CLOSED: Fact.CAME_TO_NOTHING,
}


def note_asked(session: Session, *, merchant_id: int, refund_no: str, now: datetime) -> None:
    """The wallet is about to be asked."""
    session.execute(
        sa.update(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no).values(asked_at=now)
    )


def note_no_answer(session: Session, *, merchant_id: int, refund_no: str, now: datetime) -> None:
    """Asked, and nobody knows what the wallet did: the amount stays set aside until it says."""
    row, _ = locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.NO_ANSWER)
    if target is not None:
        row.state = target
        tell(session, row, "refund.unknown", now)


def note_refused(session: Session, *, merchant_id: int, refund_no: str, refusal: str, now: datetime) -> None:
    """The wallet said no for good: the amount is free again, and the merchant is told why."""
    row, paid = locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.REFUSED)
    if target is not None:
        row.refusal = refusal
        give_up(session, row, paid, target, now)


def note_sent_on(session: Session, *, merchant_id: int, refund_no: str, now: datetime) -> bool:
    """The wallet pays a stuck refund to the merchant's bank account instead. False when it is not stuck (any more)."""
    row, _ = locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.SENT_ON)
    if target is None:
        return False
    row.state = target
    tell(session, row, "refund.sent_on", now)
    return True


def note_answer(session: Session, *, merchant_id: int, answer: RefundAnswer, now: datetime) -> bool:
    """Book what the wallet says of a refund. False when it was known already, or the answer does not fit the refund.

    Raises NotAllowedNow: `unknown_refund` for a number we never gave out, `wrong_merchant` and `wrong_amount` for an
    answer that speaks of another contract or another sum.
    """
    if answer.state is RefundState.MISSING:
        return False
    row, paid = locked(session, merchant_id, answer.refund_no)
    if (answer.acquirer, answer.sub_merchant_no) != (paid.acquirer, paid.sub_merchant_no):
        raise NotAllowedNow("wrong_merchant")
    if answer.amount is not None and answer.amount != row.amount:
        raise NotAllowedNow("wrong_amount")
    fact = said_arrived(State(row.state)) if answer.state is RefundState.SUCCESS else _FACTS[answer.state]
    target = after(State(row.state), fact)
    if target is None or (fact is Fact.LATE_ARRIVAL and not _take_again(session, row, paid, now)):
        return False
    row.wallet_refund_no = answer.wallet_refund_no or row.wallet_refund_no
    row.received_by = answer.received_by or row.received_by
    row.payer_amount = answer.payer_amount if answer.payer_amount is not None else row.payer_amount
    row.accepted_at = row.accepted_at or now
    if target is State.CLOSED:
        give_up(session, row, paid, target, now)
        return True
    row.state = target
    if target is State.SUCCESS:
        _arrive(session, row, paid, answer.arrived_at or now, now)
    tell(session, row, f"refund.{target}", now)
    return True


def _arrive(session: Session, row: Refund, paid: PaymentRow, arrived_at: datetime, now: datetime) -> None:
    day, back = business_date(arrived_at), 0
    row.arrived_at = arrived_at
    if row.transaction_no is None:
        back = int(fee_back(fee=paid.fee, fee_returned=paid.fee_returned, amount=row.amount, order_amount=paid.amount))
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


def _take_again(session: Session, row: Refund, paid: PaymentRow, now: datetime) -> bool:
    """Given up here, and the money went back after all: take it from its owner once more.

    False when so much is not left of the payment (it was refunded anew meanwhile): that is for somebody to look at.
    """
    if row.transaction_no is None and not payments.reserve_refund(
        session, merchant_id=row.merchant_id, payment_no=row.payment_no, amount=row.amount
    ):
        return False
    moves = postings.rebooked(
        refund_no=row.refund_no,
        acquirer=paid.acquirer,
        amount=row.amount,
        day=business_date(now),
        owner=postings.owner_of(row.transaction_no),
    )
    ledger.post(session, merchant_id=row.merchant_id, moves=moves, now=now)
    row.refusal = ""
    tell(session, row, "refund.late_arrival", now)
    return True
