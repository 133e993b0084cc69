"""Read bills, their differences and their sums."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.merchants.models import Merchant
from portal.reconciliation.models import BillBatch, BillItem, BillTotal
from portal.reconciliation.rules import DAYS_BACK, UNSETTLED, BatchState, stage

ITEMS_MOST = 200


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
    lines: int
    progress: int | None
    progress_at: datetime | None
    asked_at: datetime | None
    compared_at: datetime | None


@dataclass(frozen=True)
class DayRow:
    """A day in the list: where it stands, how many bills there are and are still missing, and what is open."""

    day: date
    state: BatchState
    bills: int
    missing: int
    lines: int
    open: int
    on_hold: int
    difference: int


@dataclass(frozen=True)
class ItemRow:
    """One difference, with the merchant's name. Amounts are signed fen."""

    item_id: int
    key: BatchKey
    sort: str
    number: str
    merchant_no: str
    difference: str
    state: str
    merchant_id: int | None
    merchant_name: str
    wallet: str
    bill_wallet: str
    order_no: str
    transaction_no: str
    line: int | None
    at: datetime
    bill_amount: int | None
    our_amount: int | None
    bill_state: str
    our_state: str
    reason: str
    hold_until: date | None
    decided_by: str
    decided_at: datetime | None

    @property
    def off_by(self) -> int:
        """The bill's amount less ours."""
        return (self.bill_amount or 0) - (self.our_amount or 0)

    @property
    def is_open(self) -> bool:
        """Whether it keeps the day from being balanced."""
        return self.state in UNSETTLED


@dataclass(frozen=True)
class SumRow:
    """A day's sums for one acquirer and one payer's app."""

    acquirer: str
    wallet: str
    bill_lines: int
    bill_amount: int
    our_amount: int
    matched: int

    @property
    def off_by(self) -> int:
        """The bill's amount less ours."""
        return self.bill_amount - self.our_amount


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
    """Days up to `newest` that are not balanced, newest first: none asked for yet, or something is open."""
    oldest = max(first, newest - timedelta(days=DAYS_BACK - 1))
    rows = session.execute(
        sa.select(BillBatch.day, sa.func.bool_and(BillBatch.state.in_((BatchState.BALANCED, BatchState.CLOSED))))
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
    newest = sa.select(BillBatch.day).distinct().order_by(BillBatch.day.desc()).limit(most)
    known = list(session.scalars(newest))
    for row in session.execute(
        sa.select(BillBatch.day, BillBatch.state, sa.func.count(), sa.func.sum(BillBatch.lines))
        .where(BillBatch.day.in_(known))
        .group_by(BillBatch.day, BillBatch.state)
    ):
        counted.setdefault(row[0], Counter())[BatchState(row[1])] += row[2]
        lines[row[0]] += int(row[3])
        missing[row[0]] += row[2] if row[1] == BatchState.AWAITING_BILL else 0
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
            lines[day],
            *map(int, items.get(day, (0, 0, 0))),
        )
        for day in known
    ]


def open_items(session: Session, key: BatchKey) -> int:
    """How many differences keep a bill from being balanced."""
    counted = sa.select(sa.func.count()).select_from(BillItem).where(of(key, BillItem), BillItem.state.in_(UNSETTLED))
    return session.scalar(counted) or 0


def open_count(session: Session) -> int:
    """How many differences wait for somebody, of all days."""
    return session.scalar(sa.select(sa.func.count()).select_from(BillItem).where(BillItem.state.in_(UNSETTLED))) or 0


def items(session: Session, day: date, *, only_open: bool) -> list[ItemRow]:
    """A day's differences, open ones and large amounts first; at most ITEMS_MOST."""
    off = sa.func.abs(sa.func.coalesce(BillItem.bill_amount, 0) - sa.func.coalesce(BillItem.our_amount, 0))
    wanted = _items().where(BillItem.day == day)
    if only_open:
        wanted = wanted.where(BillItem.state.in_(UNSETTLED))
    order = (BillItem.state.in_(UNSETTLED).desc(), off.desc(), BillItem.item_id)
    return [_item(row[0], row[1]) for row in session.execute(wanted.order_by(*order).limit(ITEMS_MOST))]


def item(session: Session, item_id: int) -> ItemRow | None:
    """One difference."""
    row = session.execute(_items().where(BillItem.item_id == item_id)).one_or_none()
    return _item(row[0], row[1]) if row is not None else None


def sums(session: Session, day: date) -> list[SumRow]:
    """A day's sums by acquirer and payer's app."""
    amounts = (BillTotal.bill_lines, BillTotal.bill_amount, BillTotal.our_amount, BillTotal.matched)
    rows = session.execute(
        sa.select(BillTotal.acquirer, BillTotal.wallet, *(sa.func.sum(amount) for amount in amounts))
        .where(BillTotal.day == day)
        .group_by(BillTotal.acquirer, BillTotal.wallet)
        .order_by(BillTotal.acquirer.desc(), BillTotal.wallet.desc())
    )
    return [SumRow(row[0], row[1], *map(int, row[2:])) for row in rows]


def _items() -> sa.Select[BillItem, str]:
    return sa.select(BillItem, Merchant.name).outerjoin(Merchant, Merchant.merchant_id == BillItem.merchant_id)


def _batch(row: BillBatch) -> BatchRow:
    key = BatchKey(row.acquirer, row.day, row.kind, row.sub_merchant_no)
    return BatchRow(
        *(key, BatchState(row.state), row.answer, row.trouble, row.size, row.lines),
        *(row.progress, row.progress_at, row.asked_at, row.compared_at),
    )


def _item(row: BillItem, name: str | None) -> ItemRow:
    key = BatchKey(row.acquirer, row.day, row.kind, row.sub_merchant_no)
    return ItemRow(
        *(row.item_id, key, row.sort, row.number, row.merchant_no, row.difference, row.state),
        *(row.merchant_id, name or "", row.wallet, row.bill_wallet, row.order_no, row.transaction_no),
        *(row.line, row.at, row.bill_amount, row.our_amount, row.bill_state, row.our_state),
        *(row.reason, row.hold_until, row.decided_by, row.decided_at),
    )
