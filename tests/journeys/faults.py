"""One fault after the other against the running product: arm it, live through it, say how it ended in one sentence."""

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from portal.values.day import business_date
from tests.journeys import ledger
from tests.journeys.owner import Owner
from tests.journeys.running import ROOT, Running

AMOUNT, REFUND = 1230, 200
INSTITUTIONS = {"wechat": "wechat", "jdpay": "jd"}
_CALL_FAULTS = ("refuse", "system_error", "accept_then_time_out", "never_answer", "bad_answer_signature")
_BOTH = frozenset(
    (
        *_CALL_FAULTS,
        "notify_never",
        "notify_twice",
        "notify_late",
        "notify_out_of_order",
        "notify_before_response",
        "notify_bad_signature",
        "notify_wrong_amount",
        "refund_closed",
        "not_enough",
    )
)
# Signature probes and refunds stuck half-way are WeChat Pay's alone.
NEEDED = {"wechat": _BOTH | {"notify_signtest", "refund_abnormal"}, "jdpay": _BOTH}
_DOCUMENT = ROOT / "docs" / "faults.md"
_ROW = re.compile(r"^\| (\w+) \| `(\w+)` (\w+) \| ([^|]*?) \| ([^|]*?) ?\|$")
_PATIENCE = 40.0
# How far the business clock jumps between two looks, so that nobody waits for a ladder's rungs.
_NUDGE_SECONDS = 20
_LOOK_SECONDS = 0.5
_LATEST_SECONDS = 660


@dataclass(frozen=True)
class Row:
    """One line of docs/faults.md."""

    acquirer: str
    fault: str
    about: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.acquirer}-{self.fault}-{self.about}"


def rows(document: Path = _DOCUMENT) -> list[Row]:
    """Every fault of the document, in its order."""
    found = (_ROW.match(line) for line in document.read_text(encoding="utf-8").splitlines())
    return [Row(*match.groups()) for match in found if match]


def live_through_all(running: Running, every: Sequence[Row]) -> dict[Row, str]:
    """How each row ended. The two institutions know nothing of each other, so their rows are lived side by side."""

    def one_wallet(acquirer: str) -> dict[Row, str]:
        stall = Stall(running, acquirer)
        return {row: stall.live_through(row) for row in every if row.acquirer == acquirer}

    with ThreadPoolExecutor(len(INSTITUTIONS)) as both:
        return {row: end for ends in both.map(one_wallet, INSTITUTIONS) for row, end in ends.items()}


