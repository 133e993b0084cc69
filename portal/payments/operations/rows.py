"""The two rows every payment operation writes: the payment's own, and its day's."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.payments.models import DayTotal, Payment


def change(session: Session, merchant_id: int, payment_no: str, condition: object, **values: object) -> bool:
    """A guarded change of one payment: False when `condition` does not hold (any more)."""
    result = session.execute(
        sa.update(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no, condition)  # type: ignore[arg-type]
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return result.rowcount == 1  # type: ignore[attr-defined]


def add_to_day(
    session: Session, merchant_id: int, day: date, *, count: int = 0, received: int = 0, refunded: int = 0
) -> int:
    """Let the day's sums grow; answers how many payments it has now."""
    statement = insert(DayTotal).values(
        merchant_id=merchant_id, business_date=day, count=count, received=received, refunded=refunded
    )
    grown: int = session.execute(
        statement.on_conflict_do_update(
            index_elements=[DayTotal.merchant_id, DayTotal.business_date],
            set_={
                "count": DayTotal.count + count,
                "received": DayTotal.received + received,
                "refunded": DayTotal.refunded + refunded,
            },
        ).returning(DayTotal.count)
    ).scalar_one()
    return grown
