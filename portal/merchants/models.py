"""A merchant: who he is, where he sells, what he applied for, what he signed, what he may not do for now."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)
_MERCHANT = {"info": {"owner": "merchant"}}


class Merchant(Base):
    """One customer of the provider. `merchant_id` is a random nine-digit number, also his number on the phone."""

    __tablename__ = "merchants"
    __table_args__ = (sa.CheckConstraint("status IN ('pending', 'active', 'closed')", name="status_known"), _MERCHANT)

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)


class Member(Base):
    """A person's part in a merchant."""

    __tablename__ = "members"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]),
        sa.CheckConstraint("role IN ('owner', 'manager', 'clerk')", name="role_known"),
        _MERCHANT,
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(64))
    joined_at: Mapped[datetime] = mapped_column(_MOMENT)


class Shop(Base):
    """A stall or shop: what the payer reads on the plate and on his phone."""

    __tablename__ = "shops"
    __table_args__ = (sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]), _MERCHANT)

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    shop_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(sa.String(60))
    address: Mapped[str] = mapped_column(sa.String(120))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)


class Application(Base):
    """What the merchant filled in, at one try. Everything sensitive lies sealed in `sealed`."""

    __tablename__ = "applications"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]),
        sa.CheckConstraint("state IN ('draft', 'submitted', 'approved', 'returned')", name="state_known"),
        # One open application at a time; the database refuses the second.
        sa.Index(
            "uq_applications_one_open",
            "merchant_id",
            unique=True,
            postgresql_where=sa.text("state IN ('draft', 'submitted', 'returned')"),
        ),
        _MERCHANT,
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    application_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(sa.String(16))
    subject_type: Mapped[str] = mapped_column(sa.String(16))
    plain: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    submitted_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    decided_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    decided_by: Mapped[int | None] = mapped_column(sa.BigInteger)


class WalletApplication(Base):
    """The same application on its way through one wallet."""

    __tablename__ = "wallet_applications"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["merchant_id", "application_id"], ["applications.merchant_id", "applications.application_id"]
        ),
        sa.CheckConstraint(
            "state IN ('not_sent', 'sending', 'unknown', 'auditing', 'rejected', 'to_be_confirmed', 'to_be_signed',"
            " 'opening', 'finished', 'canceled')",
            name="state_known",
        ),
        _MERCHANT,
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    application_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(16))
    reference: Mapped[str] = mapped_column(sa.String(64))
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sign_url: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    asked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    changed_at: Mapped[datetime] = mapped_column(_MOMENT)


class MerchantContract(Base):
    """A finished contract with one acquirer; JD's per-merchant keys lie sealed."""

    __tablename__ = "contracts"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]),
        sa.CheckConstraint("fee_rate_bp BETWEEN 0 AND 1000", name="fee_rate_sane"),
        _MERCHANT,
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32))
    keys_sealed: Mapped[str | None] = mapped_column(sa.Text)
    fee_rate_bp: Mapped[int] = mapped_column(sa.Integer)
    opened_at: Mapped[datetime] = mapped_column(_MOMENT)


class ContractLookup(Base):
    """Lookup: whose sub-merchant number is this? Written before the contract, found before the merchant is known."""

    __tablename__ = "contract_lookups"
    __table_args__ = ({"info": {"owner": "lookup"}},)

    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    merchant_id: Mapped[int] = mapped_column(sa.BigInteger)


class Restriction(Base):
    """One function taken away for a time, with its reason and its way out: never a bare freeze."""

    __tablename__ = "restrictions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"]),
        sa.CheckConstraint("function IN ('receive', 'refund', 'rebate', 'payout')", name="function_known"),
        sa.CheckConstraint("length(reason) >= 4 AND length(way_out) >= 4", name="reason_and_way_out"),
        sa.Index(
            "uq_restrictions_one_alive",
            "merchant_id",
            "function",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
        _MERCHANT,
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    restriction_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    function: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.Text)
    way_out: Mapped[str] = mapped_column(sa.Text)
    since: Mapped[datetime] = mapped_column(_MOMENT)
    until: Mapped[datetime | None] = mapped_column(_MOMENT)
    placed_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    lifted_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    lifted_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    lift_reason: Mapped[str] = mapped_column(sa.Text)


class FeeTerms(Base):
    """The rate each acquirer takes, as announced: shown before signing, copied into the contract when it opens."""

    __tablename__ = "fee_terms"
    __table_args__ = ({"info": {"owner": "platform"}},)

    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    valid_from: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    fee_rate_bp: Mapped[int] = mapped_column(sa.Integer)
