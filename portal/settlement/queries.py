"""Read a merchant's books of days, the sheets sealed of them, and what reconciliation has told of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from portal.ledger import queries as ledger
from portal.payments.models import Payment
from portal.payments.rules import Source
from portal.plumbing.db import METADATA
from portal.refunds.models import Refund
from portal.settlement.models import DaySheet
from portal.settlement.rules import Earlier, Figures, Group, Line, Split, books_of, lines_of, missing_from, rebate_of
from portal.settlement.sealing import days_to_seal, from_json
from portal.settlement.stages import Bill, Payout, Standing
from portal.values.day import SHANGHAI, day_bounds

_HOURS = 24
# How many postings of each day stand on any sheet: on its own, and on later ones.
_RECORDED = sa.text(
    """
    SELECT day, sum(n) AS postings FROM (
        SELECT day, (line ->> 3)::bigint AS n
        FROM day_sheets, jsonb_array_elements(figures -> 'books') AS line
        WHERE merchant_id = :merchant
        UNION ALL
        SELECT (told ->> 'day')::date, (line ->> 3)::bigint
        FROM day_sheets, jsonb_array_elements(figures -> 'earlier') AS told,
            jsonb_array_elements(told -> 'books') AS line
        WHERE merchant_id = :merchant
    ) AS lines
    GROUP BY day
    """
)


@dataclass(frozen=True)
class Sealed:
    """A sheet's place in its merchant's chain, and its seal."""

    merchant_id: int
    position: int
    day: date
    seal: str


@dataclass(frozen=True)
class SheetRow:
    """One sealed sheet as it was written."""

    merchant_id: int
    position: int
    figures: Figures
    previous: str
    seal: str
    sealed_at: datetime

    @property
    def day(self) -> date:
        """The Beijing day it is about."""
        return self.figures.day


def sheet(session: Session, merchant_id: int, day: date) -> SheetRow | None:
    """The sheet of one day."""
    row = session.get(DaySheet, (merchant_id, day))
    return as_row(row) if row else None


def last_sheet(session: Session, merchant_id: int) -> SheetRow | None:
    """The newest link of a merchant's chain of sheets."""
    row = session.scalar(
        sa.select(DaySheet).where(DaySheet.merchant_id == merchant_id).order_by(DaySheet.position.desc()).limit(1)
    )
    return as_row(row) if row else None


def sealed_since(session: Session, moment: datetime) -> list[Sealed]:
    """Every merchant's seals since then, readable sheets or not. Needs the wide sight of `portal_staff`."""
    chosen = sa.select(DaySheet.merchant_id, DaySheet.position, DaySheet.day, DaySheet.seal)
    in_order = chosen.order_by(DaySheet.merchant_id, DaySheet.position)
    rows = session.execute(in_order.where(DaySheet.sealed_at >= moment))
    return [Sealed(*row) for row in rows]


def sheets(session: Session, merchant_id: int, first: date, last: date) -> list[SheetRow]:
    """The sheets of some days, newest first."""
    rows = session.scalars(
        sa.select(DaySheet)
        .where(DaySheet.merchant_id == merchant_id, DaySheet.day.between(first, last))
        .order_by(DaySheet.day.desc())
    )
    return [as_row(row) for row in rows]


def ends(session: Session, merchant_id: int) -> tuple[date, date] | None:
    """The first and the last day that have a sheet; None before the first."""
    first, last = session.execute(
        sa.select(sa.func.min(DaySheet.day), sa.func.max(DaySheet.day)).where(DaySheet.merchant_id == merchant_id)
    ).one()
    return (first, last) if first is not None else None


def told_later(session: Session, merchant_id: int, days: Collection[date]) -> list[SheetRow]:
    """The later sheets on which something stands that was booked for one of these days after its close, in order."""
    if not days:
        return []
    named = DaySheet.earlier_days.overlap(sa.cast(sorted(days), ARRAY(sa.Date)))
    rows = session.scalars(
        sa.select(DaySheet)
        .where(DaySheet.merchant_id == merchant_id, DaySheet.day > min(days), named)
        .order_by(DaySheet.position)
    )
    return [as_row(row) for row in rows]


