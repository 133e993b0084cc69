"""The worker: jobs through the real queue, events in order, and what is left when a worker or the database dies."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
import psycopg
import pytest
from procrastinate.jobs import Job as QueuedJob
from sqlalchemy.orm import Session

from portal import worker
from portal.events import operations as events
from portal.events import queries as feed
from portal.events.queries import Happening
from portal.payments.flows import ASK
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.jobs import defer, requeue_stalled
from portal.plumbing.work import Job, Tools
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState
from portal.worker import Patience, Relay, carry_events, queue_app
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet

SHOP, OTHER = 482913057, 482913058
PROBE = "test.probe"


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A job that only writes down what it was asked; its name is PROBE."""
    seen: list[dict[str, Any]] = []
    register(monkeypatch, lambda tools, **arguments: seen.append(arguments))
    return seen


def register(monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    def named(tools: Tools, **arguments: object) -> None:
        job(tools, **arguments)

    monkeypatch.setitem(worker.TASKS, PROBE, named)


def work_off(tools: Tools, database: TestDatabase) -> None:
    """In a thread of its own: the browser's driver keeps an event loop on the main one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(queue_app(tools, direct_url=database.staff).run_worker, wait=False).result()


def queued(database: TestDatabase) -> list[tuple[str, str, int]]:
    """Task, status and attempts of every job there is, but for the nightly ones, which are always queued."""
    with psycopg.connect(database.staff) as connection:
        return connection.execute(
            "SELECT task_name, status::text, attempts FROM procrastinate_jobs"
            " WHERE task_name NOT LIKE '%.nightly' ORDER BY id"
        ).fetchall()


def change(database: TestDatabase, statement: str, *values: object) -> None:
    with psycopg.connect(database.staff) as connection:
        connection.execute(statement, values)


def ask_for(db: Database, task: str = PROBE, **arguments: Any) -> None:
    with db.transaction() as session:
        defer(session, task, **arguments)


def ask_and_fail(db: Database) -> None:
    with db.transaction() as session:
        defer(session, PROBE, merchant_id=7)
        raise RuntimeError("after the job was handed in")


def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come to pass"
        time.sleep(0.05)


def test_a_job_is_run_with_what_it_was_given_and_leaves_no_row(
    db: Database, tools: Tools, database: TestDatabase, probe: list[dict[str, Any]]
) -> None:
    ask_for(db, merchant_id=7, words="一码")
    work_off(tools, database)
    assert probe == [{"merchant_id": 7, "words": "一码"}]
    assert queued(database) == []


def test_a_job_of_a_transaction_that_rolled_back_never_was(
    db: Database, tools: Tools, database: TestDatabase, probe: list[dict[str, Any]]
) -> None:
    with pytest.raises(RuntimeError):
        ask_and_fail(db)
    work_off(tools, database)
    assert probe == []


def test_jobs_of_one_lock_run_in_turn(
    db: Database, tools: Tools, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most = [0], [0]

    def count(tools: Tools, **arguments: object) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.05)
        at_once[0] -= 1

    register(monkeypatch, count)
    for _ in range(4):
        ask_for(db, lock="one at a time")
    # Without waiting for more, a worker ends when all that is left stands behind a lock: so it is asked again.
    for _ in range(4):
        work_off(tools, database)
    assert (queued(database), most) == ([], [1])


def test_a_job_that_fails_is_tried_again_later_and_spoken_of(
    db: Database,
    tools: Tools,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(tools: Tools, **arguments: object) -> None:
        raise RuntimeError("no such luck")

    register(monkeypatch, fail)
    ask_for(db, merchant_id=7)
    work_off(tools, database)
    assert queued(database) == [(PROBE, "todo", 1)]
    assert f"job {PROBE} of merchant 7 failed" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 4), (8, 512), (9, 600), (10_000, 600)])
def test_it_waits_longer_each_time_but_never_gives_a_job_about_money_up(attempts: int, seconds: int) -> None:
    decision = Patience().get_retry_decision(exception=RuntimeError(), job=job_after(attempts))
    assert decision is not None
    assert decision.retry_at is not None
    assert (decision.retry_at - now()).total_seconds() == pytest.approx(seconds, abs=2)


def test_it_gives_up_what_nobody_waits_for_any_longer() -> None:
    assert Patience(most=4).get_retry_decision(exception=RuntimeError(), job=job_after(3)) is not None
    assert Patience(most=4).get_retry_decision(exception=RuntimeError(), job=job_after(4)) is None


def job_after(attempts: int) -> QueuedJob:
    return QueuedJob(id=1, queue="yima", lock=None, queueing_lock=None, task_name=PROBE, attempts=attempts)


def test_an_order_is_asked_about_until_it_is_paid(
    db: Database,
    keyring: Keyring,
    tools: Tools,
    database: TestDatabase,
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    number = add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now())
    with db.transaction(merchant=SHOP) as session:
        defer(session, ASK, merchant_id=SHOP, payment_no=number, rung=0)
    work_off(tools, database)
    assert queued(database) == [(ASK, "todo", 0)]
    wallets[Acquirer.WECHAT].script["ask_payment"] = PaymentAnswer(
        Acquirer.WECHAT, number, PaymentState.SUCCESS, f"WX{SHOP}", transaction_id="42001", amount=1234
    )
    change(database, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    work_off(tools, database)
    assert queued(database) == []
    assert kinds(db, SHOP) == ["payment.created", "payment.success"]


def test_what_a_killed_worker_had_begun_is_queued_again(
    db: Database, staff_db: Database, tools: Tools, database: TestDatabase, probe: list[dict[str, Any]]
) -> None:
    ask_for(db, merchant_id=7)
    change(database, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 s')")
    change(
        database, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)"
    )
    with staff_db.transaction() as session:
        assert requeue_stalled(session) == 1
        assert requeue_stalled(session) == 0
    work_off(tools, database)
    assert probe == [{"merchant_id": 7}]


def test_a_job_whose_worker_was_forgotten_is_queued_again(
    db: Database, staff_db: Database, database: TestDatabase
) -> None:
    ask_for(db, merchant_id=7)
    change(database, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    with staff_db.transaction() as session:
        assert requeue_stalled(session) == 1


def test_what_a_living_worker_does_is_left_to_him(db: Database, staff_db: Database, database: TestDatabase) -> None:
    ask_for(db, merchant_id=7)
    change(database, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '15 s')")
    change(
        database, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)"
    )
    with staff_db.transaction() as session:
        assert requeue_stalled(session) == 0


def kinds(db: Database, merchant_id: int) -> list[str]:
    with db.transaction(merchant=merchant_id) as session:
        return [happening.kind for happening in feed.since(session, merchant_id, after=0)]


def happen(db: Database, merchant_id: int, *subjects: str) -> None:
    with db.transaction(merchant=merchant_id) as session:
        for subject in subjects:
            events.append(session, merchant_id=merchant_id, kind="test.fact", subject=subject, now=now())


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """What the relay hands on; an event about `poison` raises."""
    seen: list[tuple[int, str]] = []

    def handle(tools: Tools, session: Session, happening: Happening) -> None:
        if happening.subject == "poison":
            raise RuntimeError("this event kills")
        seen.append((happening.merchant_id, happening.subject))

    monkeypatch.setattr(worker, "on_event", handle)
    return seen


def test_events_are_handed_on_once_and_in_order(db: Database, tools: Tools, carried: list[tuple[int, str]]) -> None:
    happen(db, SHOP, "a", "b")
    assert carry_events(tools) == 2
    happen(db, SHOP, "c")
    assert carry_events(tools) == 1
    assert carry_events(tools) == 0
    assert carried == [(SHOP, "a"), (SHOP, "b"), (SHOP, "c")]


def test_an_event_nobody_can_carry_stops_only_its_own_merchant_and_is_spoken_of(
    db: Database,
    tools: Tools,
    carried: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    happen(db, SHOP, "a", "poison", "after")
    happen(db, OTHER, "x")
    clock = [1000.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    relay = Relay(tools)
    relay.carry()
    assert (OTHER, "x") in carried
    carried.clear()
    # The batch was rolled back as a whole; now one by one, up to the event in trouble.
    assert relay.carry() == 1
    assert relay.carry() == 0
    assert carried == [(SHOP, "a")]
    tried = len(caplog.records)
    assert relay.carry() == 0
    assert len(caplog.records) == tried, "it rests"
    clock[0] += 10
    assert relay.carry() == 0
    assert len(caplog.records) == tried + 1, "and is tried again"
    happen(db, OTHER, "y")
    assert relay.carry() == 1


def test_a_merchant_whose_event_can_be_carried_after_all_catches_up(
    db: Database, tools: Tools, carried: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(db, SHOP, "a", "poison", "after")
    relay = Relay(tools)
    for _ in range(3):
        relay.carry()
    carried.clear()
    monkeypatch.setattr(worker, "on_event", lambda tools, session, happening: carried.append((0, happening.subject)))
    moment = time.monotonic() + 600
    monkeypatch.setattr(worker.time, "monotonic", lambda: moment)
    while relay.carry():
        pass
    assert carried == [(0, "poison"), (0, "after")]


@pytest.fixture
def at_work(tools: Tools, database: TestDatabase) -> Iterator[threading.Event]:
    """A whole worker in a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.work, args=(tools,), kwargs={"direct_url": database.staff, "stop": stop})
    thread.start()
    yield stop
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive(), "it did not stop"


