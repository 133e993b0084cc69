"""Accounts and transfers. Only this slice touches them.

A transfer is one row: debit account, credit account, amount. It is balanced by construction and never changed; a
correction is another transfer. Both name their currency, and the foreign keys carry it: the database itself refuses a
transfer between accounts of two currencies.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_ACCOUNT = ["accounts.merchant_id", "accounts.code", "accounts.currency"]


class Account(Base):
    """One account of one merchant with its cached, ever-growing sums in fen."""

    __tablename__ = "accounts"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "code", "currency"),
        sa.CheckConstraint("debits >= 0 AND credits >= 0", name="sums_not_negative"),
        sa.CheckConstraint("code NOT LIKE 'refund_in_flight:%' OR credits >= debits", name="in_flight_not_overdrawn"),
        sa.CheckConstraint("code <> 'rebate_payable' OR credits >= debits", name="rebate_not_overdrawn"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    debits: Mapped[int] = mapped_column(sa.BigInteger)
    credits: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3), server_default="CNY")


class Transfer(Base):
    """One movement between two accounts of one merchant, in fen. `ref` names the business fact: once per kind."""

    __tablename__ = "transfers"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "kind", "ref"),
        sa.ForeignKeyConstraint(["merchant_id", "debit", "currency"], _ACCOUNT),
        sa.ForeignKeyConstraint(["merchant_id", "credit", "currency"], _ACCOUNT),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("debit <> credit", name="two_accounts"),
        sa.Index(None, "merchant_id", "business_date"),
        {"info": {"owner": "merchant", "append_only": True}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    transfer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    ref: Mapped[str] = mapped_column(sa.String(64))
    debit: Mapped[str] = mapped_column(sa.String(40))
    credit: Mapped[str] = mapped_column(sa.String(40))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3), server_default="CNY")
    business_date: Mapped[date] = mapped_column(sa.Date)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
