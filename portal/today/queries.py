"""Read what the owner's home shows."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.payments.models import Payment
from portal.today.rules import HourSum
from portal.values.day import day_bounds


def hours(session: Session, merchant_id: int, day: date) -> list[HourSum]:
    """One business day by wallet and hour of the clock in Shanghai."""
    start, end = day_bounds(day)
    hour = sa.cast(sa.func.extract("hour", sa.func.timezone("Asia/Shanghai", Payment.paid_at)), sa.Integer)
    rows = session.execute(
        sa.select(Payment.wallet, hour, sa.func.count(), sa.func.sum(Payment.amount))
        .where(
            Payment.merchant_id == merchant_id,
            Payment.state == "success",
            Payment.paid_at >= start,
            Payment.paid_at < end,
        )
        .group_by(Payment.wallet, hour)
    )
    return [HourSum(wallet, number, count, int(received)) for wallet, number, count, received in rows]


def received_until(session: Session, merchant_id: int, *, start: datetime, end: datetime) -> int:
    """Gross fen between two moments."""
    statement = sa.select(sa.func.coalesce(sa.func.sum(Payment.amount), 0)).where(
        Payment.merchant_id == merchant_id,
        Payment.state == "success",
        Payment.paid_at >= start,
        Payment.paid_at < end,
    )
    return int(session.scalar(statement) or 0)
