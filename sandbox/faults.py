"""Faults on demand: what is armed, for whom and how often, and what each one hit.

A fault waits in a table until the code that can go wrong asks for it with `take()`; a fault that names a number hits
only the order, refund or day of that number. Every hit is written down with its consequence, and stays written down
when the consequence is that the caller's block fails.
"""

import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from flask import Response

from sandbox import clock
from sandbox.settings import setting
from sandbox.store import Connection, Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS faults (
    id          INTEGER PRIMARY KEY,
    institution TEXT NOT NULL,
    name        TEXT NOT NULL,
    times       INTEGER NOT NULL CHECK (times > 0),
    times_left  INTEGER NOT NULL CHECK (times_left >= 0),
    number      TEXT NOT NULL DEFAULT '',
    operation   TEXT NOT NULL DEFAULT '',
    seconds     REAL NOT NULL DEFAULT 0,
    armed_at    REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS faults_armed ON faults (institution, name) WHERE times_left > 0;

CREATE TABLE IF NOT EXISTS fault_hits (
    id        INTEGER PRIMARY KEY,
    fault     INTEGER NOT NULL REFERENCES faults (id) ON DELETE CASCADE,
    number    TEXT NOT NULL,
    operation TEXT NOT NULL,
    at        REAL NOT NULL
) STRICT;
"""

INSTITUTIONS = ("wechat", "jd", "interconnect")
OPERATIONS = ("order", "query", "refund", "refund_query", "close", "bill", "transfer")
MOST_TIMES = 10_000
NOTICE_SECONDS = 2.0  # how long an answer waits for its notice to be delivered
LOOK_SECONDS = 0.02
MOST_SECONDS = 30 * 86400

CALL_FAULTS = ("refuse", "system_error", "accept_then_time_out", "never_answer", "bad_answer_signature")
NOTICE_FAULTS = (
    "notify_never",
    "notify_twice",
    "notify_late",
    "notify_out_of_order",
    "notify_before_response",
    "notify_bad_signature",
    "notify_wrong_amount",
    "notify_signtest",
)
REFUND_FAULTS = ("refund_abnormal", "refund_closed", "not_enough")
BILL_FAULTS = ("bill_missing_line", "bill_changed_amount", "bill_duplicate_line", "bill_wrong_summary", "bill_missing")
NAMES = (*CALL_FAULTS, *NOTICE_FAULTS, *REFUND_FAULTS, *BILL_FAULTS)
SECONDS = {"notify_late": 60.0, "notify_out_of_order": 600.0}  # of the business clock, unless told otherwise


class CannotArm(ValueError):
    """There is no such fault, or what was said about it makes no sense."""


@dataclass(frozen=True)
class Wish:
    """A fault to be armed. An empty number or operation means any."""

    institution: str
    name: str
    times: int = 1
    number: str = ""
    operation: str = ""
    seconds: float | None = None


def arm(connection: sqlite3.Connection, wish: Wish) -> int:
    """Arm a fault; gives its id. Raises CannotArm."""
    seconds = SECONDS.get(wish.name, 0.0) if wish.seconds is None else wish.seconds
    wrong = (
        (wish.institution not in INSTITUTIONS, f"institution is one of {', '.join(INSTITUTIONS)}"),
        (wish.name not in NAMES, f"name is one of {', '.join(NAMES)}"),
        (not 1 <= wish.times <= MOST_TIMES, f"times is between 1 and {MOST_TIMES}"),
        (wish.operation not in ("", *OPERATIONS), f"operation is one of {', '.join(OPERATIONS)}, or left out"),
        (bool(wish.operation) and wish.name not in CALL_FAULTS, f"{wish.name} does not belong to one operation"),
        (not 0 <= seconds <= MOST_SECONDS, f"seconds is between 0 and {MOST_SECONDS}"),
        (len(wish.number) > 128, "number has at most 128 characters"),
    )
    for is_wrong, sentence in wrong:
        if is_wrong:
            raise CannotArm(sentence)
    row = (wish.institution, wish.name, wish.times, wish.times, wish.number, wish.operation, seconds)
    cursor = connection.execute(
        "INSERT INTO faults (institution, name, times, times_left, number, operation, seconds, armed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, clock.now(connection)),
    )
    return int(cursor.lastrowid or 0)


def take(connection: sqlite3.Connection, institution: str, name: str, number: str = "") -> bool:
    """Whether this fault hits now; uses it up once and writes down what it hit. Must run in a `writing()` block.

    `number` is the order, refund or day at hand. A fault armed for a number prefers that one to a fault for any.
    """
    return taken(connection, institution, name, (number,)) is not None


def taken(
    connection: sqlite3.Connection, institution: str, name: str, numbers: Collection[str], operation: str = ""
) -> sqlite3.Row | None:
    """The same for something that goes by several numbers, and for calls; gives the fault, None when none hits."""
    fault = waiting(connection, institution, name, numbers, operation)
    if fault is None:
        return None
    write = connection.execute_to_stay if isinstance(connection, Connection) else connection.execute
    write("UPDATE faults SET times_left = times_left - 1 WHERE id = ?", (fault["id"],))
    hit = fault["number"] or next((number for number in numbers if number), "")
    write(
        "INSERT INTO fault_hits (fault, number, operation, at) VALUES (?, ?, ?, ?)",
        (fault["id"], hit, operation, clock.now(connection)),
    )
    return fault


def waiting(
    connection: sqlite3.Connection, institution: str, name: str, numbers: Collection[str], operation: str = ""
) -> sqlite3.Row | None:
    """The fault that would hit, without using it up."""
    known = [number for number in numbers if number]
    marks = ", ".join("?" * len(known))
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM faults WHERE times_left > 0 AND institution = ? AND name = ? AND operation IN ('', ?)"  # noqa: S608
        f" AND (number = '' OR number IN ({marks})) ORDER BY number = '', operation = '', id LIMIT 1",
        (institution, name, operation, *known),
    ).fetchone()
    return row


def count_armed(connection: sqlite3.Connection) -> int:
    """How many faults wait."""
    return int(connection.execute("SELECT count(*) FROM faults WHERE times_left > 0").fetchone()[0])


def disarm(connection: sqlite3.Connection, number: int | None = None) -> int:
    """Take back one fault or, without a number, all; gives how many were armed. What they hit stays on record."""
    which, values = ("id = ?", (number,)) if number is not None else ("TRUE", ())
    count = connection.execute(
        f"UPDATE faults SET times_left = 0 WHERE times_left > 0 AND {which}",  # noqa: S608
        values,
    ).rowcount
    connection.execute("DELETE FROM faults WHERE times_left = 0 AND id NOT IN (SELECT fault FROM fault_hits)")
    return int(count)


def every(connection: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    """`armed` (oldest first) and `spent` (newest first); each fault with its `hits`: number, operation, at."""
    rows = [dict(row) for row in connection.execute("SELECT * FROM faults ORDER BY id")]
    for row in rows:
        row["hits"] = [
            dict(hit)
            for hit in connection.execute(
                "SELECT number, operation, at FROM fault_hits WHERE fault = ? ORDER BY id DESC LIMIT 50", (row["id"],)
            )
        ]
    armed = [row for row in rows if row["times_left"]]
    return {"armed": armed, "spent": [row for row in reversed(rows) if not row["times_left"]][:50]}


@dataclass(frozen=True)
class Call:
    """A request to an institution: whose, which of OPERATIONS ("" for others), and the numbers it goes by."""

    institution: str
    operation: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """How the institution acts and speaks. `act` does what was asked in a transaction of its own."""

    act: Callable[[], Response]
    refuse: Callable[[], Response]  # a final no of business
    fail: Callable[[], Response]  # "system error, ask again"
    spoil: Callable[[Response], Response]  # the same answer with a signature that is wrong


def around(store: Store, call: Call, answers: Answers) -> Response:
    """Answer a call of the institution's API, with whatever fault is armed for it.

    Holds the answer back for `hold_seconds` where the client is meant to run out of patience.
    """
    hit = _call_faults(store, call)
    if "never_answer" in hit:
        _hold(store)
        return Response(status=504)
    if "refuse" in hit:
        return answers.refuse()
    if "system_error" in hit:
        return answers.fail()
    last = _newest_notice(store)
    answer = answers.act()
    if "notify_before_response" in hit:
        _wait_for_notice(store, call, last)
    if "accept_then_time_out" in hit:
        _hold(store)
    return answers.spoil(answer) if "bad_answer_signature" in hit else answer


def _call_faults(store: Store, call: Call) -> set[str]:
    """The faults that hit this call. The one that concerns its notice is used up by the notice itself."""
    asked = (call.institution, call.numbers, call.operation)
    with store.reading() as connection:
        found = {name for name in CALL_FAULTS if waiting(connection, asked[0], name, *asked[1:])}
        early = waiting(connection, call.institution, "notify_before_response", call.numbers)
    if found:
        with store.writing() as connection:
            found = {name for name in CALL_FAULTS if name in found and taken(connection, asked[0], name, *asked[1:])}
    return found | {"notify_before_response"} if early and call.operation == "refund" else found


def _hold(store: Store) -> None:
    with store.reading() as connection:
        seconds = setting(connection, "hold_seconds")
    time.sleep(seconds)


def _newest_notice(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()[0])


def _wait_for_notice(store: Store, call: Call, last: int) -> None:
    """Until the notice that this call leads to was delivered: as long as a refund takes, and two seconds more."""
    with store.reading() as connection:
        patience = time.monotonic() + setting(connection, "refund_seconds") + NOTICE_SECONDS
    marks = ", ".join("?" * len(call.numbers))
    told = f"SELECT 1 FROM outbox WHERE id > ? AND attempts > 0 AND number IN ({marks}) LIMIT 1"  # noqa: S608
    while time.monotonic() < patience:
        with store.reading() as connection:
            if connection.execute(told, (last, *call.numbers)).fetchone():
                return
        time.sleep(LOOK_SECONDS)
