"""Payments: one row for each order of ours, and for each payment on a static code that we were told of."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Payment(Base):
    """Amounts in fen. The database itself refuses to give back more than was paid."""

    __tablename__ = "payments"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "code_id"], ["codes.merchant_id", "codes.code_id"]),
        sa.UniqueConstraint("merchant_id", "form_key"),
        sa.UniqueConstraint("merchant_id", "acquirer", "transaction_no"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("payer_amount BETWEEN 0 AND amount", name="payer_pays_at_most_the_amount"),
        sa.CheckConstraint("refunded >= 0 AND refund_reserved >= 0", name="refunds_not_negative"),
        sa.CheckConstraint("refunded + refund_reserved <= amount", name="never_over_refunded"),
        sa.CheckConstraint("state = 'success' OR refunded + refund_reserved = 0", name="only_paid_is_refunded"),
        sa.CheckConstraint("fee >= 0 AND fee_returned BETWEEN 0 AND fee", name="fee_returned_at_most_once"),
        sa.CheckConstraint("state IN ('created', 'paying', 'success', 'closed', 'failed')", name="state_known"),
        sa.CheckConstraint("wallet IN ('wechat', 'jdpay', 'unknown')", name="wallet_known"),
        sa.CheckConstraint("acquirer IN ('wechat', 'jdpay')", name="acquirer_known"),
        sa.CheckConstraint("source IN ('order', 'static_code', 'interconnect', 'suspense')", name="source_known"),
        sa.CheckConstraint("source = 'order' OR state = 'success'", name="told_payments_are_paid"),
        sa.CheckConstraint(
            "source IN ('static_code', 'suspense') OR acquirer_order_no IS NULL", name="orders_keep_their_own_number"
        ),
        sa.CheckConstraint(
            "source <> 'interconnect' OR (fee = 0 AND refunded + refund_reserved = 0)", name="not_ours_to_refund"
        ),
        sa.CheckConstraint(
            "state <> 'success' OR (transaction_no IS NOT NULL AND paid_at IS NOT NULL AND day_number IS NOT NULL)",
            name="success_is_complete",
        ),
        # The owner's list reads by day, newest first; keyset paging follows this index.
        sa.Index(
            "ix_payments_paid", "merchant_id", "paid_at", "payment_no", postgresql_where=sa.text("state = 'success'")
        ),
        sa.Index(
            "ix_payments_out_of_suspense",
            "merchant_id",
            "acquirer_order_no",
            postgresql_where=sa.text("source = 'suspense'"),
        ),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    payment_no: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    code_id: Mapped[int | None] = mapped_column(sa.Integer)
    share_token: Mapped[str | None] = mapped_column(sa.String(32))
    wallet: Mapped[str] = mapped_column(sa.String(16))
    acquirer: Mapped[str] = mapped_column(sa.String(16))
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32))
    # Where we know it from: an order of ours, the acquirer's notice of a static code, the interconnect stand-in.
    source: Mapped[str] = mapped_column(sa.String(16), default="order", server_default="order")
    # The number the acquirer itself gave to a payment on a static code.
    acquirer_order_no: Mapped[str | None] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(sa.String(16))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    payer_amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    promotions: Mapped[list[Any]] = mapped_column(JSONB)
    fee: Mapped[int] = mapped_column(sa.BigInteger)
    fee_returned: Mapped[int] = mapped_column(sa.BigInteger)
    fee_rate_bp: Mapped[int] = mapped_column(sa.Integer)
    refunded: Mapped[int] = mapped_column(sa.BigInteger)
    refund_reserved: Mapped[int] = mapped_column(sa.BigInteger)
    note: Mapped[str] = mapped_column(sa.String(60))
    form_key: Mapped[str | None] = mapped_column(sa.String(64))
    payer_blind: Mapped[str | None] = mapped_column(sa.String(64))
    transaction_no: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime] = mapped_column(_MOMENT)
    paid_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    business_date: Mapped[date | None] = mapped_column(sa.Date)
    day_number: Mapped[int | None] = mapped_column(sa.Integer)


class DayTotal(Base):
    """Running sums of one merchant's day in fen, kept in the payment's own transaction: pages need not add up rows."""

    __tablename__ = "day_totals"
    __table_args__ = (
        sa.CheckConstraint("count >= 0 AND received >= 0 AND refunded >= 0", name="not_negative"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    count: Mapped[int] = mapped_column(sa.Integer)
    received: Mapped[int] = mapped_column(sa.BigInteger)
    refunded: Mapped[int] = mapped_column(sa.BigInteger)
