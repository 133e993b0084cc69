"""Read differences: a day's, one, how many are open and what is at stake."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.merchants.models import Merchant
from portal.reconciliation.agreeing import LineSort
from portal.reconciliation.models import BillItem, BillResolution
from portal.reconciliation.queries.bills import BatchKey, of
from portal.reconciliation.rules import UNSETTLED, Difference, ItemState
from portal.reconciliation.ways import Side

ITEMS_MOST = 200


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
    bill_fee: int | None
    our_fee: int | None
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
    def fee_off_by(self) -> int:
        """The bill's fee less ours, where the difference is about the fee."""
        is_fee = self.difference == Difference.FEE
        return (self.bill_fee or 0) - (self.our_fee or 0) if is_fee else 0

    @property
    def is_open(self) -> bool:
        """Whether it keeps the day from being balanced."""
        return self.state in UNSETTLED


@dataclass(frozen=True)
class Wish:
    """Which differences of a day: each empty value is no wish. `state`: `open`, `all`, or what is done about it.

    `merchant` is a merchant's number with us, `least` the smallest difference in fen.
    """

    acquirer: str = ""
    wallet: str = ""
    difference: str = ""
    state: str = "open"
    merchant: int | None = None
    least: int = 0


def at_stake() -> sa.ColumnElement[int]:
    """The fen a difference is about: by how much it is off, or all of the amount where only the state differs."""
    off = _off()
    whole = sa.func.abs(sa.func.coalesce(BillItem.our_amount, BillItem.bill_amount, 0))
    fee = sa.func.abs(sa.func.coalesce(BillItem.bill_fee, 0) - sa.func.coalesce(BillItem.our_fee, 0))
    return sa.case((BillItem.difference == Difference.FEE, fee), (off != 0, off), else_=whole)


def open_by_merchant(session: Session, key: BatchKey) -> dict[int, tuple[int, int]]:
    """How many differences of one bill are open for each merchant, and the fen they are about."""
    rows = session.execute(
        sa.select(BillItem.merchant_id, sa.func.count(), sa.func.sum(at_stake()))
        .where(of(key, BillItem), BillItem.state.in_(UNSETTLED), BillItem.merchant_id.is_not(None))
        .group_by(BillItem.merchant_id)
    )
    return {int(merchant or 0): (count, int(amount)) for merchant, count, amount in rows}


def side_of(row: BillItem | ItemRow) -> Side:
    """A difference as the ways see it."""
    return Side(
        sort=LineSort(row.sort),
        difference=Difference(row.difference),
        state=ItemState(row.state),
        has_merchant=row.merchant_id is not None,
        bill_state=row.bill_state,
        our_state=row.our_state,
        bill_amount=row.bill_amount,
        our_amount=row.our_amount,
        bill_fee=row.bill_fee,
        our_fee=row.our_fee,
    )


def open_items(session: Session, key: BatchKey) -> int:
    """How many differences keep a bill from being balanced."""
    counted = sa.select(sa.func.count()).select_from(BillItem).where(of(key, BillItem), BillItem.state.in_(UNSETTLED))
    return session.scalar(counted) or 0


def open_count(session: Session) -> int:
    """How many differences wait for somebody, of all days."""
    return session.scalar(sa.select(sa.func.count()).select_from(BillItem).where(BillItem.state.in_(UNSETTLED))) or 0


@dataclass(frozen=True)
class Waiting:
    """A day's open differences: how many wait for somebody, for a second person, rest, and rested too long.

    `rests_until` is the first day on which one that rests is due.
    """

    fresh: int
    proposed: int
    on_hold: int
    overdue: int
    rests_until: date | None

    @property
    def total(self) -> int:
        """All that keep the day from being balanced."""
        return self.fresh + self.proposed + self.on_hold


def waiting_of_day(session: Session, day: date, *, today: date) -> Waiting:
    """What is open on a day, by what it waits for."""
    resting, proposed = BillItem.state == ItemState.ON_HOLD, _proposed()
    row = session.execute(
        sa.select(
            sa.func.count().filter(~resting, ~proposed),
            sa.func.count().filter(proposed),
            sa.func.count().filter(resting, ~proposed),
            sa.func.count().filter(~resting, BillItem.hold_until < today),
            sa.func.min(BillItem.hold_until).filter(resting),
        ).where(BillItem.day == day, BillItem.state.in_(UNSETTLED))
    ).one()
    return Waiting(*row)


def items(session: Session, day: date, *, wish: Wish | None = None, only_open: bool = True) -> list[ItemRow]:
    """A day's differences, open ones and large amounts first; at most ITEMS_MOST."""
    asked = wish or Wish(state="open" if only_open else "all")
    order = (BillItem.state.in_(UNSETTLED).desc(), at_stake().desc(), BillItem.item_id)
    wanted = _items().where(BillItem.day == day, *_wished(asked)).order_by(*order).limit(ITEMS_MOST)
    return [_item(row[0], row[1]) for row in session.execute(wanted)]


def every_item(session: Session, day: date) -> list[ItemRow]:
    """All differences of a day, in the order in which they happened."""
    wanted = _items().where(BillItem.day == day).order_by(BillItem.at, BillItem.item_id)
    return [_item(row[0], row[1]) for row in session.execute(wanted)]


def item(session: Session, item_id: int) -> ItemRow | None:
    """One difference."""
    row = session.execute(_items().where(BillItem.item_id == item_id)).one_or_none()
    return _item(row[0], row[1]) if row is not None else None


def _off() -> sa.ColumnElement[int]:
    return sa.func.abs(sa.func.coalesce(BillItem.bill_amount, 0) - sa.func.coalesce(BillItem.our_amount, 0))


def _proposed() -> sa.ColumnElement[bool]:
    return sa.exists().where(BillResolution.item_id == BillItem.item_id, BillResolution.state == "proposed")


def _wished(wish: Wish) -> list[sa.ColumnElement[bool]]:
    chosen: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (BillItem.acquirer, wish.acquirer),
        (BillItem.wallet, wish.wallet),
        (BillItem.difference, wish.difference),
    ):
        if value:
            chosen.append(column == value)
    if wish.merchant is not None:
        chosen.append(BillItem.merchant_id == wish.merchant)
    if wish.least:
        chosen.append(at_stake() >= wish.least)
    states = {
        "open": BillItem.state.in_(UNSETTLED),
        "proposed": sa.and_(BillItem.state.in_(UNSETTLED), _proposed()),
        "on_hold": BillItem.state == ItemState.ON_HOLD,
        "over": BillItem.state.not_in(UNSETTLED),
    }
    return [*chosen, *([states[wish.state]] if wish.state in states else [])]


def _items() -> sa.Select[BillItem, str]:
    return sa.select(BillItem, Merchant.name).outerjoin(Merchant, Merchant.merchant_id == BillItem.merchant_id)


def _item(row: BillItem, name: str | None) -> ItemRow:
    key = BatchKey(row.acquirer, row.day, row.kind, row.sub_merchant_no)
    return ItemRow(key=key, merchant_name=name or "", **{column: getattr(row, column) for column in _COPIED})


_COPIED = tuple(name for name in ItemRow.__dataclass_fields__ if name not in ("key", "merchant_name"))
