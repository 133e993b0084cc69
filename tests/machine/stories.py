"""One payment and one refund, told in any order: six events, and the same end."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unittest import mock

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import OperationalError

from portal.plumbing.db import Database
from portal.wallets.port import Acquirer, RefundState
from tests.machine.model import Ordered
from tests.machine.telling import Transaction
from tests.machine.wallet import Mood
from tests.machine.world import World

PAID, BACK = 1000, 400


class Event(StrEnum):
    """What can come in any order. `reply` ends the question that `ask` begins: what lies between happens meanwhile."""

    PAY = "pay"
    DUPLICATE = "duplicate"
    ASK = "ask"
    NOTE = "note"
    REPLY = "reply"
    QUERY = "query"


class Fault(StrEnum):
    """What befalls the event behind an edge."""

    CUT = "cut"  # the connection is lost before its first commit
    LOST = "lost"  # its first commit is made, and nobody hears of it
    TWICE = "twice"
    STALE = "stale"
    SILENT = "silent"


Order = tuple[Event, ...]


def every_order() -> list[Order]:
    """All 720."""
    return list(itertools.permutations(Event))


def covering_orders(strength: int) -> list[Order]:
    """Few orders, among which any `strength` events come in each of their orders, found greedily."""
    left = set(itertools.permutations(Event, strength))
    chosen, candidates = [], every_order()
    while left:
        best = max(candidates, key=lambda order: len(left & _within(order, strength)))
        chosen.append(best)
        left -= _within(best, strength)
    return chosen


def _within(order: Order, strength: int) -> set[Order]:
    return set(itertools.combinations(order, strength))


@dataclass
class Story:
    """One order of events, told to a merchant of its own. `faults` by the place of the event they befall."""

    world: World
    order: Order
    faults: dict[int, Fault] = field(default_factory=dict)
    placed: Ordered = field(init=False)
    paid: Transaction | None = None
    left: list[tuple[int, Event]] = field(default_factory=list)
    tellings: int = 0

    def told(self) -> dict[str, Any]:
        """Tell it, then let everybody repeat what did not get through; answers what the books say in the end."""
        self.world.begin()
        self.placed = self.world.place(Acquirer.WECHAT, PAID)
        self.left = list(enumerate(self.order))
        while self.left:
            self._next()
        self.world.mood(Mood.TRUTH)
        for event in (Event.PAY, Event.ASK, Event.NOTE):
            self._happens(event)
        self.world.settle(rounds=6)
        return summary(self.world)

    def _next(self) -> None:
        place, event = self.left.pop(0)
        fault = self.faults.get(place)
        self.world.mood({Fault.STALE: Mood.STALE, Fault.SILENT: Mood.SILENT}.get(fault or Fault.CUT, Mood.TRUTH))
        with _broken(fault):
            for _ in range(2 if fault is Fault.TWICE else 1):
                self._happens(event)

    def _happens(self, event: Event) -> None:
        """A broken connection ends the event: whoever sent it has to come again."""
        actions: dict[Event, Callable[[], None]] = {
            Event.PAY: self._pay,
            Event.DUPLICATE: self._pay,
            Event.ASK: self._ask,
            Event.NOTE: self._note,
            Event.REPLY: lambda: None,
            Event.QUERY: self._query,
        }
        try:
            actions[event]()
        except OperationalError:
            return

    def _pay(self) -> None:
        """The first time the payer pays; each time the wallet tells, under another number."""
        if self.paid is None:
            self.paid = self.world.take_money(Acquirer.WECHAT, self.placed.number, PAID)
        self.tellings += 1
        assert self.world.deliver(self.world.teller.paid(self.paid, telling=self.tellings)) in (204, 503)

    def _ask(self) -> None:
        wallet = self.world.wallets[Acquirer.WECHAT]
        if Event.REPLY in [event for _, event in self.left]:
            wallet.during = self._meanwhile
        elif self.left and wallet.mood is Mood.TRUTH:
            # The reply had its place before the question: it never comes.
            wallet.mood = Mood.SILENT
        self.world.refund(self.placed.number, BACK, "form")
        wallet.during = None

    def _meanwhile(self) -> None:
        """What happens while the merchant's page waits for the wallet."""
        mood = self.world.wallets[Acquirer.WECHAT].mood
        while self.left and self.left[0][1] is not Event.REPLY:
            self._next()
        self.world.mood(mood)

    def _note(self) -> None:
        """The refund arrives. What the wallet has not taken, it cannot tell of."""
        wallet = self.world.wallets[Acquirer.WECHAT]
        for number, states in wallet.states.items():
            if states[-1] is RefundState.PROCESSING:
                wallet.move(number, RefundState.SUCCESS)
            self.tellings += 1
            told = self.world.teller.refunded(wallet.refunds[number], RefundState.SUCCESS, telling=self.tellings)
            assert self.world.deliver(told) in (204, 503)

    def _query(self) -> None:
        for job in self.world.jobs():
            self.world.work(job)


def summary(world: World) -> dict[str, Any]:
    """What must not depend on any order."""
    books = world.check()
    ((number, row),) = books.payments.items()
    kinds = Counter(event["kind"] for event in books.events)
    return {
        "payment": (row["state"], row["amount"], row["refunded"], row["refund_reserved"], row["fee_returned"]),
        "refunds": [(back["state"], back["amount"], back["payment_no"] == number) for back in books.refunds.values()],
        "nets": {code: books.net(code) for code in sorted(books.accounts) if books.net(code)},
        "day": [(day["count"], day["received"], day["refunded"]) for day in books.days],
        "told": {kind: kinds[kind] for kind in ("payment.success", "refund.requested", "refund.success")},
        "queued": world.jobs(),
    }


@contextmanager
def _broken(fault: Fault | None) -> Iterator[None]:
    """The first transaction from here on breaks off, before its commit or after it."""
    if fault not in (Fault.CUT, Fault.LOST):
        yield
        return
    armed = [fault]

    def breaking(done: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            now = armed.pop() if armed else None
            if now is Fault.CUT:
                raise OperationalError("cut", None, ConnectionError())
            answer = done(*arguments)
            if now is Fault.LOST:
                raise OperationalError("lost", None, ConnectionError())
            return answer

        return call

    with (
        mock.patch.object(PGDialect_psycopg, "do_commit", breaking(PGDialect_psycopg.do_commit)),
        mock.patch.object(Database, "at_once", breaking(Database.at_once)),
    ):
        yield


def edges(orders: Sequence[Order]) -> Iterator[tuple[Order, int, Fault]]:
    """Each order with each fault on each of its edges."""
    for order in orders:
        for place in range(len(order)):
            for fault in Fault:
                yield order, place, fault
