"""JD's cash subsidies: up to 288 yuan a person, for the desktop shortcut, for paying, and for sharing.

The announcement names the three deeds and the sum; how the sum is split here is ours. Paying counts once for each of
the three ways in. Each deed counts once a person, whatever phone he holds; the cash goes to his balance at JD.
"""

import sqlite3
from dataclasses import dataclass

from sandbox.payers.accounts import BALANCE, account, move

MOST = 28_800
WAYS = ("scan", "activity", "shortcut")
DEEDS = {"shortcut": 2_800, "pay_scan": 6_000, "pay_activity": 6_000, "pay_shortcut": 6_000, "share": 8_000}


class NoSuchDeed(LookupError):
    """Nothing is granted for this."""


@dataclass(frozen=True)
class Subsidy:
    """`granted` fen so far for this deed (0 or all of `amount`), `at` in unix seconds."""

    deed: str
    amount: int
    granted: int
    at: float | None


def grant(connection: sqlite3.Connection, payer: str, deed: str, now: float) -> int:
    """Fen granted for a deed just done; 0 when it was counted before. Raises NoSuchDeed."""
    if deed not in DEEDS:
        raise NoSuchDeed(deed)
    amount = min(DEEDS[deed], MOST - total(connection, payer))
    known = connection.execute("SELECT 1 FROM payer_subsidies WHERE payer = ? AND deed = ?", (payer, deed)).fetchone()
    if known is not None or amount <= 0:
        return 0
    account(connection, payer, "jdpay")
    connection.execute(
        "INSERT INTO payer_subsidies (payer, deed, amount, done_at) VALUES (?, ?, ?, ?)", (payer, deed, amount, now)
    )
    move(connection, payer, "jdpay", BALANCE, amount)
    return amount


def total(connection: sqlite3.Connection, payer: str) -> int:
    """Fen granted so far."""
    row = connection.execute(
        "SELECT coalesce(sum(amount), 0) FROM payer_subsidies WHERE payer = ?", (payer,)
    ).fetchone()
    return int(row[0])


def every(connection: sqlite3.Connection, payer: str) -> list[Subsidy]:
    """All deeds with what they brought."""
    rows = connection.execute("SELECT * FROM payer_subsidies WHERE payer = ?", (payer,))
    done = {row["deed"]: row for row in rows}
    return [
        Subsidy(
            deed, amount, done[deed]["amount"] if deed in done else 0, done[deed]["done_at"] if deed in done else None
        )
        for deed, amount in DEEDS.items()
    ]