def test_a_worker_outlives_the_loss_of_its_database(
    db: Database,
    database: TestDatabase,
    probe: list[dict[str, Any]],
    carried: list[tuple[int, str]],
    at_work: threading.Event,
) -> None:
    ask_for(db, merchant_id=1)
    happen(db, SHOP, "a")
    until(lambda: len(probe) == 1 and len(carried) == 1)
    cut_all_connections(database)
    ask_for(db, merchant_id=2)
    happen(db, SHOP, "b")
    until(lambda: len(probe) == 2 and len(carried) == 2)


def cut_all_connections(database: TestDatabase) -> None:
    """As a restart of the server would, seen from a client: every connection of the workers' role is gone."""
    with psycopg.connect(database.staff) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


def test_a_queue_that_ends_in_trouble_is_begun_anew(
    db: Database,
    tools: Tools,
    database: TestDatabase,
    probe: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real, tries, stop = worker.queue_app, [0], threading.Event()

    def first_in_trouble(tools: Tools, *, direct_url: str) -> procrastinate.App:
        tries[0] += 1
        if tries[0] == 1:
            raise procrastinate.exceptions.ConnectorException
        return real(tools, direct_url=direct_url)

    monkeypatch.setattr(worker, "queue_app", first_in_trouble)
    monkeypatch.setattr(worker, "_AFTER_TROUBLE_SECONDS", 0.1)
    ask_for(db, merchant_id=7)
    thread = threading.Thread(target=worker.work, args=(tools,), kwargs={"direct_url": database.staff, "stop": stop})
    thread.start()
    until(lambda: probe == [{"merchant_id": 7}])
    stop.set()
    thread.join(timeout=20)
    assert "the queue lost the database; it tries again" in caplog.messages


def test_a_worker_told_to_stop_finishes_what_it_has_begun(
    db: Database, tools: Tools, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, finished, stop = threading.Event(), threading.Event(), threading.Event()

    def slow(tools: Tools, **arguments: object) -> None:
        begun.set()
        time.sleep(1)
        finished.set()

    register(monkeypatch, slow)
    ask_for(db)
    thread = threading.Thread(target=worker.work, args=(tools,), kwargs={"direct_url": database.staff, "stop": stop})
    thread.start()
    assert begun.wait(20)
    stop.set()
    thread.join(timeout=20)
    assert finished.is_set()
    assert queued(database) == []
