"""The process dies at every commit and every call there is; a new one starts, and the wallet's books are the truth.

Dying is an exception that nobody may catch: before a commit the transaction is taken back, after it all that was still
to be done is not. The wallet sends again what was not acknowledged, a worker runs the jobs that are queued.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.notices.flows import receive
from portal.notices.flows import receiving as receiving_flow
from portal.payments import flows as payments
from portal.payments import queries as payment_queries
from portal.payments.flows import Parties
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.refunds import flows as refunds
from portal.refunds import queries as refund_queries
from portal.tasks import TASKS
from tests.conftest import TestDatabase
from tests.factories.payments import add_order, add_payment
from tests.mutants.bank import NOW, SHOP, WECHAT, Bank, Died

pytestmark = pytest.mark.usefixtures("shop")

_MOST_ROUNDS = 12
# Runs of a conversation have fewer commits and calls than this; the last ones die nowhere.
_MOST_MOMENTS = 20


@dataclass
class Fate:
    """Dies at the moment numbered `dies_at`, counted over commits (before and after each) and calls."""

    dies_at: int
    passed: itertools.count = field(default_factory=lambda: itertools.count(1))  # type: ignore[type-arg]
    died: bool = False

    def moment(self) -> None:
        if not self.died and next(self.passed) == self.dies_at:
            self.died = True
            raise Died


class Mortal(Database):
    """A database whose client may die just before or just after each commit."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url, pool_size=2)
        self._fate = fate

    @contextmanager
    def transaction(self, *, merchant: int | None = None, ends_at: float | None = None) -> Iterator[Session]:
        with super().transaction(merchant=merchant, ends_at=ends_at) as session:
            yield session
            self._fate.moment()
        self._fate.moment()

    def at_once(self, statement: sa.TextClause, values: Mapping[str, Any]) -> Any:
        self._fate.moment()
        answer = super().at_once(statement, values)
        self._fate.moment()
        return answer


@dataclass
class World:
    """One portal that may die, the wallet, and the portal that is started after it."""

    database: TestDatabase
    keyring: Keyring
    settings: Settings
    bank: Bank

    def live(self, what: Callable[[Parties], Any], dies_at: int) -> bool:
        """Do this until death; answers whether it came."""
        fate = Fate(dies_at)
        mortal = Mortal(self.database.app, fate)
        self.bank.on_refund = fate.moment
        try:
            with suppress(Died):
                what(Parties(mortal, self.keyring, {WECHAT: self.bank}, "http://127.0.0.1:8000"))  # type: ignore[dict-item]
        finally:
            mortal.close()
            self.bank.on_refund = None
        return fate.died

    def start_again(self, told: list[bytes]) -> None:
        """A new process hears what was not acknowledged, and a worker does what is queued."""
        ours, workers = Database(self.database.app, pool_size=2), Database(self.database.staff, pool_size=2)
        wallets: Any = {WECHAT: self.bank}
        try:
            parties = Parties(ours, self.keyring, wallets, "http://127.0.0.1:8000")
            for body in told:
                assert hear(parties, body) == 204
            tools = Tools(settings=self.settings, database=workers, keyring=self.keyring, wallets=wallets, sms=None)
            for _ in range(_MOST_ROUNDS):
                if not self._work(tools):
                    break
        finally:
            ours.close()
            workers.close()

    def _work(self, tools: Tools) -> int:
        with psycopg.connect(self.database.staff) as connection:
            jobs = connection.execute(
                "DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING task_name, args"
            ).fetchall()
        money = [job for job in jobs if job[0] in (payments.ASK, refunds.CHASE, "notices.settle")]
        for task, arguments in money:
            TASKS[task](tools, **arguments)
        return len(money)


@pytest.fixture
def world(database: TestDatabase, keyring: Keyring, settings: Settings) -> World:
    return World(database, keyring, settings, Bank())


def hear(parties: Parties, body: bytes) -> int:
    return receive(parties, acquirer=WECHAT, headers={}, body=body, now=NOW, real_now=NOW).status


def told_of(db: Database, number: str) -> list[str]:
    with db.transaction(merchant=SHOP) as session:
        return [each.kind for each in feed.about(session, SHOP, [number])]


def whole_feed(db: Database) -> list[feed.Happening]:
    with db.transaction(merchant=SHOP) as session:
        return feed.since(session, SHOP, after=0, most=1000)


def nets(db: Database) -> dict[str, int]:
    with db.transaction(merchant=SHOP) as session:
        return {code: found.net for code, found in ledger.balances(session, SHOP).items() if found.net}


def assert_ledger_holds(staff_db: Database) -> None:
    with staff_db.transaction() as session:
        assert ledger.accounts_that_disagree(session) == []


