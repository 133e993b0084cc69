"""What may be exported, how long it is kept, and how a value stands in a cell."""

import re
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

# A program that shows tables may run what begins like this (OWASP "CSV Injection"; the full-width signs as well).
_RUNS = re.compile(r"[=+\-@\t\r\n\x00＝＋－＠]")
# Excel shows a longer number as 4.2E+27 and keeps fifteen of its digits.
_LONG_NUMBER = re.compile(r"[0-9]{12,}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT_MARK = "'"


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

    TEXT = "text"
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


def harmless(text: str | None) -> str:
    """Text as any program may show it: what would be run as a formula begins with an apostrophe instead."""
    if not text:
        return ""
    plain = text if text.isprintable() else _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _TEXT_MARK + plain if _RUNS.match(text) or _RUNS.match(plain) else plain


def csv_text(text: str | None) -> str:
    """`harmless`, and a long number keeps all its digits in a program that takes every number for a quantity."""
    plain = harmless(text)
    return _TEXT_MARK + plain if _LONG_NUMBER.fullmatch(plain) else plain


def csv_yuan(fen: int | None) -> str:
    """1234 fen as `12.34`, with no sign between thousands."""
    if fen is None:
        return ""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{part:02d}"


def sheet_yuan(fen: int | None) -> float | None:
    """1234 fen as the number 12.34: a sheet knows no other numbers, and shows this one with two decimals."""
    return None if fen is None else fen / 100
