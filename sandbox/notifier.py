"""Delivers the institutions' notices to the merchant's server, again and again until one is accepted.

A notice is a row of the outbox, written in the same transaction as the fact it tells. A background thread sends it;
before every attempt the sender prepares headers and body anew, so each delivery carries a fresh time and signature.
Delivery follows the rules of WeChat Pay (partner docs 4012082570): an answer within 5 seconds, no redirects, fifteen
sends in all, and the waits of LADDER between them, on the business clock. JD has not published its own waits; the
sandbox uses the same ones for it. What goes wrong on purpose is written in sandbox.faults.
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import requests
from flask import Flask, Response, g, has_request_context

from sandbox import clock, faults, spoiling
from sandbox.settings import setting
from sandbox.store import Store

SENDS = 15
# After each failed send. The last one is published too; when it is over, WeChat's day of 24 hours and 4 minutes is.
LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
LOOK_EVERY_SECONDS = 0.1
STOP_SECONDS = 10
SENDERS_AT_ONCE = 8
DELIVERY_FAULTS = ("notify_signtest", "notify_bad_signature", "notify_wrong_amount")

# A notice is sent when `due_at + wait / retry_speed` has come: a speed that changes meanwhile changes the wait.
# `held_for`: the order whose next notice goes first. `overtakes`: after it, an older one of its order comes again.
SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id          INTEGER PRIMARY KEY,
    sender      TEXT NOT NULL,
    institution TEXT NOT NULL,
    kind        TEXT NOT NULL,
    number      TEXT NOT NULL,
    order_no    TEXT NOT NULL,
    url         TEXT NOT NULL,
    payload     TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'accepted', 'given_up', 'withheld')),
    due_at      REAL NOT NULL,
    wait        REAL NOT NULL DEFAULT 0,
    held_for    TEXT NOT NULL DEFAULT '',
    overtakes   INTEGER NOT NULL DEFAULT 0,
    faults      TEXT NOT NULL DEFAULT '',
    created_at  REAL NOT NULL,
    last_status INTEGER,
    last_answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (order_no);
"""

Payload = dict[str, Any]
Prepare = Callable[[Payload], tuple[Mapping[str, str], bytes]]
Accepted = Callable[[int, bytes], bool]
Watch = Callable[[Store], None]

log = logging.getLogger(__name__)