class Stall:
    """The demonstration's first shop, its owner, and a phone in front of it; paid through one acquirer."""

    def __init__(self, running: Running, acquirer: str) -> None:
        self.running = running
        self.acquirer, self.institution = acquirer, INSTITUTIONS[acquirer]
        self._days: set[str] = set()
        shop = running.demo["shops"][0]
        self.merchant_id = int(shop["id"])
        self._code = f"{running.portal}/c/{shop['codes'][0]}"
        self._set(retry_speed=2000, refund_seconds=1, hold_seconds=5)

    def live_through(self, row: Row) -> str:
        """The sentence of docs/faults.md for what really happened."""
        self.begin()
        before = set(self._orders())
        if row.about in ("refund", "refund_query", "refund_notice"):
            number = self.paid_order()
            self._arm(row)
            # Signed in anew each time: the clock moves by hours in the course of all faults.
            Owner(self.running, self.running.login("owner")).refund(number, f"{REFUND / 100:.2f}")
        else:
            self._arm(row)
            if self._pay()["result"] != "paid":
                assert self._pay()["result"] == "paid"
        ended = self._settled(before, row)
        self._advance(_LATEST_SECONDS)  # what was late has come by now, and must change nothing
        time.sleep(_LOOK_SECONDS)
        again = self._sentence(before)
        if not self._hits():
            return f"{ended}; the fault hit nothing"
        return ended if again == ended else f"{ended}; and later {again}"

    def begin(self) -> None:
        """Nothing armed, and the institution's books are read from today on."""
        self._disarm()
        self._days = {self._today()}

    def _settled(self, before: set[str], row: Row) -> str:
        give_up = time.monotonic() + _PATIENCE
        while True:
            found = self._sentence(before)
            if (found == row.expected and self._hits()) or time.monotonic() > give_up:
                return found
            time.sleep(_LOOK_SECONDS)
            self._advance(_NUDGE_SECONDS)

    def _sentence(self, before: set[str]) -> str:
        orders = [number for number in self._orders() if number not in before]
        told = [", ".join(self._order_words(number) for number in orders)]
        refunds = ledger.rows(
            self.running,
            "SELECT state, amount FROM refunds WHERE merchant_id = %s AND payment_no = ANY(%s)",
            self.merchant_id,
            orders,
        )
        told += [f"refund {state} {amount / 100:.2f}" for state, amount in refunds]
        told += [f"suspense {amount / 100:.2f}" for (amount,) in self._suspense(orders)]
        mine, theirs = self.ledger_of(orders), self.books_of(orders)
        told.append("books agree" if mine == theirs else f"books differ: portal {mine}, institution {theirs}")
        return "; ".join(told)

    def _orders(self) -> list[str]:
        found = "SELECT payment_no FROM payments WHERE merchant_id = %s AND acquirer = %s ORDER BY created_at"
        return [number for (number,) in ledger.rows(self.running, found, self.merchant_id, self.acquirer)]

    def _order_words(self, number: str) -> str:
        ((state, amount, times),) = ledger.rows(
            self.running,
            "SELECT state, amount, (SELECT count(*) FROM transfers t WHERE t.merchant_id = p.merchant_id"
            " AND t.kind = 'payment' AND t.ref = p.payment_no) FROM payments p WHERE merchant_id = %s"
            " AND payment_no = %s",
            self.merchant_id,
            number,
        )
        if state == "success":
            return f"paid {amount / 100:.2f} {'once' if times == 1 else f'{times} times'}"
        return "unpaid"

    def _suspense(self, orders: list[str]) -> list[tuple[int]]:
        transactions = {entry["transaction_id"] for entry in self._entries(orders)}
        return [
            (amount,)
            for ref, amount in ledger.rows(
                self.running,
                "SELECT ref, amount FROM transfers WHERE merchant_id = %s AND kind = 'suspense'",
                self.merchant_id,
            )
            if ref.partition(":")[2] in transactions
        ]

    def ledger_of(self, orders: list[str]) -> tuple[int, int]:
        """Received and given back (or on its way back), in fen."""
        ((received,),) = ledger.rows(
            self.running,
            "SELECT coalesce(sum(amount), 0)::bigint FROM transfers WHERE merchant_id = %s AND kind = 'payment'"
            " AND ref = ANY(%s)",
            self.merchant_id,
            orders,
        )
        ((refunded,),) = ledger.rows(
            self.running,
            "SELECT coalesce(sum(refunded + refund_reserved), 0)::bigint FROM payments WHERE merchant_id = %s"
            " AND payment_no = ANY(%s)",
            self.merchant_id,
            orders,
        )
        return received, refunded

    def books_of(self, orders: list[str]) -> tuple[int, int]:
        entries = self._entries(orders)
        received = sum(entry["total"] for entry in entries if entry["kind"] == "payment")
        refunded = sum(entry["refund"] for entry in entries if entry["kind"] == "refund")
        return received, refunded

    def _entries(self, orders: list[str]) -> list[dict[str, Any]]:
        self._days.add(self._today())
        books = [self.running.books(day) for day in sorted(self._days)]
        every = (entry for day in books for name in ("wechat", "jd") for entry in day[name])
        return [entry for entry in every if entry["out_trade_no"] in orders]

    def paid_order(self) -> str:
        before = set(self._orders())
        assert self._pay()["result"] == "paid"
        (number,) = set(self._orders()) - before
        give_up = time.monotonic() + _PATIENCE
        while not self._order_words(number).startswith("paid"):
            assert time.monotonic() < give_up, "a payment without any fault was not booked"
            time.sleep(0.1)
        return number

    def _pay(self) -> dict[str, Any]:
        values = {"wallet": self.acquirer, "amount": str(AMOUNT), "text": self._code}
        return dict(requests.post(f"{self.running.sandbox}/phone/api/pay", data=values, timeout=60).json())

    def _arm(self, row: Row) -> None:
        wish: dict[str, object] = {"institution": self.institution, "name": row.fault}
        if row.fault in _CALL_FAULTS:
            wish["operation"] = row.about
        self.control("faults", wish)
        if row.about in ("query", "refund_query"):
            self.control("faults", {"institution": self.institution, "name": "notify_never"})

    def armed(self) -> list[int]:
        found = requests.get(f"{self.running.sandbox}/control/faults", timeout=10).json()["armed"]
        return [fault["id"] for fault in found if fault["institution"] == self.institution]

    def _disarm(self) -> None:
        for number in self.armed():
            requests.delete(f"{self.running.sandbox}/control/faults/{number}", timeout=10).raise_for_status()

    def _hits(self) -> bool:
        """Every fault armed for this row was used up, and nothing waits to be delivered."""
        outbox = requests.get(f"{self.running.sandbox}/control/outbox", timeout=10).json()
        waiting = [note for note in outbox if note["sender"] == self.institution and note["state"] == "waiting"]
        return not self.armed() and not waiting

    def _advance(self, seconds: int) -> None:
        self.control("clock", {"advance_seconds": seconds})

    def _today(self) -> str:
        """The Beijing day of the business clock."""
        told = requests.get(f"{self.running.sandbox}/control/clock", timeout=10).json()["now"]
        return business_date(datetime.fromisoformat(told)).isoformat()

    def _set(self, **settings: object) -> None:
        self.control("settings", settings)

    def control(self, what: str, wish: dict[str, object]) -> None:
        answer = requests.post(f"{self.running.sandbox}/control/{what}", json=wish, timeout=10)
        assert answer.ok, answer.text
