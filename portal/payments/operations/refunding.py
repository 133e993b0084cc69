"""What a refund does to its payment: set aside, release, settle."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.payments.models import Payment
from portal.payments.operations.rows import add_to_day, change
from portal.payments.queries import PaymentRow, as_row


def lock(session: Session, merchant_id: int, payment_no: str) -> PaymentRow | None:
    """Lock one payment until the transaction ends: refunds of one payment take turns here."""
    row = session.scalar(
        sa.select(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return as_row(row) if row else None


def reserve_refund(session: Session, *, merchant_id: int, payment_no: str, amount: int) -> bool:
    """Set `amount` fen aside for a refund. False when so much is not left; the database's CHECK stands behind it."""
    return change(
        session,
        merchant_id,
        payment_no,
        Payment.refunded + Payment.refund_reserved + amount <= Payment.amount,
        refund_reserved=Payment.refund_reserved + amount,
    )


def release_refund(session: Session, *, merchant_id: int, payment_no: str, amount: int) -> None:
    """A refund came to nothing: its amount may be refunded again."""
    change(session, merchant_id, payment_no, sa.true(), refund_reserved=Payment.refund_reserved - amount)


def settle_refund(
    session: Session, *, merchant_id: int, payment_no: str, amount: int, fee_back: int, day: date
) -> None:
    """A refund arrived: `amount` fen leave the reserve, `fee_back` fen of fee come back, the day's sum grows."""
    change(
        session,
        merchant_id,
        payment_no,
        sa.true(),
        refund_reserved=Payment.refund_reserved - amount,
        refunded=Payment.refunded + amount,
        fee_returned=Payment.fee_returned + fee_back,
    )
    add_to_day(session, merchant_id, day, refunded=amount)
