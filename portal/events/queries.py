"""Read a merchant's feed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.events.models import Event, EventCursor, EventHead


@dataclass(frozen=True)
class Happening:
    """One fact of the feed."""

    merchant_id: int
    seq: int
    at: datetime
    kind: str
    subject: str
    facts: Mapping[str, Any]


def since(session: Session, merchant_id: int, *, after: int, most: int = 100) -> list[Happening]:
    """The facts numbered above `after`, oldest first."""
    rows = session.scalars(
        sa.select(Event).where(Event.merchant_id == merchant_id, Event.seq > after).order_by(Event.seq).limit(most)
    )
    return [_happening(row) for row in rows]


def about(session: Session, merchant_id: int, subjects: list[str]) -> list[Happening]:
    """Everything that happened to these subjects (a payment and its refunds), oldest first."""
    rows = session.scalars(
        sa.select(Event).where(Event.merchant_id == merchant_id, Event.subject.in_(subjects)).order_by(Event.seq)
    )
    return [_happening(row) for row in rows]


def last_seq(session: Session, merchant_id: int) -> int:
    """The number of the newest fact, 0 when there is none."""
    return session.scalar(sa.select(EventHead.seq).where(EventHead.merchant_id == merchant_id)) or 0


def merchants_behind(session: Session, *, relay: str) -> list[int]:
    """Merchants whose feed has facts the relay has not carried. Needs the wide sight of `portal_staff`."""
    return list(
        session.scalars(
            sa.select(EventHead.merchant_id)
            .outerjoin(
                EventCursor, sa.and_(EventCursor.merchant_id == EventHead.merchant_id, EventCursor.relay == relay)
            )
            .where(EventHead.seq > sa.func.coalesce(EventCursor.seq, 0))
            .order_by(EventHead.merchant_id)
        )
    )


def oldest_not_carried(session: Session, *, relay: str) -> datetime | None:
    """When the oldest fact happened that the relay has not carried; None when it is abreast. For `portal_staff`."""
    cursor = sa.and_(EventCursor.merchant_id == EventHead.merchant_id, EventCursor.relay == relay)
    next_seq = sa.func.coalesce(EventCursor.seq, 0) + 1
    return session.scalar(
        sa.select(sa.func.min(Event.at))
        .select_from(EventHead)
        .outerjoin(EventCursor, cursor)
        .join(Event, sa.and_(Event.merchant_id == EventHead.merchant_id, Event.seq == next_seq))
        .where(EventHead.seq >= next_seq)
    )


def _happening(row: Event) -> Happening:
    return Happening(row.merchant_id, row.seq, row.at, row.kind, row.subject, row.facts)
