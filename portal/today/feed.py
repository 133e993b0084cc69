"""A merchant's events as they happen, over one long answer (server-sent events).

Every fact is a message of the default type whose id is its number in the feed, so a browser that comes back says where
it stopped. A beat every few seconds, which script can see, tells that the line is alive; the comment in it keeps
proxies from closing the line.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from portal.events import queries as feed
from portal.events.queries import Happening
from portal.plumbing.db import Database
from portal.plumbing.pages import clock_time

POLL_SECONDS = 0.3
BEAT_SECONDS = 5.0
# Then the browser comes back by itself: a line is never older than the sign-in behind it was checked.
LIFE_SECONDS = 600.0
RETRY_MILLISECONDS = 2000
_BATCH = 100


@dataclass(frozen=True)
class Pace:
    """How often the stream looks, beats and ends, in seconds."""

    poll: float = POLL_SECONDS
    beat: float = BEAT_SECONDS
    life: float = LIFE_SECONDS


def stream(
    database: Database,
    merchant_id: int,
    *,
    after: int,
    still_allowed: Callable[[], bool],
    clock: Callable[[], datetime],
    pace: Pace,
) -> Iterator[str]:
    """Yield the feed from the fact after number `after` on. No connection is held between two looks.

    Ends when its life is over, or when `still_allowed` (asked at every beat) says no.
    """
    ends = time.monotonic() + pace.life
    beats = 0.0
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    while time.monotonic() < ends:
        if time.monotonic() >= beats:
            if not still_allowed():
                return
            beats = time.monotonic() + pace.beat
            yield f": still here\nevent: beat\ndata: {clock_time(clock(), True)}\n\n"
        with database.transaction(merchant=merchant_id) as session:
            happenings = feed.since(session, merchant_id, after=after, most=_BATCH)
        for happening in happenings:
            after = happening.seq
            yield message(happening)
        if len(happenings) < _BATCH:
            time.sleep(pace.poll)


def message(happening: Happening) -> str:
    """One fact as a server-sent event."""
    told = {
        "seq": happening.seq,
        "kind": happening.kind,
        "subject": happening.subject,
        "at": happening.at.isoformat(),
        "facts": dict(happening.facts),
    }
    return f"id: {happening.seq}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"


def start_after(last_event_id: str | None, asked: str | None) -> int:
    """Where a browser wants to go on: what it says it has seen, else what the page's address says, else the start."""
    for text in (last_event_id, asked):
        if text is not None and text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
    return 0