@pytest.mark.parametrize("road", ["in one round trip", "the long way", "nobody tells, the worker asks"])
def test_a_payment_is_booked_once_wherever_the_process_dies(
    db: Database, staff_db: Database, keyring: Keyring, world: World, monkeypatch: pytest.MonkeyPatch, road: str
) -> None:
    if road == "the long way":
        monkeypatch.setattr(receiving_flow.ordinary, "take", lambda *_, **__: None)
    for dies_at in range(1, _MOST_MOMENTS):
        number = add_order(db, keyring, merchant_id=SHOP, amount=1000, now=NOW)
        world.bank.pay(number, 1000)
        body, acknowledged = world.bank.tell(number), []

        def live(parties: Parties, number: str = number, body: bytes = body, said: list[int] = acknowledged) -> None:
            if road.startswith("nobody"):
                answer = world.bank.answer(number)
                payments.book_answer(parties, merchant_id=SHOP, answer=answer)
            else:
                said.append(hear(parties, body))

        died = world.live(live, dies_at)
        world.start_again([] if acknowledged else [body])
        with db.transaction(merchant=SHOP) as session:
            row = payment_queries.payment(session, SHOP, number)
        assert row is not None
        assert (dies_at, row.state) == (dies_at, "success")
        assert (dies_at, told_of(db, number)) == (dies_at, ["payment.created", "payment.success"])
        assert nets(db) == {
            "clearing:wechat": 996 * dies_at,
            "fee:wechat": 4 * dies_at,
            "merchant_payable": -1000 * dies_at,
        }
        if not died:
            break
    assert not died
    assert dies_at > 2
    assert_ledger_holds(staff_db)


@pytest.mark.parametrize("deaf", [0, 1, 2])
def test_a_refund_that_was_written_down_is_done_once_wherever_the_process_dies(
    db: Database, staff_db: Database, keyring: Keyring, world: World, deaf: int
) -> None:
    """`deaf`: how often the wallet neither does what it is asked nor answers."""
    for dies_at in range(1, _MOST_MOMENTS):
        paid = add_payment(db, keyring, merchant_id=SHOP, amount=1000, now=NOW)
        before, world.bank.deaf = set(world.bank.refunds), deaf

        def live(parties: Parties, paid: str = paid, dies_at: int = dies_at) -> None:
            refunds.request(
                parties,
                merchant_id=SHOP,
                payment_no=paid,
                amount=300,
                reason="多收了",
                form_key=f"form-{dies_at}",
                asked_by=None,
                now=NOW,
            )

        died = world.live(live, dies_at)
        world.start_again([])
        done = set(world.bank.refunds) - before
        world.start_again([world.bank.tell_refund(number) for number in done])
        with db.transaction(merchant=SHOP) as session:
            row = payment_queries.payment(session, SHOP, paid)
            written = refund_queries.of_payment(session, SHOP, paid)
        assert row is not None
        assert (dies_at, {one.refund_no for one in written}) == (dies_at, done)
        assert (dies_at, row.refunded, row.refund_reserved) == (dies_at, 300 * len(done), 0)
        for one in written:
            assert (one.state, told_of(db, one.refund_no).count("refund.success")) == ("success", 1)
        asked = [each.subject for each in whole_feed(db) if each.kind == "refund.requested"]
        assert (dies_at, sorted(asked)) == (dies_at, sorted(world.bank.refunds))
        if not died:
            break
    assert not died
    assert len(world.bank.refunds) >= dies_at - 1
    assert nets(db).get("refund_in_flight:wechat", 0) == 0
    assert_ledger_holds(staff_db)


@pytest.mark.parametrize("tells_first", [True, False])
def test_an_order_that_was_opened_is_asked_about_wherever_the_process_dies(
    db: Database, keyring: Keyring, world: World, tells_first: bool
) -> None:
    """The payer may pay as soon as the wallet has heard of the order; no notice comes."""
    for dies_at in range(1, _MOST_MOMENTS):
        number = add_order(db, keyring, merchant_id=SHOP, amount=1000, now=NOW)
        opened: list[str] = []

        def open_payment(_order: object, number: str = number, opened: list[str] = opened) -> None:
            opened.append(number)
            raise Died

        world.bank.open_payment = open_payment  # type: ignore[attr-defined]

        def live(parties: Parties, number: str = number) -> None:
            payments.open_payment(
                parties,
                merchant_id=SHOP,
                payment_no=number,
                shop_name="阿珍水果摊",
                payer_id="openid",
                payer_ip="127.0.0.1",
                now=NOW,
            )

        died = world.live(live, dies_at)
        if opened:
            world.bank.pay(number, 1000)
        world.start_again([world.bank.tell(number)] if opened and tells_first else [])
        with db.transaction(merchant=SHOP) as session:
            row = payment_queries.payment(session, SHOP, number)
        assert row is not None
        assert (dies_at, row.state == "success") == (dies_at, bool(opened))
        if not died:
            break
    assert opened