class Notifier:
    """One thread that looks for due notices and for anything else that falls due (`watch`)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._senders: dict[str, tuple[Prepare, Accepted]] = {}
        self._watches: list[Watch] = []
        self._under_way: dict[int, Future[None]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def register(self, sender: str, prepare: Prepare, accepted: Accepted) -> None:
        """`prepare(payload)` gives fresh headers and body of an attempt, `accepted(status, body)` judges the answer."""
        self._senders[sender] = (prepare, accepted)

    def watch(self, function: Watch) -> None:
        """Call `function(store)` in every round (ten a second): for states that change by themselves after a while.

        It should look with `store.reading()` first and take `store.writing()` only when something is due.
        """
        self._watches.append(function)

    def enqueue(self, connection: sqlite3.Connection, **about: Any) -> int:
        """The function below, for whoever holds the notifier."""
        return enqueue(connection, **about)

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-notifier", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; notices not yet accepted stay in the outbox."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        with ThreadPoolExecutor(SENDERS_AT_ONCE, thread_name_prefix="sandbox-notice") as pool:
            while not self._stop.wait(LOOK_EVERY_SECONDS):
                try:
                    self._round(pool)
                except Exception:
                    log.exception("A round of the notifier failed; the next one tries again.")

    def _round(self, pool: ThreadPoolExecutor) -> None:
        for function in self._watches:
            try:
                function(self._store)
            except Exception:
                log.exception("A watch failed; the others and the notices go on.")
        self._under_way = {number: future for number, future in self._under_way.items() if not future.done()}
        with self._store.reading() as connection:
            speed, now = setting(connection, "retry_speed"), clock.now(connection)
            due = connection.execute(
                "SELECT id FROM outbox WHERE state = 'waiting' AND due_at <= ?1 AND due_at + wait / ?2 <= ?1"
                " ORDER BY due_at + wait / ?2, id LIMIT 50",
                (now, speed),
            ).fetchall()
        for row in due:
            if row["id"] not in self._under_way:
                self._under_way[row["id"]] = pool.submit(self._attempt, row["id"])

    def _attempt(self, number: int) -> None:
        with self._store.reading() as connection:
            row = connection.execute("SELECT * FROM outbox WHERE id = ?", (number,)).fetchone()
            patience = setting(connection, "answer_seconds")
        if row is None or row["state"] != "waiting" or row["sender"] not in self._senders:
            return
        prepare, accepted = self._senders[row["sender"]]
        status, answer, fault = None, b"", self._fault(row)
        try:
            headers, body = _spoiled(prepare, json.loads(row["payload"]), row["kind"], fault)
            status, answer = _post(row["url"], headers, body, patience)
        except Exception as problem:
            answer = f"{type(problem).__name__}: {problem}".encode()
        # Nobody's yes to a signature that is no signature counts.
        is_accepted = status is not None and fault != "notify_signtest" and accepted(status, answer)
        with self._store.writing() as connection:
            _note(connection, row, status, answer, is_accepted)
            _let_others_follow(connection, row)

    def _fault(self, row: sqlite3.Row) -> str:
        """The fault that this one delivery has, "" for none."""
        about = (row["number"], row["order_no"])
        with self._store.reading() as connection:
            names = [name for name in DELIVERY_FAULTS if faults.waiting(connection, row["institution"], name, about)]
        if not names:
            return ""
        with self._store.writing() as connection:
            if faults.taken(connection, row["institution"], names[0], about) is None:
                return ""
            _mark(connection, row["id"], names[0])
        return names[0]


def enqueue(
    connection: sqlite3.Connection,
    *,
    sender: str,
    url: str,
    payload: Payload,
    kind: str = "payment",
    number: str = "",
    order_no: str = "",
    institution: str = "",
) -> int:
    """Write a notice beside the fact it tells, inside the caller's `writing()` block. Gives its number.

    `kind` is payment, refund or transfer, `number` its own number, `order_no` the order it belongs to; faults find it
    by these. `institution` is whose faults hit it, the sender's name unless told otherwise.
    """
    now, institution, order_no = clock.now(connection), institution or sender, order_no or number
    hit = {
        name: fault
        for name in ("notify_never", "notify_twice", "notify_late", "notify_out_of_order", "notify_before_response")
        if (fault := faults.taken(connection, institution, name, (number, order_no)))
    }
    late = sum(hit[name]["seconds"] for name in ("notify_late",) if name in hit)
    turned = "notify_out_of_order" in hit
    waits_its_turn = turned and kind == "payment" and bool(order_no)
    if waits_its_turn:
        late += hit["notify_out_of_order"]["seconds"]
    values = (
        *(sender, institution, kind, number, order_no, url, json.dumps(payload, ensure_ascii=False)),
        *("withheld" if "notify_never" in hit else "waiting", now + late, now),
        *(order_no if waits_its_turn else "", turned and not waits_its_turn, " ".join(hit)),
    )
    first = 0
    for _ in range(2 if "notify_twice" in hit else 1):
        cursor = connection.execute(
            "INSERT INTO outbox (sender, institution, kind, number, order_no, url, payload, state, due_at, created_at,"
            " held_for, overtakes, faults) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        first = first or int(cursor.lastrowid or 0)
    if "notify_before_response" in hit and has_request_context():
        g.setdefault("early_notices", []).append(first)
    return first


def set_up(app: Flask) -> None:
    """Let an answer wait for a notice that is meant to arrive before it."""

    @app.after_request
    def wait_for_early_notices(response: Response) -> Response:
        deadline = time.monotonic() + faults.NOTICE_SECONDS
        for number in g.pop("early_notices", []):
            while time.monotonic() < deadline and _still_unsent(app.extensions["store"], number):
                time.sleep(faults.LOOK_SECONDS)
        return response


def _still_unsent(store: Store, number: int) -> bool:
    with store.reading() as connection:
        row = connection.execute("SELECT state, attempts FROM outbox WHERE id = ?", (number,)).fetchone()
    return row is not None and row["state"] == "waiting" and row["attempts"] == 0


def _note(
    connection: sqlite3.Connection, row: sqlite3.Row, status: int | None, answer: bytes, is_accepted: bool
) -> None:
    attempts = row["attempts"] + 1
    state, due_at, wait = "accepted", row["due_at"], 0
    if not is_accepted:
        state = "waiting" if attempts < SENDS else "given_up"
    if state == "waiting":
        due_at, wait = clock.now(connection), LADDER[attempts - 1]
    connection.execute(
        "UPDATE outbox SET attempts = ?, last_status = ?, last_answer = ?, held_for = '' WHERE id = ?",
        (attempts, status, answer[:500].decode("utf-8", "replace"), row["id"]),
    )
    # Somebody may have asked for another delivery meanwhile (a new due_at): that wish stands.
    connection.execute(
        "UPDATE outbox SET state = ?, due_at = ?, wait = ? WHERE id = ? AND due_at = ?",
        (state, due_at, wait, row["id"], row["due_at"]),
    )


def _let_others_follow(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """What was held until this one had gone out is due now, and an older notice that this one overtook comes again."""
    if not row["order_no"] or row["attempts"]:
        return
    now = clock.now(connection)
    connection.execute(
        "UPDATE outbox SET due_at = ?, held_for = '' WHERE held_for = ? AND institution = ? AND id <> ?",
        (now, row["order_no"], row["institution"], row["id"]),
    )
    if row["overtakes"]:
        connection.execute(
            "UPDATE outbox SET state = 'waiting', due_at = ?, wait = 0 WHERE id = (SELECT max(id) FROM outbox"
            " WHERE order_no = ? AND institution = ? AND id < ? AND state = 'accepted')",
            (now, row["order_no"], row["institution"], row["id"]),
        )


def _mark(connection: sqlite3.Connection, number: int, fault: str) -> None:
    connection.execute("UPDATE outbox SET faults = trim(faults || ' ' || ?) WHERE id = ?", (fault, number))


def _spoiled(prepare: Prepare, payload: Payload, kind: str, fault: str) -> tuple[Mapping[str, str], bytes]:
    headers, body = prepare(spoiling.wrong_amount(payload, kind) if fault == "notify_wrong_amount" else payload)
    if fault == "notify_bad_signature":
        return spoiling.bad_signature(headers, body)
    return (spoiling.probe(headers) if fault == "notify_signtest" else headers), body


def _post(url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the machine has no business between two local processes
        answer = session.post(url, data=body, headers=dict(headers), timeout=patience, allow_redirects=False)
        return answer.status_code, answer.content