def late_lines(session: Session, merchant_id: int, days: Collection[date]) -> dict[date, list[Line]]:
    """By day, what stands of it on later sheets."""
    found: dict[date, list[Line]] = {}
    later = told_later(session, merchant_id, days)
    for one in (one for row in later for one in row.figures.earlier if one.day in days):
        found.setdefault(one.day, []).extend(one.lines)
    return found


def splits(session: Session, merchant_id: int, days: list[date]) -> list[Split]:
    """Every posting of these days, grouped by way and by the payer's wallet."""
    posted = ledger.postings_of(merchant_id).subquery("posted")
    wallet = sa.func.coalesce(Payment.wallet, "unknown")
    discount = sa.func.sum(
        sa.case((posted.c.kind == "payment", Payment.amount - sa.func.coalesce(Payment.payer_amount, Payment.amount)))
    )
    refunded = sa.and_(Refund.merchant_id == merchant_id, Refund.refund_no == posted.c.ref)
    number = sa.func.coalesce(Refund.payment_no, posted.c.ref)
    way = (posted.c.business_date, posted.c.kind, posted.c.debit, posted.c.credit, wallet)
    rows = session.execute(
        sa.select(*way, sa.func.count(), sa.func.sum(posted.c.amount), sa.func.coalesce(discount, 0))
        .select_from(posted)
        .outerjoin(Refund, refunded)
        .outerjoin(Payment, sa.and_(Payment.merchant_id == merchant_id, Payment.payment_no == number))
        .where(posted.c.business_date.in_(days))
        .group_by(*way)
        .order_by(*way)
    )
    return [
        Split(day, Group(kind, debit, credit, count, int(amount)), wallet, int(less))
        for day, kind, debit, credit, wallet, count, amount, less in rows
    ]


def books(session: Session, merchant_id: int, days: Collection[date]) -> dict[date, list[Group]]:
    """The ledger's postings of these days as they are now; a day without any is not named."""
    posted = ledger.postings_of(merchant_id).subquery("posted")
    way = (posted.c.business_date, posted.c.kind, posted.c.debit, posted.c.credit)
    rows = session.execute(
        sa.select(*way, sa.func.count(), sa.func.sum(posted.c.amount))
        .where(posted.c.business_date.in_(days))
        .group_by(*way)
        .order_by(*way)
    )
    found: dict[date, list[Group]] = {}
    for day, kind, debit, credit, count, amount in rows:
        found.setdefault(day, []).append(Group(kind, debit, credit, count, int(amount)))
    return found


def recorded(session: Session, merchant_id: int, day: date) -> list[Group]:
    """The postings of one day that stand on any sheet: its own, and those that told of it later."""
    own = sheet(session, merchant_id, day)
    later = told_later(session, merchant_id, [day])
    told = [one.books for row in later for one in row.figures.earlier if one.day == day]
    return [group for part in (own.figures.books if own else (), *told) for group in part]


def every_record(session: Session, merchant_id: int) -> dict[date, list[Group]]:
    """By day, all postings that stand on any sheet."""
    found: dict[date, list[Group]] = {}
    for row in sheets(session, merchant_id, date.min, date.max):
        found.setdefault(row.day, []).extend(row.figures.books)
        for one in row.figures.earlier:
            found.setdefault(one.day, []).extend(one.books)
    return found


def to_be_sealed(session: Session, merchant_id: int, *, until: date) -> list[Figures]:
    """The figures of every day up to `until` that is to be sealed now, in order.

    Needs a transaction that sees one moment (REPEATABLE READ). Raises BooksShrank when the ledger has lost something.
    """
    last = last_sheet(session, merchant_id)
    counts = ledger.counted_by_day(session, merchant_id, until=until)
    sealed = {day: count for day, count in counts.items() if last is not None and day <= last.day}
    covered = last.figures.covered if last is not None else 0
    late = sum(sealed.values()) != covered
    earlier = _late(session, merchant_id, sealed) if late else ()
    days = days_to_seal(counts, last=last.day if last else None, until=until, late=late)
    figures = []
    for day in days:
        told, earlier = earlier, ()
        covered += counts.get(day, 0) + sum(group.count for one in told for group in one.books)
        figures.append(_figures(session, merchant_id, day, told, covered))
    return figures


