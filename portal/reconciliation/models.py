"""Bills, what was found wrong in them, what was done about it, and their sums: the platform's own.

What a merchant may read of it is told to him in `day_standings` and `bank_payouts`, which are his.
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)
_BILL = ("acquirer", "day", "kind", "sub_merchant_no")


class BillBatch(Base):
    """One bill of one Beijing day. `sub_merchant_no` is empty where one bill tells of all merchants.

    `answer` is what the wallet said when the bill was asked for, or `unreadable`, with `trouble` in its own words.
    `progress` is per cent while somebody works on it; `progress_at` is his last sign of life.
    """

    __tablename__ = "bill_batches"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('awaiting_bill', 'not_reported', 'parsed', 'compared', 'balanced', 'unbalanced', 'closed')",
            name="state_known",
        ),
        sa.CheckConstraint(
            "answer IN ('', 'ready', 'not_ready', 'empty', 'not_permitted', 'failed', 'unreadable')",
            name="answer_known",
        ),
        sa.CheckConstraint("acquirer IN ('wechat', 'jdpay')", name="acquirer_known"),
        sa.CheckConstraint("kind IN ('trades', 'funds', 'merchant_funds')", name="kind_known"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_per_cent"),
        {"info": {"owner": "platform"}},
    )

    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(16))
    answer: Mapped[str] = mapped_column(sa.String(16))
    trouble: Mapped[str] = mapped_column(sa.String(200))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    lines: Mapped[int] = mapped_column(sa.BigInteger)
    progress: Mapped[int | None] = mapped_column(sa.SmallInteger)
    progress_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    asked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    parsed_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    compared_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    closed_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class BillItem(Base):
    """One difference. Amounts are signed fen, absent where that side has nothing; `line` counts the bill's lines.

    Fees are fen too: positive where the merchant bore one, negative where it was given back.

    `wallet` is what we hold to be the payer's app, else what the bill says (`bill_wallet`); a bill sets nothing here.
    """

    __tablename__ = "bill_items"
    __table_args__ = (
        sa.ForeignKeyConstraint(list(_BILL), [f"bill_batches.{name}" for name in _BILL], name="fk_bill_items_batch"),
        sa.UniqueConstraint(*_BILL, "sort", "number", "merchant_no", "difference", name="uq_bill_items_once"),
        sa.CheckConstraint(
            "state IN ('matched', 'mismatched', 'local_only', 'channel_only', 'on_hold', 'resolved', 'ignored')",
            name="state_known",
        ),
        sa.CheckConstraint(
            "difference IN ('amount', 'status', 'local_only', 'channel_only', 'duplicate', 'fee')",
            name="difference_known",
        ),
        sa.CheckConstraint("sort IN ('payment', 'refund')", name="sort_known"),
        sa.CheckConstraint("bill_amount IS NOT NULL OR our_amount IS NOT NULL", name="one_side_at_least"),
        sa.CheckConstraint(
            "state NOT IN ('ignored', 'on_hold') OR (length(reason) >= 4 AND decided_at IS NOT NULL)",
            name="decisions_have_reasons",
        ),
        {"info": {"owner": "platform"}},
    )

    item_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    acquirer: Mapped[str] = mapped_column(sa.String(16))
    day: Mapped[date] = mapped_column(sa.Date)
    kind: Mapped[str] = mapped_column(sa.String(16))
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32))
    sort: Mapped[str] = mapped_column(sa.String(8))
    number: Mapped[str] = mapped_column(sa.String(64))
    # Whose line it is: the bill's own column, also where one bill tells of all merchants.
    merchant_no: Mapped[str] = mapped_column(sa.String(64))
    difference: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    merchant_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    wallet: Mapped[str] = mapped_column(sa.String(16))
    bill_wallet: Mapped[str] = mapped_column(sa.String(16))
    order_no: Mapped[str] = mapped_column(sa.String(64))
    transaction_no: Mapped[str] = mapped_column(sa.String(64))
    line: Mapped[int | None] = mapped_column(sa.BigInteger)
    at: Mapped[datetime] = mapped_column(_MOMENT)
    bill_amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    our_amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    payer_amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    bill_fee: Mapped[int | None] = mapped_column(sa.BigInteger)
    our_fee: Mapped[int | None] = mapped_column(sa.BigInteger)
    bill_state: Mapped[str] = mapped_column(sa.String(20))
    our_state: Mapped[str] = mapped_column(sa.String(20))
    found_at: Mapped[datetime] = mapped_column(_MOMENT)
    seen_at: Mapped[datetime] = mapped_column(_MOMENT)
    reason: Mapped[str] = mapped_column(sa.Text)
    hold_until: Mapped[date | None] = mapped_column(sa.Date)
    decided_by: Mapped[str] = mapped_column(sa.String(60))
    decided_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class BillTotal(Base):
    """A merchant's sums in one bill, for each payer's app, in fen; replaced by each comparison.

    `bill_amount` and `our_amount` are net of refunds, fees net of what was given back.
    """

    __tablename__ = "bill_totals"
    __table_args__ = (
        sa.ForeignKeyConstraint(list(_BILL), [f"bill_batches.{name}" for name in _BILL], name="fk_bill_totals_batch"),
        {"info": {"owner": "platform"}},
    )

    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    # 0: a merchant of the wallet's who is none of ours.
    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    wallet: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    bill_lines: Mapped[int] = mapped_column(sa.BigInteger)
    bill_amount: Mapped[int] = mapped_column(sa.BigInteger)
    bill_refunds: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    bill_fee: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    our_amount: Mapped[int] = mapped_column(sa.BigInteger)
    our_fee: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    matched: Mapped[int] = mapped_column(sa.BigInteger)


class BillResolution(Base):
    """How a difference is to end where money is booked: proposed by one of staff, agreed to by another.

    `payload` is all that will be booked and `payload_sha256` its digest: what was agreed to is what was proposed.
    """

    __tablename__ = "bill_resolutions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["item_id"], ["bill_items.item_id"], name="fk_bill_resolutions_item"),
        sa.CheckConstraint("way IN ('accept', 'repost')", name="way_known"),
        sa.CheckConstraint("state IN ('proposed', 'booked', 'declined')", name="state_known"),
        sa.CheckConstraint("length(reason) >= 4", name="has_a_reason"),
        sa.CheckConstraint("state <> 'booked' OR decided_by <> proposed_by", name="four_eyes"),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_when_over"),
        sa.CheckConstraint("state = 'proposed' OR decided_by IS NOT NULL", name="decided_by_somebody"),
        sa.Index(
            "uq_bill_resolutions_one_waits", "item_id", unique=True, postgresql_where=sa.text("state = 'proposed'")
        ),
        {"info": {"owner": "platform"}},
    )

    resolution_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.BigInteger)
    merchant_id: Mapped[int] = mapped_column(sa.BigInteger)
    way: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payload_sha256: Mapped[str] = mapped_column(sa.String(64))
    reason: Mapped[str] = mapped_column(sa.Text)
    proposed_by: Mapped[int] = mapped_column(sa.BigInteger)
    proposer: Mapped[str] = mapped_column(sa.String(60))
    proposed_at: Mapped[datetime] = mapped_column(_MOMENT)
    decided_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    decider: Mapped[str] = mapped_column(sa.String(60))
    decided_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class DayStanding(Base):
    """What the bills say of one merchant's day with one acquirer, for the merchant himself. Amounts in fen.

    Sums are absent until the trade bill was compared. `paid` is what left for his bank on the day after, by that day's
    fund bill: absent where that bill is not there or not reported to us, which is not nothing.
    """

    __tablename__ = "day_standings"
    __table_args__ = (
        sa.CheckConstraint(
            "bill_state IN ('awaiting_bill', 'not_reported', 'matched', 'difference')", name="bill_state_known"
        ),
        sa.CheckConstraint("paid_state IN ('awaiting_bill', 'not_reported', 'reported')", name="paid_state_known"),
        sa.CheckConstraint("(paid_state = 'reported') = (paid IS NOT NULL)", name="never_nothing_for_unknown"),
        sa.CheckConstraint("(bill_state IN ('matched', 'difference')) = (gross IS NOT NULL)", name="sums_with_a_bill"),
        sa.CheckConstraint("bill_state <> 'matched' OR open_items = 0", name="matched_has_nothing_open"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    bill_state: Mapped[str] = mapped_column(sa.String(16))
    lines: Mapped[int | None] = mapped_column(sa.BigInteger)
    gross: Mapped[int | None] = mapped_column(sa.BigInteger)
    refunds: Mapped[int | None] = mapped_column(sa.BigInteger)
    fee: Mapped[int | None] = mapped_column(sa.BigInteger)
    open_items: Mapped[int] = mapped_column(sa.BigInteger)
    # Each open difference counted as it is, whichever way it goes.
    open_amount: Mapped[int] = mapped_column(sa.BigInteger)
    compared_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    paid_state: Mapped[str] = mapped_column(sa.String(16))
    paid: Mapped[int | None] = mapped_column(sa.BigInteger)


class BankPayout(Base):
    """One withdrawal to the merchant's bank, as a fund bill tells it. `day` is the bill's; `amount` in fen."""

    __tablename__ = "bank_payouts"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    flow_no: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(_MOMENT)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    remark: Mapped[str] = mapped_column(sa.String(200))
