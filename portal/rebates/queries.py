"""Read programmes, links and what was earned."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.rebates.models import Programme, RebateEntry, ShareLink


@dataclass(frozen=True)
class ProgrammeRow:
    """One programme. `budget` and `leased` in fen."""

    programme_id: int
    name: str
    rate_bp: int
    budget: int
    leased: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class LinkRow:
    """One sharing page."""

    token: str
    programme_id: int
    code_id: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class EntryRow:
    """One line of the merchant's rebates, in fen."""

    ref: str
    payment_no: str
    programme_id: int
    kind: str
    amount: int
    base_amount: int
    rate_bp: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class Sums:
    """All a merchant's rebates, in fen."""

    accrued: int
    taken_back: int

    @property
    def kept(self) -> int:
        """What was earned less what refunds took back."""
        return self.accrued - self.taken_back


def running_programme(session: Session, *, now: datetime) -> ProgrammeRow | None:
    """The programme merchants can take part in now."""
    row = session.scalar(
        sa.select(Programme)
        .where(Programme.starts_at <= now, Programme.ends_at > now)
        .order_by(Programme.programme_id)
        .limit(1)
    )
    return _programme(row) if row else None


def programme(session: Session, programme_id: int) -> ProgrammeRow | None:
    """One programme."""
    row = session.get(Programme, programme_id)
    return _programme(row) if row else None


def link(session: Session, merchant_id: int, token: str) -> LinkRow | None:
    """One sharing page of one merchant."""
    row = session.get(ShareLink, (merchant_id, token))
    return _link(row) if row else None


def open_link(session: Session, merchant_id: int, programme_id: int, code_id: int) -> LinkRow | None:
    """The sharing page of one code in one programme that is open now."""
    row = session.scalar(
        sa.select(ShareLink)
        .where(
            ShareLink.merchant_id == merchant_id,
            ShareLink.programme_id == programme_id,
            ShareLink.code_id == code_id,
            ShareLink.ended_at.is_(None),
        )
        .order_by(ShareLink.created_at)
        .limit(1)
    )
    return _link(row) if row else None


def links(session: Session, merchant_id: int) -> list[LinkRow]:
    """The merchant's sharing pages, newest first."""
    rows = session.scalars(
        sa.select(ShareLink).where(ShareLink.merchant_id == merchant_id).order_by(ShareLink.created_at.desc())
    )
    return [_link(row) for row in rows]


def entries(session: Session, merchant_id: int, *, most: int = 50) -> list[EntryRow]:
    """What was earned and taken back, newest first."""
    rows = session.scalars(
        sa.select(RebateEntry)
        .where(RebateEntry.merchant_id == merchant_id)
        .order_by(RebateEntry.at.desc(), RebateEntry.ref)
        .limit(most)
    )
    return [_entry(row) for row in rows]


def entry(session: Session, merchant_id: int, ref: str) -> EntryRow | None:
    """The line of one payment or one refund."""
    row = session.get(RebateEntry, (merchant_id, ref))
    return _entry(row) if row else None


def sums(session: Session, merchant_id: int) -> Sums:
    """What was earned and what was taken back, over all time."""
    amount = RebateEntry.amount
    row = session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(amount).filter(amount > 0), 0),
            sa.func.coalesce(-sa.func.sum(amount).filter(amount < 0), 0),
        ).where(RebateEntry.merchant_id == merchant_id)
    ).one()
    return Sums(int(row[0]), int(row[1]))


def entries_of(session: Session, merchant_id: int, payment_no: str) -> list[EntryRow]:
    """The lines of one payment."""
    rows = session.scalars(
        sa.select(RebateEntry)
        .where(RebateEntry.merchant_id == merchant_id, RebateEntry.payment_no == payment_no)
        .order_by(RebateEntry.at, RebateEntry.ref)
    )
    return [_entry(row) for row in rows]


def _programme(row: Programme) -> ProgrammeRow:
    return ProgrammeRow(row.programme_id, row.name, row.rate_bp, row.budget, row.leased, row.starts_at, row.ends_at)


def _link(row: ShareLink) -> LinkRow:
    return LinkRow(row.token, row.programme_id, row.code_id, row.created_at, row.ended_at)


def _entry(row: RebateEntry) -> EntryRow:
    return EntryRow(
        row.ref,
        row.payment_no,
        row.programme_id,
        row.kind,
        row.amount,
        row.base_amount,
        row.rate_bp,
        row.reason,
        row.at,
    )
