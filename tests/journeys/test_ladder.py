"""A portal that does not answer as it should: the whole ladder of notices, and the payment booked all the same.

Nothing stands in for the portal. What answers 4xx is a notice whose signature is wrong; 5xx comes from a database that
takes no notice in; silence from notices' processes that are stopped. The clock jumps from rung to rung.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg
import pytest
import requests

from tests.journeys import ledger, road
from tests.journeys.running import Running

# WeChat Pay partner docs 4012082570: seconds after each failed send but the last.
LADDER = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600]
SENDS = 15
NAMES = {"wechat": "wechat", "jdpay": "jd"}
PRICE = 777


class Ladder:
    """One payment by each wallet, and the notices of both, climbed together."""

    def __init__(self, running: Running) -> None:
        self._running = running
        shop = running.demo["shops"][1]
        self._shop = int(shop["id"])
        code = f"{running.portal}/c/{shop['codes'][0]}"
        self.orders = {wallet: str(running.pay(wallet, PRICE, text=code)["order"]) for wallet in NAMES}

    def climb(self, sends: int) -> dict[str, list[int]]:
        """Let both notices be sent so often; answers the waits that the outbox told between two sends, in seconds."""
        waits: dict[str, list[int]] = {wallet: [] for wallet in self.orders}
        for number in range(max(1, self._sent()), sends + 1):
            road.eventually(lambda number=number: self._sent() >= number, f"notice {number} was sent", seconds=15)
            if number == sends:
                break
            due, now = {wallet: note["due_at"] for wallet, note in self.notices().items()}, self._now()
            for wallet in due:
                waits[wallet].append(round(due[wallet] - now))
            control(self._running, "clock", advance_seconds=max(1, round(max(due.values()) - now) + 1))
        return waits

    def notices(self) -> dict[str, dict[str, Any]]:
        """The payment notices in the sandbox's outbox."""
        outbox = requests.get(f"{self._running.sandbox}/control/outbox", timeout=10).json()
        found = {note["number"]: note for note in outbox if note["kind"] == "payment"}
        return {wallet: found[order] for wallet, order in self.orders.items()}

    def booked(self) -> dict[str, list[tuple[str, int]]]:
        """How often each order stands in the ledger."""
        found = "SELECT kind, amount FROM transfers WHERE merchant_id = %s AND ref = %s AND kind = 'payment'"
        return {wallet: ledger.rows(self._running, found, self._shop, order) for wallet, order in self.orders.items()}

    def taken_in(self) -> int:
        """How many notices about these orders the portal's inbox holds."""
        found = "SELECT count(*) FROM inbox_notices WHERE subject = ANY(%s)"
        return int(ledger.rows(self._running, found, list(self.orders.values()))[0][0])

    def _sent(self) -> int:
        return min(int(note["attempts"]) for note in self.notices().values())

    def _now(self) -> float:
        told = requests.get(f"{self._running.sandbox}/control/clock", timeout=10).json()
        return time.time() + float(told["offset_seconds"])


BOOKED_ONCE = {wallet: [("payment", PRICE)] for wallet in NAMES}


def control(running: Running, what: str, **wish: object) -> None:
    """Turn one of the sandbox's screws."""
    answer = requests.post(f"{running.sandbox}/control/{what}", json=wish, timeout=10)
    assert answer.ok, answer.text


@contextmanager
def unknown_signatures(running: Running) -> Iterator[None]:
    for institution in NAMES.values():
        control(running, "faults", institution=institution, name="notify_bad_signature", times=SENDS)
    yield


@contextmanager
def read_only(running: Running, table: str, *roles: str) -> Iterator[None]:
    """These roles of the database may not add a row to this table. The web speaks as portal_app, the worker as
    portal_staff."""
    named = ", ".join(roles)
    with psycopg.connect(running.database_url("portal_owner"), autocommit=True) as connection:
        connection.execute(f"REVOKE INSERT ON {table} FROM {named}")
        try:
            yield
        finally:
            connection.execute(f"GRANT INSERT ON {table} TO {named}")


@contextmanager
def no_inbox(running: Running) -> Iterator[None]:
    with read_only(running, "inbox_notices", "portal_app"):
        yield


@contextmanager
def stopped_processes(running: Running) -> Iterator[None]:
    """The kernel still takes connections for them; nobody reads."""
    children = psutil.Process(running.process.pid).children(recursive=True)
    notices = [child for child in children if is_of_notices(child)]
    assert len(notices) > 1
    control(running, "settings", answer_seconds=0.2)
    for process in notices:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(notices):
            process.resume()
        control(running, "settings", answer_seconds=5)


def is_of_notices(process: psutil.Process) -> bool:
    try:
        return process.environ().get("PROCESS") == "notices"
    except psutil.Error:
        return False


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [(unknown_signatures, {401}), (no_inbox, {500, 503}), (stopped_processes, {None})],
    ids=["4xx", "5xx", "silence"],
)
def test_a_notice_never_taken_is_sent_fifteen_times_and_the_payment_is_booked_by_asking(
    hurried: Running, trouble: Callable[[Running], Any], statuses: set[int | None]
) -> None:
    with trouble(hurried):
        ladder = Ladder(hurried)
        waits = ladder.climb(SENDS)
        road.eventually(lambda: ladder.booked() == BOOKED_ONCE, "both payments were found by asking")
        for wallet, note in ladder.notices().items():
            assert waits[wallet] == pytest.approx(LADDER, abs=2)
            assert (note["state"], note["attempts"]) == ("given_up", SENDS)
            assert note["last_status"] in statuses
        assert ladder.taken_in() == 0
    time.sleep(1)
    assert ladder.booked() == BOOKED_ONCE


def test_a_portal_that_recovers_half_way_books_the_payment_once(hurried: Running) -> None:
    """Without a ledger to write to, asking helps as little as being told; the next notice after that is taken."""
    no_ledger = read_only(hurried, "transfers", "portal_app", "portal_staff")
    with no_ledger, no_inbox(hurried):
        ladder = Ladder(hurried)
        ladder.climb(6)
        assert ladder.booked() == {wallet: [] for wallet in NAMES}
        assert {note["state"] for note in ladder.notices().values()} == {"waiting"}
    ladder.climb(7)
    road.eventually(lambda: ladder.booked() == BOOKED_ONCE, "both payments are booked")
    assert {note["state"] for note in ladder.notices().values()} == {"accepted"}
    assert {note["attempts"] for note in ladder.notices().values()} == {7}
    time.sleep(1)
    assert ladder.booked() == BOOKED_ONCE
    assert ladder.taken_in() == len(NAMES)
