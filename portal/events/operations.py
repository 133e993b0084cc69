"""Append to a merchant's feed, and carry it on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from portal.events.models import EventCursor
from portal.events.queries import Happening, since

# The function's text stands in migration 0007: payments are booked inside the database and append there.
_APPEND = sa.text("SELECT event_append(:merchant, :kind, :subject, :now, :facts)").bindparams(
    sa.bindparam("facts", type_=JSONB)
)
RELAY = "jobs"
BATCH = 100


def append(
    session: Session, *, merchant_id: int, kind: str, subject: str, now: datetime, facts: dict[str, Any] | None = None
) -> int:
    """Write one fact into the feed and answer its number, which has no gaps."""
    values = {"merchant": merchant_id, "kind": kind, "subject": subject, "now": now, "facts": facts or {}}
    return int(session.execute(_APPEND, values).scalar_one())


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