def standings(session: Session, merchant_id: int, days: list[date]) -> dict[date, dict[str, Standing]]:
    """By day and acquirer, what the bills say. Reconciliation writes these tables; it is a stranger to this slice."""
    told, paid = METADATA.tables["day_standings"], METADATA.tables["bank_payouts"]
    payouts: dict[tuple[date, str], list[Payout]] = {}
    # What came in by midnight is paid out on the next morning, and stands in that day's fund bill.
    following = [day + timedelta(days=1) for day in days]
    for row in session.execute(
        sa.select(paid)
        .where(paid.c.merchant_id == merchant_id, paid.c.day.in_(following))
        .order_by(paid.c.at, paid.c.flow_no)
    ):
        place = (row.day - timedelta(days=1), row.acquirer)
        payouts.setdefault(place, []).append(Payout(row.flow_no, row.at, row.amount))
    found: dict[date, dict[str, Standing]] = {day: {} for day in days}
    for row in session.execute(sa.select(told).where(told.c.merchant_id == merchant_id, told.c.day.in_(days))):
        found[row.day][row.acquirer] = Standing(
            row.acquirer,
            Bill(row.bill_state),
            looking=row.open_amount,
            judged_at=row.compared_at,
            paid=row.paid,
            paid_awaited=row.paid_state == "awaiting_bill",
            payouts=tuple(payouts.get((row.day, row.acquirer), ())),
        )
    return found


class SheetUnreadable(Exception):
    """A kept sheet is not one that was ever written here."""


def as_row(row: DaySheet) -> SheetRow:
    """A frozen copy of a sheet's row. Raises SheetUnreadable."""
    try:
        figures = from_json(row.figures)
    except (ValueError, KeyError, TypeError) as error:
        raise SheetUnreadable(f"sheet of {row.day}") from error
    return SheetRow(row.merchant_id, row.position, figures, row.previous, row.seal, row.sealed_at)


def _late(session: Session, merchant_id: int, counts: dict[date, int]) -> tuple[Earlier, ...]:
    known = {row.day: int(row.postings) for row in session.execute(_RECORDED, {"merchant": merchant_id})}
    days = sorted(day for day in known.keys() | counts.keys() if known.get(day, 0) != counts.get(day, 0))
    now = books(session, merchant_id, days)
    return tuple(Earlier(day, missing_from(recorded(session, merchant_id, day), now.get(day, []))) for day in days)


def _figures(session: Session, merchant_id: int, day: date, earlier: tuple[Earlier, ...], covered: int) -> Figures:
    mine = splits(session, merchant_id, [day])
    books_now = books_of(mine)
    count, gross = _elsewhere(session, merchant_id, day)
    return Figures(
        day=day,
        lines=lines_of(mine),
        books=books_now,
        rebate=rebate_of(books_now),
        hours=_hours(session, merchant_id, day),
        earlier=earlier,
        elsewhere_count=count,
        elsewhere_gross=gross,
        covered=covered,
    )


def _hours(session: Session, merchant_id: int, day: date) -> tuple[int, ...]:
    """The gross of each hour of the clock in Shanghai, of the payments the ledger has for that day."""
    posted = ledger.postings_of(merchant_id).subquery("posted")
    hour = sa.cast(sa.func.extract("hour", sa.func.timezone(str(SHANGHAI), Payment.paid_at)), sa.Integer)
    rows = session.execute(
        sa.select(hour, sa.func.sum(posted.c.amount))
        .select_from(posted)
        .join(Payment, sa.and_(Payment.merchant_id == merchant_id, Payment.payment_no == posted.c.ref))
        .where(posted.c.business_date == day, posted.c.kind == "payment")
        .group_by(hour)
    )
    sums = {int(at): int(gross) for at, gross in rows}
    return tuple(sums.get(at, 0) for at in range(_HOURS))


def _elsewhere(session: Session, merchant_id: int, day: date) -> tuple[int, int]:
    start, end = day_bounds(day)
    count, gross = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(Payment.amount), 0)).where(
            Payment.merchant_id == merchant_id,
            Payment.state == "success",
            Payment.source == Source.INTERCONNECT,
            Payment.paid_at >= start,
            Payment.paid_at < end,
        )
    ).one()
    return count, int(gross)
