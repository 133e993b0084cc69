"""The database goes away, stands still, is full of others or forbids writing: a real PostgreSQL, our own settings."""

import contextlib
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from portal.config import Settings
from portal.factory import Services, create_app
from portal.payments.models import Payment
from portal.plumbing import db as connecting
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.schema_upgrade import upgrade
from portal.wallets.port import Acquirer
from tests.conftest import TEST_DIRECTORIES, TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet
from tests.portal.notices.conftest import SHOP, Books, Message, Scripted, StandsByIt, answer_of, now
from tests.portal.notices.severing import Severing

YES = (204, b"")
BOOKED = {"clearing:wechat": 1229, "fee:wechat": 5, "merchant_payable": -1234}


@pytest.fixture
def told(scripted_teller: Scripted, books: Books) -> Message:
    return scripted_teller.paid(books.order(scripted_teller.acquirer))


def swap(app: Flask, database: Database) -> Database:
    """Let the application use these connections; answers those it had."""
    had: Database = app.extensions["database"]
    app.extensions["database"] = database
    return had


def in_good_time(send: Callable[[], tuple[int, bytes]], seconds: float) -> tuple[int, bytes]:
    began = time.monotonic()
    answer = send()
    assert time.monotonic() - began < seconds
    return answer


def test_a_transaction_that_stands_still_frees_its_locks_and_can_no_longer_commit(
    app: Flask, told: Message, books: Books, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    """A process stopped in the middle of its work (SIGSTOP) holds a row; the server ends its transaction for it."""
    hurried = "-c statement_timeout=4000 -c lock_timeout=200 -c idle_in_transaction_session_timeout=1500"
    monkeypatch.setattr(connecting, "_SESSION_SETTINGS", hurried)
    fresh = Database(database.app, pool_size=2)
    had = swap(app, fresh)
    holds, wakes = threading.Event(), threading.Event()
    woken: list[BaseException] = []

    def stopped() -> None:
        try:
            with fresh.transaction(merchant=SHOP) as session:
                session.execute(sa.update(Payment).values(note="half done"))
                holds.set()
                wakes.wait(10)
        except DBAPIError as gone:
            woken.append(gone)

    zombie = threading.Thread(target=stopped)
    zombie.start()
    try:
        assert holds.wait(5)
        assert answer_of(told.send(app.test_client()))[0] == 503
        books.assert_untouched()
        assert eventually(lambda: answer_of(told.send(app.test_client())) == YES)
    finally:
        wakes.set()
        zombie.join()
        swap(app, had)
        fresh.close()
    assert len(woken) == 1, "the zombie's COMMIT must fail"
    assert books.nets() == BOOKED
    assert eventually(lambda: note_of(database) == "")


def test_the_limits_free_others_within_a_wallets_patience() -> None:
    for limit in ("statement_timeout=4000", "lock_timeout=3000", "idle_in_transaction_session_timeout=4000"):
        assert f"-c {limit}" in connecting._SESSION_SETTINGS


def note_of(database: TestDatabase) -> str:
    with psycopg.connect(database.staff) as connection:
        return str(connection.execute("SELECT note FROM payments").fetchone()[0])  # type: ignore[index]


def eventually(holds: Callable[[], bool], seconds: float = 8) -> bool:
    """Whether it holds before long."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("word", [b"notice_take", b"COMMIT"])
def test_a_connection_cut_after_the_commit_was_sent_leads_to_one_effect(
    app: Flask, scripted_teller: Scripted, books: Books, database: TestDatabase, word: bytes
) -> None:
    """The server did it, and nobody heard so. The ordinary notice finds it done at once; any other at the next try."""
    amount = 1234 if word == b"notice_take" else 1233
    told = scripted_teller.paid(books.order(scripted_teller.acquirer), amount=amount)
    place = urlsplit(database.app)
    with Severing(place.hostname or "", place.port or 0) as proxy:
        cut = Database(database.app.replace(f":{place.port}/", f":{proxy.port}/"), pool_size=2)
        had = swap(app, cut)
        try:
            with cut.transaction() as session:
                session.execute(sa.text("SELECT 1"))
            proxy.after(word)
            answers = [answer_of(told.send(app.test_client())) for _ in range(2)]
        finally:
            swap(app, had)
            cut.close()
    assert proxy.cuts == 1
    assert answers[0][0] in (204, 503)
    assert answers[1] == YES
    assert len(books.inbox()) == 1
    expected = BOOKED if amount == 1234 else {"clearing:wechat": 1233, "suspense": -1233}
    assert books.nets() == expected
    assert len(books.kinds()) == 1


def test_a_database_that_may_only_be_read_answers_not_now_at_once(
    app: Flask,
    client: FlaskClient,
    told: Message,
    books: Books,
    database: TestDatabase,
    postgres: EmbeddedPostgres,
) -> None:
    role = f'ALTER ROLE portal_app IN DATABASE "{database.name}"'
    with postgres.superuser() as superuser:
        superuser.execute(f"{role} SET default_transaction_read_only = on")
        reading = Database(database.app, pool_size=2)
        had = swap(app, reading)
        try:
            assert in_good_time(lambda: answer_of(told.send(client)), 2)[0] == 503
        finally:
            swap(app, had)
            reading.close()
            superuser.execute(f"{role} RESET default_transaction_read_only")
    books.assert_untouched()
    assert answer_of(told.send(client)) == YES


def test_when_every_connection_is_taken_the_answer_is_not_now_and_soon(
    app: Flask, client: FlaskClient, told: Message, books: Books, database: TestDatabase
) -> None:
    small = Database(database.app, pool_size=1, hasty=True)
    had = swap(app, small)
    try:
        with contextlib.ExitStack() as taken:
            for engine in (small.engine, small._single):
                for _ in range(2):
                    taken.enter_context(engine.connect())
            assert in_good_time(lambda: answer_of(told.send(client)), 4)[0] == 503
        assert answer_of(told.send(client)) == YES
    finally:
        swap(app, had)
        small.close()
    assert books.nets() == BOOKED


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A durable server of this test's own, which it may crash."""
    data_dir = Path(tempfile.mkdtemp(prefix=TEST_DIRECTORIES))
    server = EmbeddedPostgres(data_dir)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        remove_cluster(data_dir)
        shutil.rmtree(data_dir)


def test_a_server_that_crashes_in_the_middle_leaves_nothing_half_done_and_what_it_confirmed_stays(
    own_server: EmbeddedPostgres, settings: Settings, keyring: Keyring
) -> None:
    """`pg_ctl stop -m immediate` is what a crash looks like to everybody: no checkpoint, recovery at the next start."""
    upgrade(own_server.urls()["DATABASE_OWNER_URL"])
    wallet = ScriptedWallet(Acquirer.WECHAT)
    teller = Scripted(wallet)

    def portal() -> Flask:
        urls = own_server.urls()
        here = replace(
            settings,
            database_url=urls["DATABASE_URL"],
            database_staff_url=urls["DATABASE_STAFF_URL"],
            database_direct_url=urls["DATABASE_STAFF_URL"],
        )
        return create_app(Services(settings=here, wallets={Acquirer.WECHAT: StandsByIt(wallet)}))

    app = portal()
    try:
        db: Database = app.extensions["database"]
        add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
        numbers = [add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now()) for _ in range(2)]
        first, second = (teller.paid(number, transaction=f"T{at}") for at, number in enumerate(numbers))
        assert answer_of(first.send(app.test_client())) == YES
        with pytest.raises(DBAPIError):
            crash_within(db, own_server)
        assert answer_of(second.send(app.test_client()))[0] == 503
        own_server.start()
        began = time.monotonic()
        close(app)
        app = portal()
        assert [answer_of(each.send(app.test_client())) for each in (first, second)] == [YES, YES]
        assert time.monotonic() - began < 5
        with psycopg.connect(own_server.url("portal_staff")) as connection:
            paid = connection.execute("SELECT state, note FROM payments").fetchall()
            moved = connection.execute("SELECT count(*), sum(amount) FROM transfers WHERE kind = 'payment'").fetchone()
        assert paid == [("success", "")] * 2
        assert moved == (2, 2 * 1234)
    finally:
        close(app)


def crash_within(db: Database, server: EmbeddedPostgres) -> None:
    """Half a transaction, then the crash, then the other half."""
    with db.transaction(merchant=SHOP) as session:
        session.execute(sa.update(Payment).values(note="half done"))
        process = server._process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        server.stop()
        session.execute(sa.update(Payment).values(note="never done"))


def close(app: Flask) -> None:
    for name in ("database", "staff_database"):
        app.extensions[name].close()
