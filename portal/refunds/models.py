"""Refunds: each is its own row, written before the wallet is asked."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Refund(Base):
    """Amounts in fen, gross. `refund_no` never changes: the same number is the same refund at the wallet."""

    __tablename__ = "refunds"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "payment_no"], ["payments.merchant_id", "payments.payment_no"]),
        sa.UniqueConstraint("merchant_id", "form_key"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint(
            "state IN ('requested', 'pending_approval', 'approved', 'declined', 'processing', 'unknown', 'success',"
            " 'abnormal', 'closed')",
            name="state_known",
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
    wallet_refund_no: Mapped[str | None] = mapped_column(sa.String(64))
    received_by: Mapped[str | None] = mapped_column(sa.String(64))
    refusal: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    accepted_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    arrived_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    asked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
