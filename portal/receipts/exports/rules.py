"""What may be exported, how long it is kept, and how a value stands in a cell."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.values.errors import Refused

# A whole year, leap years too.
DAYS_MOST = 366
LIFE = timedelta(days=7)
# A run that breaks off is begun again by the queue; after so many the owner is told.
TRIES_MOST = 4
# The format of the sheet ends at row 1,048,576, and one row is the heading.
SHEET_ROWS_MOST = 1_048_575


class Subject(StrEnum):
    """What a file lists."""

    RECEIPTS = "receipts"
    REFUNDS = "refunds"


class Form(StrEnum):
    """What kind of file it is."""

    XLSX = "xlsx"
    CSV = "csv"


class State(StrEnum):
    """`queued → running → ready → expired`; `failed` after too many tries."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


UNDER_WAY = frozenset({State.QUEUED, State.RUNNING})


class Kind(StrEnum):
    """How a column's values are written."""

    # What others wrote.
    TEXT = "text"
    # Text of our own making, letters, digits, dashes and colons: no program runs it, nothing in it needs quotes.
    OWN = "own"
    NUMBER = "number"
    MONEY = "money"
    # A word of ours, looked up in the owner's language.
    WALLET = "wallet"
    SOURCE = "source"
    STATE = "state"


@dataclass(frozen=True)
class Period:
    """Whole business days, both ends included."""

    first: date
    last: date


def period(first: date, last: date, *, today: date) -> Period:
    """Raises Refused with reason `backwards`, `too_long` or `future`."""
    if first > last:
        raise Refused("backwards")
    if last > today:
        raise Refused("future")
    if (last - first).days >= DAYS_MOST:
        raise Refused("too_long")
    return Period(first, last)


def percent(done: int, total: int | None) -> int:
    """How much is done; the hundred comes only with the file itself."""
    return min(99, done * 100 // total) if total else 0
