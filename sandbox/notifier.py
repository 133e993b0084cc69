"""Delivers the institutions' notices to the merchant's server, again and again until one is accepted.

A notice is a row of the outbox, written in the same transaction as the fact it tells. A background thread sends it;
before every attempt the sender prepares headers and body anew, so each delivery carries a fresh time and signature.
Delivery follows the rules of WeChat Pay (partner docs 4012082570): an answer within 5 seconds, no redirects, and the
waits of LADDER between two attempts. JD has not published its own waits; the sandbox uses the same ones for it.
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

from sandbox.settings import setting
from sandbox.store import Store

LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ANSWER_SECONDS = 5
LOOK_EVERY_SECONDS = 0.1
SENDERS_AT_ONCE = 8

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id          INTEGER PRIMARY KEY,
    sender      TEXT NOT NULL,
    url         TEXT NOT NULL,
    payload     TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'accepted', 'given_up')),
    due_at      REAL NOT NULL,
    created_at  REAL NOT NULL,
    last_status INTEGER,
    last_answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at) WHERE state = 'waiting';
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

    def enqueue(self, connection: sqlite3.Connection, *, sender: str, url: str, payload: Payload) -> int:
        """The function below, for whoever holds the notifier."""
        return enqueue(connection, sender=sender, url=url, payload=payload)

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-notifier", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; notices not yet accepted stay in the outbox."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * ANSWER_SECONDS)

    def _run(self) -> None:
        with ThreadPoolExecutor(SENDERS_AT_ONCE, thread_name_prefix="sandbox-notice") as pool:
            while not self._stop.wait(LOOK_EVERY_SECONDS):
                try:
                    self._round(pool)
                except Exception:
                    log.exception("A round of the notifier failed; the next one tries again.")

    def _round(self, pool: ThreadPoolExecutor) -> None:
        for function in self._watches:
            function(self._store)
        self._under_way = {number: future for number, future in self._under_way.items() if not future.done()}
        with self._store.reading() as connection:
            due = connection.execute(
                "SELECT id FROM outbox WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT 50", (time.time(),)
            ).fetchall()
        for row in due:
            if row["id"] not in self._under_way:
                self._under_way[row["id"]] = pool.submit(self._attempt, row["id"])

    def _attempt(self, number: int) -> None:
        with self._store.reading() as connection:
            row = connection.execute("SELECT * FROM outbox WHERE id = ?", (number,)).fetchone()
        if row is None or row["state"] != "waiting" or row["sender"] not in self._senders:
            return
        prepare, accepted = self._senders[row["sender"]]
        status, answer = None, b""
        try:
            headers, body = prepare(json.loads(row["payload"]))
            status, answer = _post(row["url"], headers, body)
        except Exception as problem:
            answer = f"{type(problem).__name__}: {problem}".encode()
        self._note(row, status, answer, status is not None and accepted(status, answer))

    def _note(self, row: sqlite3.Row, status: int | None, answer: bytes, accepted: bool) -> None:
        with self._store.writing() as connection:
            attempts = row["attempts"] + 1
            state, due_at = "accepted", row["due_at"]
            if not accepted:
                state = "waiting" if attempts <= len(LADDER) else "given_up"
            if state == "waiting":
                due_at = time.time() + LADDER[attempts - 1] / setting(connection, "retry_speed")
            text = answer[:500].decode("utf-8", "replace")
            connection.execute(
                "UPDATE outbox SET attempts = ?, last_status = ?, last_answer = ? WHERE id = ?",
                (attempts, status, text, row["id"]),
            )
            # Somebody may have asked for another delivery meanwhile (a new due_at): that wish stands.
            connection.execute(
                "UPDATE outbox SET state = ?, due_at = ? WHERE id = ? AND due_at = ?",
                (state, due_at, row["id"], row["due_at"]),
            )


def enqueue(connection: sqlite3.Connection, *, sender: str, url: str, payload: Payload) -> int:
    """Write a notice beside the fact it tells, inside the caller's `writing()` block. Gives its number."""
    now = time.time()
    cursor = connection.execute(
        "INSERT INTO outbox (sender, url, payload, due_at, created_at) VALUES (?, ?, ?, ?, ?)",
        (sender, url, json.dumps(payload, ensure_ascii=False), now, now),
    )
    return int(cursor.lastrowid or 0)


def _post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the machine has no business between two local processes
        answer = session.post(url, data=body, headers=dict(headers), timeout=ANSWER_SECONDS, allow_redirects=False)
        return answer.status_code, answer.content
