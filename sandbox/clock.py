"""The business clock: real time plus an offset that only grows.

Success times, expiries, due refunds, the waits between two deliveries, bill days and quotas follow this clock.
Signatures and the judgement whether a request is fresh do not: they always carry real time.
The offset also stands in a file beside the store, so that a portal in demo mode can walk with it.
"""

import json
import math
import os
import sqlite3
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from flask import Flask

BEIJING = timezone(timedelta(hours=8))  # China has had no daylight saving time since 1991
SETTING = "clock_offset"
NEXT_MORNING = "next_morning"
BILLS_READY = (10, 5)  # bills of a day can be fetched from 10:00 of the next one
MOST_SECONDS = 100 * 365 * 86400


class CannotMove(ValueError):
    """The clock does not go there: backwards, too far, or to no time at all."""


def offset(connection: sqlite3.Connection) -> int:
    """By how many seconds business time is ahead of real time."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (SETTING,)).fetchone()
    return int(row["value"]) if row else 0


def now(connection: sqlite3.Connection) -> float:
    """Business time in Unix seconds."""
    return time.time() + offset(connection)


def advance(connection: sqlite3.Connection, seconds: float) -> int:
    """Move the clock forward; gives the new offset. Must run in a `writing()` block. Raises CannotMove."""
    if not 0 <= seconds <= MOST_SECONDS:
        raise CannotMove("The clock only moves forward, by at most a hundred years.")
    ahead = offset(connection) + math.ceil(seconds)
    if ahead > MOST_SECONDS:
        raise CannotMove("The clock cannot be more than a hundred years ahead.")
    connection.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (SETTING, ahead),
    )
    return ahead


def advance_to(connection: sqlite3.Connection, moment: str) -> int:
    """Move the clock to an RFC 3339 moment, or to `next_morning`: 10:05 of the next Beijing day. Raises CannotMove.

    A moment without an offset is Beijing time, as a form field gives it.
    """
    current = now(connection)
    if moment == NEXT_MORNING:
        hour, minute = BILLS_READY
        tomorrow = datetime.fromtimestamp(current, BEIJING) + timedelta(days=1)
        return advance(
            connection, tomorrow.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp() - current
        )
    try:
        wish = datetime.fromisoformat(moment)
        wish = wish if wish.tzinfo else wish.replace(tzinfo=BEIJING)
        seconds = wish.timestamp() - current
    except (ValueError, OverflowError):
        raise CannotMove(f"{moment} is not a time like 2026-11-22T10:05:00+08:00.") from None
    return advance(connection, seconds)


def beijing(seconds: float) -> datetime:
    """Unix seconds as an aware Beijing time."""
    return datetime.fromtimestamp(seconds, BEIJING)


def told(connection: sqlite3.Connection) -> dict[str, object]:
    """Both times and the distance, as the API tells them."""
    real, ahead = time.time(), offset(connection)
    return {
        "offset_seconds": ahead,
        "now": beijing(int(real) + ahead).isoformat(),
        "real": beijing(int(real)).isoformat(),
    }


def set_up(app: Flask, path: Path) -> None:
    """Tell the portal the time of this store, also after a restart."""
    app.config["CLOCK_FILE"] = path
    with app.extensions["store"].reading() as connection:
        publish(path, offset(connection))


def publish(path: Path, ahead: int) -> None:
    """Write `{"offset_seconds": n}` for the portal: the old file or the new one is read, never half of one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps({"offset_seconds": ahead}) + "\n", encoding="ascii")
    fresh.replace(path)
