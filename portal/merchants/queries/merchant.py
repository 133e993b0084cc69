"""Read merchants, their shops, applications, contracts and restrictions."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.merchants.models import ContractLookup, FeeTerms, Member, Merchant, MerchantContract, Restriction, Shop
from portal.values.day import business_date


@dataclass(frozen=True)
class MerchantRow:
    """A merchant as lists and pages show him."""

    merchant_id: int
    status: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class ShopRow:
    """A shop: the name the payer reads."""

    shop_id: int
    name: str
    address: str


@dataclass(frozen=True)
class ContractRow:
    """A finished contract. `keys_sealed` opens with `contract_place`."""

    acquirer: str
    sub_merchant_no: str
    keys_sealed: str | None
    fee_rate_bp: int
    opened_at: datetime


@dataclass(frozen=True)
class RestrictionRow:
    """One function taken away for now."""

    restriction_id: int
    function: str
    reason: str
    way_out: str
    since: datetime
    until: datetime | None


def member_role(session: Session, merchant_id: int, user_id: int) -> str | None:
    """`owner`, `manager`, `clerk`, or None for a stranger."""
    return session.scalar(sa.select(Member.role).where(Member.merchant_id == merchant_id, Member.user_id == user_id))


def owner_id(session: Session, merchant_id: int) -> int | None:
    """The user who owns the merchant; the one who joined first where there are several."""
    return session.scalar(
        sa.select(Member.user_id)
        .where(Member.merchant_id == merchant_id, Member.role == "owner")
        .order_by(Member.joined_at)
        .limit(1)
    )


def merchant(session: Session, merchant_id: int) -> MerchantRow | None:
    """One merchant."""
    row = session.get(Merchant, merchant_id)
    return MerchantRow(row.merchant_id, row.status, row.name, row.created_at) if row else None


def shops(session: Session, merchant_id: int) -> list[ShopRow]:
    """The merchant's shops in the order they were opened."""
    rows = session.scalars(sa.select(Shop).where(Shop.merchant_id == merchant_id).order_by(Shop.shop_id))
    return [ShopRow(row.shop_id, row.name, row.address) for row in rows]


def contracts(session: Session, merchant_id: int) -> dict[str, ContractRow]:
    """The merchant's finished contracts by acquirer."""
    rows = session.scalars(sa.select(MerchantContract).where(MerchantContract.merchant_id == merchant_id))
    return {row.acquirer: _contract(row) for row in rows}


def restrictions(session: Session, merchant_id: int, *, now: datetime) -> dict[str, RestrictionRow]:
    """The functions taken away at this moment."""
    rows = session.scalars(
        sa.select(Restriction).where(
            Restriction.merchant_id == merchant_id,
            Restriction.lifted_at.is_(None),
            sa.or_(Restriction.until.is_(None), Restriction.until > now),
        )
    )
    return {
        row.function: RestrictionRow(row.restriction_id, row.function, row.reason, row.way_out, row.since, row.until)
        for row in rows
    }


def fee_terms(session: Session, *, now: datetime) -> dict[str, int]:
    """The announced rate in basis points by acquirer, as it stands today."""
    rows = session.execute(
        sa.select(FeeTerms.acquirer, FeeTerms.fee_rate_bp)
        .where(FeeTerms.valid_from <= business_date(now))
        .order_by(FeeTerms.valid_from)
    )
    return {row.acquirer: row.fee_rate_bp for row in rows}


def enter_contract(session: Session, acquirer: str, sub_merchant_no: str, *, otherwise: int) -> int:
    """Whose sub-merchant number this is, else `otherwise`; from here on the transaction sees that merchant's rows.

    One round trip for what a notice needs before anything else.
    """
    found = sa.func.coalesce(
        sa.select(ContractLookup.merchant_id)
        .where(ContractLookup.acquirer == acquirer, ContractLookup.sub_merchant_no == sub_merchant_no)
        .scalar_subquery(),
        otherwise,
    )
    entered = session.scalar(sa.select(sa.func.set_config("app.merchant_id", sa.cast(found, sa.Text), True)))
    return int(entered or otherwise)


def merchant_of_contract(session: Session, acquirer: str, sub_merchant_no: str) -> int | None:
    """Whose sub-merchant number this is: a lookup, usable before any merchant is known."""
    return session.scalar(
        sa.select(ContractLookup.merchant_id).where(
            ContractLookup.acquirer == acquirer, ContractLookup.sub_merchant_no == sub_merchant_no
        )
    )


def contracts_with(session: Session, acquirer: str, *, before: datetime) -> list[tuple[int, ContractRow]]:
    """Every merchant's contract with one acquirer that was opened before a moment, with his number. For staff."""
    rows = session.scalars(
        sa.select(MerchantContract)
        .where(MerchantContract.acquirer == acquirer, MerchantContract.opened_at < before)
        .order_by(MerchantContract.merchant_id)
    )
    return [(row.merchant_id, _contract(row)) for row in rows]


def _contract(row: MerchantContract) -> ContractRow:
    return ContractRow(row.acquirer, row.sub_merchant_no, row.keys_sealed, row.fee_rate_bp, row.opened_at)
