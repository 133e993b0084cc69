"""Read receipts: pages of the list by keyset, and the sums over each day."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.payments.models import DayTotal, Payment
from portal.payments.queries import PaymentRow, as_row
from portal.receipts.rules import Filter
from portal.values.day import day_bounds

_PAID = Payment.state == "success"
_PLACE = sa.tuple_(Payment.paid_at, Payment.payment_no)


@dataclass(frozen=True)
class ReceiptPage:
    """One page, newest first. `newer` and `older` are the numbers to page on from, None at the ends."""

    rows: list[PaymentRow]
    newer: str | None
    older: str | None


@dataclass(frozen=True)
class DaySum:
    """Count and gross sum in fen of one day's receipts, as far as the filter lets them through."""

    count: int
    received: int


def page(
    session: Session,
    merchant_id: int,
    *,
    chosen: Filter,
    before: str | None = None,
    after: str | None = None,
    most: int = 20,
) -> ReceiptPage:
    """Receipts older than `before` or newer than `after` (payment numbers of the same merchant), else the newest."""
    start = _place_of(session, merchant_id, before or after)
    if start is None:
        before = after = None
    upwards = bool(after) and not before
    order = (Payment.paid_at, Payment.payment_no) if upwards else (Payment.paid_at.desc(), Payment.payment_no.desc())
    statement = sa.select(Payment).where(Payment.merchant_id == merchant_id, _PAID, *_condition(chosen))
    if start is not None:
        edge = sa.tuple_(*(sa.literal(value) for value in start))
        statement = statement.where(edge < _PLACE if upwards else edge > _PLACE)
    found = [as_row(row) for row in session.scalars(statement.order_by(*order).limit(most + 1))]
    more, rows = len(found) > most, found[:most]
    if upwards:
        rows.reverse()
    newer = more if upwards else bool(before)
    older = bool(after) if upwards else more
    return ReceiptPage(
        rows,
        rows[0].payment_no if rows and newer else None,
        rows[-1].payment_no if rows and older else None,
    )


def newest(session: Session, merchant_id: int, *, most: int) -> list[PaymentRow]:
    """The last receipts, newest first."""
    return page(session, merchant_id, chosen=Filter.ALL, most=most).rows


def exists(session: Session, merchant_id: int) -> bool:
    """Whether the merchant has ever been paid."""
    found = sa.select(sa.literal(1)).where(Payment.merchant_id == merchant_id, _PAID).limit(1)
    return session.scalar(found) is not None


def day_sums(session: Session, merchant_id: int, days: list[date], *, chosen: Filter) -> dict[date, DaySum]:
    """The sums over each of `days`: the kept totals without a filter, else added up over those days."""
    if not days:
        return {}
    if chosen is Filter.ALL:
        kept = session.scalars(
            sa.select(DayTotal).where(DayTotal.merchant_id == merchant_id, DayTotal.business_date.in_(days))
        )
        return {row.business_date: DaySum(row.count, row.received) for row in kept}
    first, last = day_bounds(min(days))[0], day_bounds(max(days))[1]
    rows = session.execute(
        sa.select(Payment.business_date, sa.func.count(), sa.func.sum(Payment.amount))
        .where(
            Payment.merchant_id == merchant_id,
            _PAID,
            Payment.paid_at >= first,
            Payment.paid_at < last,
            Payment.business_date.in_(days),
            *_condition(chosen),
        )
        .group_by(Payment.business_date)
    )
    return {day: DaySum(count, int(received)) for day, count, received in rows if day is not None}


def _condition(chosen: Filter) -> tuple[sa.ColumnElement[bool], ...]:
    if chosen in (Filter.WECHAT, Filter.JDPAY):
        return (Payment.wallet == str(chosen),)
    return (Payment.refunded + Payment.refund_reserved > 0,) if chosen is Filter.REFUNDED else ()


def _place_of(session: Session, merchant_id: int, payment_no: str | None) -> tuple[object, str] | None:
    if not payment_no:
        return None
    paid_at = session.scalar(
        sa.select(Payment.paid_at).where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no, _PAID)
    )
    return (paid_at, payment_no) if paid_at is not None else None
