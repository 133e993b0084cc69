"""What happened since the last scan, step by step, so that it can be drawn beside the phone.

A run begins with a scan; it holds each kind of step once (a form posted again replaces the earlier posting).
"""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """Steps of one payment, in the order in which they happen."""

    SCANNED = "scanned"
    OPENED = "opened"
    ASKED = "asked"
    KNOWN = "known"
    ORDERED = "ordered"
    SHEET = "sheet"
    PAID = "paid"
    NOTIFIED = "notified"
    SETTLED = "settled"


@dataclass(frozen=True)
class Told:
    """One step that happened. `amount` in fen where money or its promise moves; `at` in unix seconds."""

    step: Step
    amount: int | None
    detail: str
    at: float


@dataclass(frozen=True)
class Run:
    """Everything from one scan to its end. `state` is open, paid or refused; amounts in fen."""

    number: int
    wallet: str
    text: str
    kind: str
    shop: str
    order: str
    amount: int | None
    payer_paid: int | None
    state: str
    started_at: float
    steps: tuple[Told, ...]

    def told(self, step: Step) -> Told | None:
        """That step, if it happened."""
        return next((told for told in self.steps if told.step == step), None)


def begin(connection: sqlite3.Connection, phone: str, *, wallet: str, text: str, kind: str) -> int:
    """A new scan. Gives the run's number."""
    row = connection.execute("SELECT coalesce(max(run), 0) + 1 AS run FROM phone_runs WHERE phone = ?", (phone,))
    run = int(row.fetchone()["run"])
    connection.execute(
        "INSERT INTO phone_runs (phone, run, wallet, text, kind, started_at) VALUES (?, ?, ?, ?, ?, ?)",
        (phone, run, wallet, text, kind, time.time()),
    )
    tell(connection, phone, run, Step.SCANNED, detail=text)
    return run


def open_run(connection: sqlite3.Connection, phone: str, *, wallet: str, url: str, fresh: bool = False) -> int:
    """The run that a page shown now belongs to; a page opened without a scan begins one.

    `fresh` is the start of the way: it does not go on with a run that has ended.
    """
    row = connection.execute("SELECT * FROM phone_runs WHERE phone = ? ORDER BY run DESC LIMIT 1", (phone,)).fetchone()
    if row is not None and row["wallet"] == wallet and not (fresh and row["state"] != "open"):
        return int(row["run"])
    return begin(connection, phone, wallet=wallet, text=url, kind="portal")


def tell(
    connection: sqlite3.Connection, phone: str, run: int, step: Step, *, amount: int | None = None, detail: str = ""
) -> None:
    """Write a step down; the same step again replaces what was told."""
    connection.execute(
        "INSERT OR REPLACE INTO phone_steps (phone, run, kind, amount, detail, at) VALUES (?, ?, ?, ?, ?, ?)",
        (phone, run, step.value, amount, detail, time.time()),
    )


def name_shop(connection: sqlite3.Connection, phone: str, run: int, shop: str) -> None:
    """The shop's name, as the page or the wallet gave it."""
    connection.execute("UPDATE phone_runs SET shop = ? WHERE phone = ? AND run = ?", (shop, phone, run))


def name_order(connection: sqlite3.Connection, phone: str, run: int, *, number: str, amount: int) -> None:
    """The order the wallet was asked to pay, amount in fen."""
    connection.execute(
        "UPDATE phone_runs SET number = ?, amount = ? WHERE phone = ? AND run = ?", (number, amount, phone, run)
    )


def end(connection: sqlite3.Connection, phone: str, run: int, *, state: str, payer_paid: int | None = None) -> None:
    """The payer paid or refused."""
    connection.execute(
        "UPDATE phone_runs SET state = ?, payer_paid = ? WHERE phone = ? AND run = ?", (state, payer_paid, phone, run)
    )


def latest(connection: sqlite3.Connection, phone: str) -> Run | None:
    """The run that began last."""
    row = connection.execute("SELECT * FROM phone_runs WHERE phone = ? ORDER BY run DESC LIMIT 1", (phone,)).fetchone()
    if row is None:
        return None
    steps = connection.execute(
        "SELECT * FROM phone_steps WHERE phone = ? AND run = ? ORDER BY at", (phone, row["run"])
    ).fetchall()
    return _run(row, steps)


def paid(connection: sqlite3.Connection, phone: str, wallet: str, count: int) -> list[Run]:
    """The wallet's last payments from this phone, newest first."""
    rows = connection.execute(
        "SELECT * FROM phone_runs WHERE phone = ? AND wallet = ? AND state = 'paid' ORDER BY run DESC LIMIT ?",
        (phone, wallet, count),
    ).fetchall()
    return [_run(row, ()) for row in rows]


def _run(row: sqlite3.Row, steps: Iterable[sqlite3.Row]) -> Run:
    return Run(
        number=row["run"],
        wallet=row["wallet"],
        text=row["text"],
        kind=row["kind"],
        shop=row["shop"],
        order=row["number"],
        amount=row["amount"],
        payer_paid=row["payer_paid"],
        state=row["state"],
        started_at=row["started_at"],
        steps=tuple(Told(Step(step["kind"]), step["amount"], step["detail"], step["at"]) for step in steps),
    )
