"""Read refunds."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.refunds.models import Refund


@dataclass(frozen=True)
class RefundRow:
    """One refund. Amounts in fen."""

    merchant_id: int
    refund_no: str
    payment_no: str
    amount: int
    payer_amount: int | None
    state: str
    reason: str
    wallet_refund_no: str | None
    received_by: str | None
    refusal: str
    created_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    asked_at: datetime | None


_COLUMNS = tuple(RefundRow.__dataclass_fields__)


def refund(session: Session, merchant_id: int, refund_no: str) -> RefundRow | None:
    """One refund of one merchant."""
    row = session.scalar(sa.select(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no))
    return as_row(row) if row else None


def of_payment(session: Session, merchant_id: int, payment_no: str) -> list[RefundRow]:
    """Every refund of one payment, oldest first."""
    rows = session.scalars(
        sa.select(Refund)
        .where(Refund.merchant_id == merchant_id, Refund.payment_no == payment_no)
        .order_by(Refund.created_at, Refund.refund_no)
    )
    return [as_row(row) for row in rows]


def newest(session: Session, merchant_id: int, *, most: int = 50) -> list[RefundRow]:
    """The merchant's refunds, newest first."""
    rows = session.scalars(
        sa.select(Refund)
        .where(Refund.merchant_id == merchant_id)
        .order_by(Refund.created_at.desc(), Refund.refund_no.desc())
        .limit(most)
    )
    return [as_row(row) for row in rows]


def as_row(row: Refund) -> RefundRow:
    """A frozen copy of a refund's row."""
    return RefundRow(**{name: getattr(row, name) for name in _COLUMNS})
