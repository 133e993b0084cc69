"""Refunds: each is its own row, written before the wallet is asked; and how much a clerk may refund by himself."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Refund(Base):
    """Amounts in fen, gross. `refund_no` never changes: the same number is the same refund at the wallet.

    With `transaction_no` it gives back that transaction whole, a second one of the same order that was never the
    merchant's; without, a part of the payment itself.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "payment_no"], ["payments.merchant_id", "payments.payment_no"]),
        sa.UniqueConstraint("merchant_id", "form_key"),
        sa.UniqueConstraint("merchant_id", "payment_no", "transaction_no", name="uq_refunds_second_payment"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint(
            "state IN ('requested', 'pending_approval', 'approved', 'declined', 'processing', 'unknown', 'success',"
            " 'abnormal', 'closed')",
            name="state_known",
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'declined') OR decided_at IS NOT NULL", name="decisions_have_a_time"
        ),
        sa.Index(None, "merchant_id", "payment_no"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    refund_no: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    payment_no: Mapped[str] = mapped_column(sa.String(32))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    payer_amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.String(80))
    form_key: Mapped[str] = mapped_column(sa.String(64))
    asked_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    transaction_no: Mapped[str | None] = mapped_column(sa.String(64))
    decided_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    decided_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    wallet_refund_no: Mapped[str | None] = mapped_column(sa.String(64))
    received_by: Mapped[str | None] = mapped_column(sa.String(64))
    refusal: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    accepted_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    arrived_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    asked_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class RefundLimit(Base):
    """Up to how many fen of one payment a clerk refunds without asking; the default holds where there is no row."""

    __tablename__ = "refund_limits"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]),
        sa.CheckConstraint("clerk_limit >= 0", name="limit_not_negative"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    clerk_limit: Mapped[int] = mapped_column(sa.BigInteger)
    changed_by: Mapped[int] = mapped_column(sa.BigInteger)
    changed_at: Mapped[datetime] = mapped_column(_MOMENT)
