"""Faults of bills: a payment, a night, and what the next morning's comparison makes of a bill that lies or is late."""

import time
from collections.abc import Sequence

import requests

from tests.journeys import ledger
from tests.journeys.faults import INSTITUTIONS, Row, Stall
from tests.journeys.running import Running

ABOUT = "bill"
_BOTH = frozenset(("bill_missing_line", "bill_changed_amount", "bill_duplicate_line", "bill_missing"))
# Only WeChat Pay's trade bill ends in sums of its own.
NEEDED = {"wechat": _BOTH | {"bill_wrong_summary"}, "jdpay": _BOTH}
_OF_THE_WHOLE = ("bill_missing", "bill_wrong_summary")
_PATIENCE = 60.0
_LOOK_SECONDS = 0.5
# A minute more than the portal rests before it asks again.
_HALF_AN_HOUR = 1860
_IN_VAIN = ("not_ready", "unreadable", "failed")


def live_through_all(running: Running, rows: Sequence[Row]) -> dict[Row, str]:
    """How each row ended. Both wallets share the night: their bills of one day are made and read in one morning."""
    stalls = {acquirer: Stall(running, acquirer) for acquirer in INSTITUTIONS}
    ends: dict[Row, str] = {}
    _to_the_next_morning(running)  # whatever the day before was like, its bills are not looked at here
    for fault in dict.fromkeys(row.fault for row in rows):
        nights = {row: Night(stalls[row.acquirer], fault) for row in rows if row.fault == fault}
        _to_the_next_morning(running)
        ends |= {row: night.seen_by(row.expected) for row, night in nights.items()}
    return ends


def _to_the_next_morning(running: Running) -> None:
    """What has to be done then, the portal does by itself."""
    requests.post(f"{running.sandbox}/control/clock", json={"to": "next_morning"}, timeout=10).raise_for_status()


class Night:
    """One payment of one wallet, and the bill about it."""

    def __init__(self, stall: Stall, fault: str) -> None:
        self._stall, self._fault = stall, fault
        stall.begin()
        self._number = stall.paid_order()
        found = "SELECT business_date FROM payments WHERE merchant_id = %s AND payment_no = %s"
        ((self._day,),) = ledger.rows(stall.running, found, stall.merchant_id, self._number)
        stall.control("faults", {"institution": stall.institution, "name": fault, "number": self._about()})

    def seen_by(self, expected: str) -> str:
        """How it stands once it stands as expected, or after a long time."""
        give_up = time.monotonic() + _PATIENCE
        asked_in_vain: set[object] = set()
        while (found := self._sentence()) != expected and time.monotonic() < give_up:
            time.sleep(_LOOK_SECONDS)
            _, answer, asked_at = self._bill()
            if answer in _IN_VAIN and asked_at not in asked_in_vain:
                asked_in_vain.add(asked_at)
                self._stall.control("clock", {"advance_seconds": _HALF_AN_HOUR})
        return found if not self._stall.armed() else f"{found}; the fault hit nothing"

    def _about(self) -> str:
        """What the fault is armed for, so that it hits this stall's bill: an order, a day, or JD's merchant."""
        if self._fault not in _OF_THE_WHOLE:
            return self._number
        return self._merchant_no() if self._stall.acquirer == "jdpay" else self._day.isoformat()

    def _merchant_no(self) -> str:
        return ledger.sub_merchants(self._stall.running, self._stall.merchant_id)[self._stall.acquirer]

    def _sentence(self) -> str:
        told = [f"bill {self._bill()[0]}", *self._differences()]
        mine, theirs = self._stall.ledger_of([self._number]), self._stall.books_of([self._number])
        told.append("books agree" if mine == theirs else f"books differ: portal {mine}, institution {theirs}")
        return "; ".join(told)

    def _bill(self) -> tuple[str, str, object]:
        """Its state, what the wallet answered, and when it was asked."""
        own = self._merchant_no() if self._stall.acquirer == "jdpay" else ""
        rows = ledger.rows(
            self._stall.running,
            "SELECT state, answer, asked_at FROM bill_batches WHERE acquirer = %s AND day = %s AND kind = 'trades'"
            " AND sub_merchant_no = %s",
            self._stall.acquirer,
            self._day,
            own,
        )
        return rows[0] if rows else ("awaiting_bill", "", None)  # type: ignore[return-value]

    def _differences(self) -> list[str]:
        """Those of the day that wait for a person: kind, the bill's amount and ours."""
        rows = ledger.rows(
            self._stall.running,
            "SELECT difference, bill_amount, our_amount FROM bill_items WHERE acquirer = %s AND day = %s"
            " AND state IN ('mismatched', 'local_only', 'channel_only', 'on_hold') AND kind = 'trades'"
            " AND merchant_id = %s ORDER BY difference, item_id",
            self._stall.acquirer,
            self._day,
            self._stall.merchant_id,
        )
        return [f"{kind} bill {_yuan(theirs)} ours {_yuan(ours)}" for kind, theirs, ours in rows]


def _yuan(fen: int | None) -> str:
    return "-" if fen is None else f"{fen / 100:.2f}"
