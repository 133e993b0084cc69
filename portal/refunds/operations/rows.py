"""What every refund operation does: lock the two rows in one order, take the amount, give it back, tell the feed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.payments import operations as payments
from portal.payments.queries import PaymentRow
from portal.refunds import postings
from portal.refunds.models import Refund
from portal.refunds.rules import State
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow


def locked(session: Session, merchant_id: int, refund_no: str) -> tuple[Refund, PaymentRow]:
    """The refund's row and its payment, both locked: every writer takes the payment's lock first.

    Raises NotAllowedNow(`unknown_refund`) for a number we never gave out.
    """
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


def give_up(session: Session, row: Refund, paid: PaymentRow, state: State, now: datetime) -> None:
    """The refund ends in `state` (closed or declined): its amount is its owner's again, by a new transfer."""
    row.state = state
    if row.transaction_no is None:
        payments.release_refund(session, merchant_id=row.merchant_id, payment_no=row.payment_no, amount=row.amount)
    moves = postings.released(
        refund_no=row.refund_no,
        acquirer=paid.acquirer,
        amount=row.amount,
        day=business_date(now),
        owner=postings.owner_of(row.transaction_no),
    )
    ledger.post(session, merchant_id=row.merchant_id, moves=moves, now=now)
    tell(session, row, f"refund.{state}", now)


def tell(session: Session, row: Refund, kind: str, now: datetime) -> None:
    """Write into the merchant's feed what happened to a refund. `second`: nothing of it goes back from the payment."""
    facts = {"payment": row.payment_no, "amount": row.amount}
    if row.transaction_no is not None:
        facts["second"] = True
    events.append(session, merchant_id=row.merchant_id, kind=kind, subject=row.refund_no, now=now, facts=facts)
