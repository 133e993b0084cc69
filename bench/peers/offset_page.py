"""Paging as most lists do it: LIMIT and OFFSET (SQLAlchemy's tutorial, "ORDER BY, GROUP BY, LIMIT, OFFSET")."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.payments.models import Payment
from portal.payments.queries import PaymentRow, as_row
from portal.plumbing.db import Database


def page(session: Session, merchant_id: int, *, skipped: int, most: int) -> list[PaymentRow]:
    """The receipts after the newest `skipped` ones, newest first, along the same index as the portal's own list."""
    statement = _newest(merchant_id).offset(skipped).limit(most + 1)
    return [as_row(row) for row in session.scalars(statement)][:most]


def receipt_at(database: Database, merchant_id: int, place: int) -> str:
    """The number of the receipt at a place, counted from nothing, newest first."""
    with database.transaction(merchant=merchant_id) as session:
        return session.scalars(_newest(merchant_id).offset(place).limit(1)).one().payment_no


def _newest(merchant_id: int) -> sa.Select[tuple[Payment]]:
    return (
        sa.select(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.state == "success")
        .order_by(Payment.paid_at.desc(), Payment.payment_no.desc())
    )
