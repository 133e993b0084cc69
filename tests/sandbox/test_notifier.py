"""Delivery of notices: at once, again after the waits, signed anew, and never twice at the same time."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import clock, faults, settings
from sandbox.notifier import LADDER, SCHEMA, SENDS, Notifier, Payload
from sandbox.store import Store
from tests.sandbox.receiver import Receiver


@pytest.fixture
def store(tmp_path: Path) -> Store:
    one = Store(tmp_path / "store.sqlite3")
    one.create(settings.SCHEMA, faults.SCHEMA, SCHEMA)
    return one


@pytest.fixture
def prepared() -> list[Payload]:
    return []


@pytest.fixture
def notifier(store: Store, prepared: list[Payload]) -> Iterator[Notifier]:
    def prepare(payload: Payload) -> tuple[dict[str, str], bytes]:
        prepared.append(payload)
        return {"X-Attempt": str(len(prepared))}, json.dumps(payload).encode()

    one = Notifier(store)
    one.register("wechat", prepare, lambda status, body: status == 204)
    one.start()
    yield one
    one.stop()


def send(notifier: Notifier, store: Store, url: str) -> None:
    with store.writing() as connection:
        notifier.enqueue(connection, sender="wechat", url=url, payload={"n": 1})


def outbox(store: Store) -> dict[str, object]:
    with store.reading() as connection:
        return dict(connection.execute("SELECT * FROM outbox").fetchone())


def eventually(store: Store, is_so: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    deadline = time.monotonic() + 10
    while not is_so(outbox(store)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return outbox(store)


def change(store: Store, name: str, value: float) -> None:
    with store.writing() as connection:
        settings.change(connection, name, value)


def hurry(store: Store, speed: float) -> None:
    change(store, "retry_speed", speed)


def forward(store: Store, seconds: float) -> None:
    with store.writing() as connection:
        clock.advance(connection, seconds)


def receiver_got(receiver: Receiver, number: int) -> bool:
    """Whether the next delivery is the one of this number."""
    return receiver.next().headers["X-Attempt"] == str(number)


def test_an_accepted_notice_is_sent_once(notifier: Notifier, store: Store, receiver: Receiver) -> None:
    send(notifier, store, receiver.url)
    assert json.loads(receiver.next().body) == {"n": 1}
    assert eventually(store, lambda row: row["state"] == "accepted")["attempts"] == 1
    assert receiver.is_quiet(0.3)


def test_a_refused_notice_comes_again_and_is_prepared_anew(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    hurry(store, 200)
    receiver.answers = [500, 404]
    send(notifier, store, receiver.url)
    assert [receiver.next().headers["X-Attempt"] for _ in range(3)] == ["1", "2", "3"]
    assert eventually(store, lambda row: row["state"] == "accepted")["attempts"] == 3


def test_a_delivery_asked_for_while_one_is_under_way_is_made(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    receiver.seconds_to_answer = 0.5
    send(notifier, store, receiver.url)
    receiver.next()
    with store.writing() as connection:
        connection.execute("UPDATE outbox SET state = 'waiting', due_at = ?", (time.time(),))
    assert receiver.next().body
    assert eventually(store, lambda row: row["state"] == "accepted")["attempts"] == 2


def test_a_redirect_is_not_followed(notifier: Notifier, store: Store, receiver: Receiver) -> None:
    receiver.answers = [302]
    receiver.headers_of_answer = {"Location": receiver.url}
    send(notifier, store, receiver.url)
    receiver.next()
    assert eventually(store, lambda row: row["last_status"] is not None)["last_status"] == 302
    assert receiver.is_quiet(0.3)


def test_at_real_speed_the_second_attempt_waits_fifteen_seconds(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    receiver.answers = [500]
    before = time.time()
    send(notifier, store, receiver.url)
    receiver.next()
    row = eventually(store, lambda row: row["attempts"] == 1)
    assert before <= float(str(row["due_at"])) <= time.time()
    assert row["wait"] == 15


def test_nobody_listening_is_an_attempt_too(notifier: Notifier, store: Store) -> None:
    send(notifier, store, "http://127.0.0.1:9/notify")
    row = eventually(store, lambda row: row["attempts"] == 1)
    assert (row["state"], row["last_status"]) == ("waiting", None)
    assert "Connection" in str(row["last_answer"])


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_fifteen_refused_sends_and_it_gives_up(
    notifier: Notifier, store: Store, receiver: Receiver, status: int
) -> None:
    hurry(store, 1_000_000)
    receiver.answers = [status] * 30
    send(notifier, store, receiver.url)
    row = eventually(store, lambda row: row["state"] == "given_up")
    assert (row["attempts"], row["last_status"], SENDS) == (15, status, 15)
    assert [receiver.next().headers["X-Attempt"] for _ in range(SENDS)] == [str(n + 1) for n in range(SENDS)]
    assert receiver.is_quiet(0.3)


def test_fifteen_sends_without_an_answer_in_time_and_it_gives_up(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    change(store, "answer_seconds", 0.05)
    hurry(store, 1_000_000)
    receiver.seconds_to_answer = 0.3
    send(notifier, store, receiver.url)
    row = eventually(store, lambda row: row["state"] == "given_up")
    assert (row["attempts"], row["last_status"]) == (15, None)
    assert "Timeout" in str(row["last_answer"])


def test_a_clock_that_is_moved_walks_the_whole_ladder_at_real_speed(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    receiver.answers = [500] * 30
    send(notifier, store, receiver.url)
    for number, wait in enumerate(LADDER[: SENDS - 1], start=1):
        eventually(store, lambda row, number=number: row["attempts"] == number)
        forward(store, wait - 10)
        assert receiver_got(receiver, number)
        assert receiver.is_quiet(0.15)
        forward(store, 10)
    row = eventually(store, lambda row: row["state"] == "given_up")
    assert row["attempts"] == SENDS
    assert sum(LADDER) == 24 * 3600 + 4 * 60


def test_a_speed_that_is_raised_shortens_the_wait_that_has_begun(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    receiver.answers = [500]
    send(notifier, store, receiver.url)
    receiver.next()
    eventually(store, lambda row: row["attempts"] == 1)
    hurry(store, 1000)
    assert receiver.next(seconds=2).body


def test_a_clock_moved_by_a_month_skips_no_step(notifier: Notifier, store: Store, receiver: Receiver) -> None:
    receiver.answers = [500, 500]
    send(notifier, store, receiver.url)
    for attempts in (1, 2):
        eventually(store, lambda row, attempts=attempts: row["attempts"] == attempts)
        forward(store, 30 * 86400)
    assert eventually(store, lambda row: row["state"] == "accepted")["attempts"] == 3


def test_a_notice_of_a_fact_that_was_rolled_back_is_never_sent(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    def fact_that_fails() -> None:
        with store.writing() as connection:
            notifier.enqueue(connection, sender="wechat", url=receiver.url, payload={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fact_that_fails()
    assert receiver.is_quiet(0.4)


def test_a_watch_that_fails_does_not_stop_the_notices(notifier: Notifier, store: Store, receiver: Receiver) -> None:
    calls: list[Store] = []

    def watch(one: Store) -> None:
        calls.append(one)
        if len(calls) == 1:
            raise OSError("disk full")

    notifier.watch(watch)
    send(notifier, store, receiver.url)
    receiver.next()
    assert calls


def test_what_waited_when_the_sandbox_stopped_is_sent_by_the_next_one(
    notifier: Notifier, store: Store, receiver: Receiver
) -> None:
    notifier.stop()
    send(notifier, store, receiver.url)
    following = Notifier(store)
    following.register("wechat", lambda payload: ({}, b"{}"), lambda status, body: True)
    following.start()
    receiver.next()
    following.stop()
