"""The one place that reads the clock. Rules and operations are handed `now`.

Business follows `now()`: paid and booked times, expiries, days, jobs put off. A demonstration may move it ahead through
a file (`BUSINESS_CLOCK_FILE`, see docs/settings.md); in production it is real time. What is signed, judged to be fresh,
or tied to the person at the keyboard (a sign-in) follows `real_now()`, which nobody can move.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_NO_TIME = timedelta()


@dataclass(frozen=True)
class _Seen:
    """What the file said, and the mark by which a later version of it is known (it is replaced, never rewritten)."""

    mark: tuple[int, int, int] | None
    ahead: timedelta


class _Clock:
    def __init__(self) -> None:
        self._file: Path | None = None
        self._seen = _Seen(None, _NO_TIME)

    def follow(self, file: Path | None) -> None:
        self._file, self._seen = file, _Seen(None, _NO_TIME)

    def ahead(self) -> timedelta:
        if self._file is None:
            return _NO_TIME
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return _NO_TIME
        mark = (found.st_mtime_ns, found.st_ino, found.st_size)
        if mark != self._seen.mark:
            self._seen = _Seen(mark, _read(self._file))
        return self._seen.ahead


_clock = _Clock()


def now() -> datetime:
    """This moment of business, aware, in UTC."""
    return datetime.now(UTC) + _clock.ahead()


def real_now() -> datetime:
    """This moment as every clock on earth has it, aware, in UTC."""
    return datetime.now(UTC)


def ahead() -> timedelta:
    """How far business is ahead of real time; nothing outside a demonstration."""
    return _clock.ahead()


def follow(file: Path | None) -> None:
    """Walk with this file from now on; None: with real time. For the start of a process."""
    _clock.follow(file)


def _read(file: Path) -> timedelta:
    """`{"offset_seconds": n}`, n a whole number >= 0. A file that says anything else moves nothing."""
    try:
        told = json.loads(file.read_text(encoding="ascii"))["offset_seconds"]
        return timedelta(seconds=told) if isinstance(told, int) and told > 0 else _NO_TIME
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return _NO_TIME
