"""Append to a merchant's feed, and carry it on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.events.models import Event, EventCursor, EventHead
from portal.events.queries import Happening, since

RELAY = "jobs"
BATCH = 100


def append(
    session: Session, *, merchant_id: int, kind: str, subject: str, now: datetime, facts: dict[str, Any] | None = None
) -> int:
    """Write one fact into the feed and answer its number, which has no gaps."""
    seq: int = session.execute(
        insert(EventHead)
        .values(merchant_id=merchant_id, seq=1)
        .on_conflict_do_update(index_elements=[EventHead.merchant_id], set_={"seq": EventHead.seq + 1})
        .returning(EventHead.seq)
    ).scalar_one()
    session.execute(
        sa.insert(Event).values(merchant_id=merchant_id, seq=seq, at=now, kind=kind, subject=subject, facts=facts or {})
    )
    return seq


def carry(
    session: Session, *, merchant_id: int, handle: Callable[[Session, Happening], None], most: int = BATCH
) -> int:
    """Hand the events not yet carried to `handle`, in order, in this transaction; answers how many there were.

    The cursor moves with the effects, so a relay killed midway starts again at the same event and harms nothing. While
    another relay carries this merchant's events there are none for this one.
    """
    session.execute(
        insert(EventCursor)
        .values(merchant_id=merchant_id, relay=RELAY, seq=0)
        .on_conflict_do_nothing(index_elements=[EventCursor.merchant_id, EventCursor.relay])
    )
    place = (EventCursor.merchant_id == merchant_id, EventCursor.relay == RELAY)
    done = session.scalar(sa.select(EventCursor.seq).where(*place).with_for_update(skip_locked=True))
    if done is None:
        return 0
    happenings = since(session, merchant_id, after=done, most=most)
    for happening in happenings:
        handle(session, happening)
    if happenings:
        session.execute(sa.update(EventCursor).where(*place).values(seq=happenings[-1].seq))
    return len(happenings)
