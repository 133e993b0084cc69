"""How much a person may pay by barcode in a day, and how much is left.

The central bank's barcode rules (in force 2018-04-01): level B 5,000 yuan, level C 1,000 yuan, level A by agreement;
500 yuan by static codes whatever the level. Counted per bank card, and per balance at one institution.
"""

import sqlite3
from dataclasses import dataclass

LEVELS: dict[str, int | None] = {"A": None, "B": 500_000, "C": 100_000}
STATIC = 50_000
_BEIJING = 8 * 3600
_DAY = 86_400


@dataclass(frozen=True)
class Left:
    """What one source may still pay today, in fen. `level` is None where nothing is agreed."""

    level: int | None
    static: int


def left(connection: sqlite3.Connection, *, payer: str, wallet: str, source: str, grade: str, now: float) -> Left:
    """The day is Beijing's. A refund does not give quota back."""
    row = connection.execute(
        "SELECT coalesce(sum(payer_total), 0) AS every, coalesce(sum(payer_total * static_code), 0) AS static"
        " FROM payer_payments WHERE payer = ? AND wallet = ? AND source = ? AND paid_at >= ? AND paid_at < ?",
        (payer, wallet, source, midnight(now), midnight(now) + _DAY),
    ).fetchone()
    cap = LEVELS[grade]
    return Left(None if cap is None else max(0, cap - row["every"]), max(0, STATIC - row["static"]))


def midnight(now: float) -> float:
    """When Beijing's day of `now` began, in unix seconds."""
    return (now + _BEIJING) // _DAY * _DAY - _BEIJING
