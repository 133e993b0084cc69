"""What staff look at: the queue, the search, one merchant whole. Needs the wide sight of `portal_staff`."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.identity.models import User, UserMerchant
from portal.merchants.models import Application, Member, Merchant, Restriction, Shop
from portal.merchants.queries.application import (
    ApplicationRow,
    WalletApplicationRow,
    applications,
    wallet_applications,
)
from portal.merchants.queries.merchant import (
    ContractRow,
    MerchantRow,
    RestrictionRow,
    ShopRow,
    contracts,
    merchant,
    restrictions,
    shops,
)
from portal.merchants.rules import State


@dataclass(frozen=True)
class QueueRow:
    """One application in the queue."""

    merchant_id: int
    application_id: int
    state: State
    merchant_name: str
    shop_name: str
    licence_name: str
    region_code: str
    submitted_at: datetime | None
    again: bool


@dataclass(frozen=True)
class FoundMerchant:
    """One line of the merchants' list."""

    merchant_id: int
    status: str
    name: str
    created_at: datetime
    restricted: bool


@dataclass(frozen=True)
class MemberRow:
    """One person of a merchant."""

    user_id: int
    role: str
    name: str
    phone_tail: str
    joined_at: datetime


@dataclass(frozen=True)
class PastRestriction:
    """A restriction, in force or over. `placed_by` and `lifted_by` are users, None for the system."""

    restriction_id: int
    function: str
    reason: str
    way_out: str
    since: datetime
    until: datetime | None
    placed_by: int | None
    lifted_at: datetime | None
    lifted_by: int | None
    lift_reason: str


@dataclass(frozen=True)
class MerchantPage:
    """Everything the console shows of one merchant."""

    merchant: MerchantRow
    shops: list[ShopRow]
    members: list[MemberRow]
    applications: list[ApplicationRow]
    wallet_applications: dict[str, WalletApplicationRow]
    contracts: dict[str, ContractRow]
    restrictions: dict[str, RestrictionRow]
    history: list[PastRestriction]


def application_queue(
    session: Session, *, state: State = State.SUBMITTED, region: str = "", skip: int = 0, most: int = 100
) -> list[QueueRow]:
    """Applications in one state, perhaps of one city: the longest waiting first, of decided ones the newest."""
    waiting = (Application.submitted_at, Application.merchant_id)
    decided = (Application.decided_at.desc(), Application.merchant_id)
    rows = session.execute(
        sa.select(Application, Merchant.name)
        .join(Merchant, Merchant.merchant_id == Application.merchant_id)
        .where(*_queued(state, region))
        .order_by(*(waiting if state is State.SUBMITTED else decided))
        .offset(skip)
        .limit(most)
    )
    return [
        QueueRow(
            row.merchant_id,
            row.application_id,
            State(row.state),
            name,
            row.plain.get("shop_name", ""),
            row.plain.get("licence_name", ""),
            row.plain.get("region_code", ""),
            row.submitted_at,
            bool(row.plain.get("returned_before")) or row.application_id > 1,
        )
        for row, name in rows
    ]


def queue_length(session: Session, *, state: State = State.SUBMITTED, region: str = "") -> int:
    """How many applications are in a state, perhaps of one city."""
    return session.scalar(sa.select(sa.func.count()).select_from(Application).where(*_queued(state, region))) or 0


def _queued(state: State, region: str) -> list[sa.ColumnElement[bool]]:
    in_state = Application.state == state
    return [in_state, Application.plain["region_code"].astext == region] if region else [in_state]


def search_merchants(
    session: Session, *, text: str = "", phone_blind: str | None = None, now: datetime, most: int = 50
) -> list[FoundMerchant]:
    """By part of a shop's or merchant's name, by merchant number, or by a whole phone number's fingerprint.

    Without anything to search for, the newest merchants.
    """
    wanted = []
    plain = text.strip()
    if plain:
        part = Merchant.name.icontains(plain, autoescape=True)
        in_shops = sa.select(Shop.merchant_id).where(Shop.name.icontains(plain, autoescape=True))
        wanted += [part, Merchant.merchant_id.in_(in_shops)]
    if plain.isascii() and plain.isdigit() and len(plain) < 19:
        wanted.append(Merchant.merchant_id == int(plain))
    if phone_blind is not None:
        of_phone = (
            sa.select(UserMerchant.merchant_id)
            .join(User, User.user_id == UserMerchant.user_id)
            .where(User.phone_blind == phone_blind)
        )
        wanted.append(Merchant.merchant_id.in_(of_phone))
    restricted = sa.exists().where(
        Restriction.merchant_id == Merchant.merchant_id,
        Restriction.lifted_at.is_(None),
        sa.or_(Restriction.until.is_(None), Restriction.until > now),
    )
    statement = sa.select(Merchant, restricted).order_by(Merchant.created_at.desc(), Merchant.merchant_id).limit(most)
    rows = session.execute(statement.where(sa.or_(*wanted)) if wanted else statement)
    return [FoundMerchant(row.merchant_id, row.status, row.name, row.created_at, held) for row, held in rows]


def merchant_page(session: Session, merchant_id: int, *, now: datetime) -> MerchantPage | None:
    """One merchant whole, or None when there is no such number."""
    found = merchant(session, merchant_id)
    if found is None:
        return None
    return MerchantPage(
        merchant=found,
        shops=shops(session, merchant_id),
        members=members(session, merchant_id),
        applications=applications(session, merchant_id),
        wallet_applications=wallet_applications(session, merchant_id),
        contracts=contracts(session, merchant_id),
        restrictions=restrictions(session, merchant_id, now=now),
        history=restriction_history(session, merchant_id),
    )


def members(session: Session, merchant_id: int) -> list[MemberRow]:
    """The people of a merchant in the order they joined."""
    rows = session.execute(
        sa.select(Member, User.phone_tail)
        .join(User, User.user_id == Member.user_id)
        .where(Member.merchant_id == merchant_id)
        .order_by(Member.joined_at, Member.user_id)
    )
    return [MemberRow(row.user_id, row.role, row.name, tail, row.joined_at) for row, tail in rows]


def restriction_history(session: Session, merchant_id: int) -> list[PastRestriction]:
    """Every restriction there ever was, newest first."""
    rows = session.scalars(
        sa.select(Restriction).where(Restriction.merchant_id == merchant_id).order_by(Restriction.restriction_id.desc())
    )
    return [
        PastRestriction(
            row.restriction_id,
            row.function,
            row.reason,
            row.way_out,
            row.since,
            row.until,
            row.placed_by,
            row.lifted_at,
            row.lifted_by,
            row.lift_reason,
        )
        for row in rows
    ]
