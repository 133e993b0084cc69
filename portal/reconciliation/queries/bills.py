"""Read bills and days."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reconciliation.models import BillBatch, BillItem, BillTotal
from portal.reconciliation.nights import DAYS_BACK
from portal.reconciliation.rules import SETTLED, UNSETTLED, BatchState, stage
from portal.wallets.bills import BillKind


@dataclass(frozen=True)
class BatchKey:
    """Which bill: `sub_merchant_no` is empty where one bill tells of all merchants."""

    acquirer: str
    day: date
    kind: str
    sub_merchant_no: str


@dataclass(frozen=True)
class BatchRow:
    """One bill and how far it is."""

    key: BatchKey
    state: BatchState
    answer: str
    trouble: str
    size: int
    sha256: str
    lines: int
    progress: int | None
    progress_at: datetime | None
    asked_at: datetime | None
    compared_at: datetime | None


@dataclass(frozen=True)
class DayRow:
    """A day in the list: where it stands, its trade bills (all, missing, not given to us), and what is open."""

    day: date
    state: BatchState
    bills: int
    missing: int
    not_reported: int
    lines: int
    open: int
    on_hold: int
    difference: int


def of(key: BatchKey, table: type[BillBatch] | type[BillItem] | type[BillTotal] = BillBatch) -> sa.ColumnElement[bool]:
    """The condition that names one bill."""
    return sa.and_(
        table.acquirer == key.acquirer,
        table.day == key.day,
        table.kind == key.kind,
        table.sub_merchant_no == key.sub_merchant_no,
    )


def batches(session: Session, day: date) -> list[BatchRow]:
    """Every bill of a day."""
    order = (BillBatch.acquirer.desc(), BillBatch.kind, BillBatch.sub_merchant_no)
    return [_batch(row) for row in session.scalars(sa.select(BillBatch).where(BillBatch.day == day).order_by(*order))]


def batch(session: Session, key: BatchKey) -> BatchRow | None:
    """One bill."""
    row = session.scalar(sa.select(BillBatch).where(of(key)))
    return _batch(row) if row is not None else None


def unfinished_days(session: Session, *, newest: date, first: date) -> list[date]:
    """Days up to `newest` that are not settled, newest first: none asked for yet, or something is open or awaited."""
    oldest = max(first, newest - timedelta(days=DAYS_BACK - 1))
    rows = session.execute(
        sa.select(BillBatch.day, sa.func.bool_and(BillBatch.state.in_(SETTLED)))
        .where(BillBatch.day >= oldest)
        .group_by(BillBatch.day)
    )
    done = {day for day, over in rows if over}
    days = (newest - timedelta(days=back) for back in range((newest - oldest).days + 1))
    return [day for day in days if day not in done or day == newest]


def days(session: Session, *, most: int) -> list[DayRow]:
    """The newest days with their counts."""
    counted: dict[date, Counter[BatchState]] = {}
    lines: Counter[date] = Counter()
    missing: Counter[date] = Counter()
    withheld: Counter[date] = Counter()
    newest = (
        sa.select(BillBatch.day)
        .where(BillBatch.kind == BillKind.TRADES)
        .distinct()
        .order_by(BillBatch.day.desc())
        .limit(most)
    )
    known = list(session.scalars(newest))
    for row in session.execute(
        sa.select(BillBatch.day, BillBatch.state, sa.func.count(), sa.func.sum(BillBatch.lines))
        .where(BillBatch.day.in_(known), BillBatch.kind == BillKind.TRADES)
        .group_by(BillBatch.day, BillBatch.state)
    ):
        counted.setdefault(row[0], Counter())[BatchState(row[1])] += row[2]
        lines[row[0]] += int(row[3])
        missing[row[0]] += row[2] if row[1] == BatchState.AWAITING_BILL else 0
        withheld[row[0]] += row[2] if row[1] == BatchState.NOT_REPORTED else 0
    off = sa.func.coalesce(BillItem.bill_amount, 0) - sa.func.coalesce(BillItem.our_amount, 0)
    on_hold = sa.func.count().filter(BillItem.state == "on_hold")
    items = {
        row[0]: row[1:]
        for row in session.execute(
            sa.select(BillItem.day, sa.func.count(), on_hold, sa.func.sum(off))
            .where(BillItem.day.in_(known), BillItem.state.in_(UNSETTLED))
            .group_by(BillItem.day)
        )
    }
    return [
        DayRow(
            day,
            stage(counted[day]),
            counted[day].total(),
            missing[day],
            withheld[day],
            lines[day],
            *map(int, items.get(day, (0, 0, 0))),
        )
        for day in known
    ]


def _batch(row: BillBatch) -> BatchRow:
    key = BatchKey(row.acquirer, row.day, row.kind, row.sub_merchant_no)
    return BatchRow(
        *(key, BatchState(row.state), row.answer, row.trouble, row.size, row.sha256, row.lines),
        *(row.progress, row.progress_at, row.asked_at, row.compared_at),
    )
