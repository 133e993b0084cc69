"""The database is killed in the middle of its work: what was acknowledged is still there when it comes back.

PostgreSQL is started as the product starts it, durable, and told to quit at once: nothing that only lies in its memory
reaches the disk. A real power cut takes the operating system's memory too; that is not tried here.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from deploy.pointer import read_pointer
from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from portal.notices.flows import receive
from portal.payments.flows import Parties
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.schema_upgrade import upgrade
from portal.refunds import flows as refunds
from portal.values.errors import Refused
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order, add_payment
from tests.mutants.bank import NOW, SHOP, WECHAT, Bank

_WRITERS = 4
_ORDERS = 120
# Long enough for some dozen acknowledgements, short enough that none of them is old when the server dies.
_AT_WORK = 0.4


@pytest.fixture(scope="module")
def durable() -> Iterator[EmbeddedPostgres]:
    data_dir = Path(tempfile.mkdtemp(prefix="yima-power-"))
    server = EmbeddedPostgres(data_dir)
    try:
        server.start()
        server.create_database("shop")
        upgrade(server.urls("shop")["DATABASE_OWNER_URL"])
        yield server
    finally:
        server.stop()
        remove_cluster(data_dir)
        shutil.rmtree(data_dir)


def cut(server: EmbeddedPostgres) -> None:
    """Kill the server where it stands, and start it again."""
    pointer = read_pointer(server.data_dir)
    assert pointer is not None
    postmaster = int((Path(pointer.home) / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGQUIT)
    while server.exit_code() is None:
        time.sleep(0.01)
    server.stop()
    server.start()


def until_the_cut(server: EmbeddedPostgres, work: Callable[[int, int], None]) -> None:
    """Several writers do `work(writer, turn)` again and again until the server dies under them."""
    over = threading.Event()

    def write(writer: int) -> None:
        turn = 0
        while not over.is_set():
            with suppress(SQLAlchemyError, Refused, IndexError):
                work(writer, turn)
            turn += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(_WRITERS)]
    for thread in threads:
        thread.start()
    time.sleep(_AT_WORK)
    killed = threading.Thread(target=over.set)
    try:
        cut(server)
    finally:
        killed.start()
        for thread in [*threads, killed]:
            thread.join()


def test_what_was_acknowledged_outlives_the_database(durable: EmbeddedPostgres, keyring: Keyring) -> None:
    urls = durable.urls("shop")
    database, bank = Database(urls["DATABASE_URL"], pool_size=_WRITERS * 2), Bank()
    wallets: Any = {WECHAT: bank}
    parties = Parties(database, keyring, wallets, "http://127.0.0.1:8000")
    add_merchant(database, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    acknowledged: list[str] = []
    asked: list[str] = []
    paid = [add_payment(database, keyring, merchant_id=SHOP, amount=10_000, now=NOW) for _ in range(_WRITERS)]
    # Written beforehand: a commit of another kind, made in between, would take unsafe ones to the disk with it.
    orders = [add_order(database, keyring, merchant_id=SHOP, amount=1000, now=NOW) for _ in range(_ORDERS)]
    for number in orders:
        bank.pay(number, 1000)
    bodies = {number: bank.tell(number) for number in orders}

    def tell(_writer: int, _turn: int) -> None:
        number = orders.pop()
        answered = receive(parties, acquirer=WECHAT, headers={}, body=bodies[number], now=NOW, real_now=NOW)
        if answered.status == 204:
            acknowledged.append(number)

    def give_back(writer: int, turn: int) -> None:
        asked.append(
            refunds.request(
                parties,
                merchant_id=SHOP,
                payment_no=paid[writer],
                amount=1,
                reason="多收了",
                form_key=f"{writer}-{turn}",
                asked_by=None,
                now=NOW,
            )
        )

    until_the_cut(durable, tell)
    until_the_cut(durable, give_back)
    database.close()
    with psycopg.connect(urls["DATABASE_STAFF_URL"]) as connection:
        booked = {number for (number,) in connection.execute("SELECT payment_no FROM payments WHERE state = 'success'")}
        written = {number for (number,) in connection.execute("SELECT refund_no FROM refunds")}
    assert acknowledged
    assert asked
    assert set(acknowledged) - booked == set()
    # Whatever the wallet has done is written down here: the intent was on disk before the wallet heard of it.
    assert {*asked, *bank.refunds} - written == set()
