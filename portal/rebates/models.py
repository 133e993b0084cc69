"""Rebates: a programme of the provider, its budget leased to merchants in slices, and what each payment earned."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Programme(Base):
    """Platform-wide: the rate in basis points and the budget in fen. `leased` is what merchants hold of it."""

    __tablename__ = "rebate_programmes"
    __table_args__ = (
        sa.CheckConstraint("rate_bp BETWEEN 1 AND 10000", name="rate_sane"),
        sa.CheckConstraint("leased BETWEEN 0 AND budget", name="never_over_budget"),
        {"info": {"owner": "platform"}},
    )

    programme_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(sa.String(60))
    rate_bp: Mapped[int] = mapped_column(sa.Integer)
    budget: Mapped[int] = mapped_column(sa.BigInteger)
    leased: Mapped[int] = mapped_column(sa.BigInteger)
    starts_at: Mapped[datetime] = mapped_column(_MOMENT)
    ends_at: Mapped[datetime] = mapped_column(_MOMENT)


class Lease(Base):
    """A slice of a programme's budget held by one merchant, so that no payment touches a shared row."""

    __tablename__ = "rebate_leases"
    __table_args__ = (
        sa.CheckConstraint("used BETWEEN 0 AND leased", name="never_over_lease"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    programme_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    leased: Mapped[int] = mapped_column(sa.BigInteger)
    used: Mapped[int] = mapped_column(sa.BigInteger)


class ShareLink(Base):
    """A merchant's sharing page `/r/<token>`; the token carries the merchant under a seal."""

    __tablename__ = "share_links"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "code_id"], ["codes.merchant_id", "codes.code_id"]),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    programme_id: Mapped[int] = mapped_column(sa.Integer)
    code_id: Mapped[int] = mapped_column(sa.Integer)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    ended_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class RebateEntry(Base):
    """What one payment earned (positive) or one refund took back (negative), in fen; or why it counts for nothing."""

    __tablename__ = "rebate_entries"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "payment_no"], ["payments.merchant_id", "payments.payment_no"]),
        sa.CheckConstraint("kind IN ('accrual', 'clawback', 'not_counted')", name="kind_known"),
        sa.CheckConstraint(
            "(kind = 'accrual' AND amount > 0) OR (kind = 'clawback' AND amount < 0)"
            " OR (kind = 'not_counted' AND amount = 0)",
            name="sign_fits_kind",
        ),
        sa.Index(None, "merchant_id", "payment_no"),
        {"info": {"owner": "merchant", "append_only": True}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    ref: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    payment_no: Mapped[str] = mapped_column(sa.String(32))
    programme_id: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.String(16))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    base_amount: Mapped[int] = mapped_column(sa.BigInteger)
    rate_bp: Mapped[int] = mapped_column(sa.Integer)
    reason: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(_MOMENT)
