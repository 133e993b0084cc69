"""Everything the portal has written of one merchant, in one look, and what must hold of it at every moment."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

_LOOK = """
SELECT json_build_object(
    'payments', (SELECT json_agg(row_to_json(p)) FROM payments p WHERE merchant_id = %(m)s),
    'refunds', (SELECT json_agg(row_to_json(r)) FROM refunds r WHERE merchant_id = %(m)s),
    'transfers', (SELECT json_agg(row_to_json(t) ORDER BY transfer_id) FROM transfers t WHERE merchant_id = %(m)s),
    'accounts', (SELECT json_agg(row_to_json(a)) FROM accounts a WHERE merchant_id = %(m)s),
    'days', (SELECT json_agg(row_to_json(d)) FROM day_totals d WHERE merchant_id = %(m)s),
    'inbox', (SELECT json_agg(row_to_json(i)) FROM (
        SELECT notice_id, state, reason, about, subject, transaction_no
        FROM inbox_notices WHERE merchant_id = %(m)s) i),
    'events', (SELECT json_agg(row_to_json(e) ORDER BY e.seq) FROM (
        SELECT seq, kind, subject, facts FROM events WHERE merchant_id = %(m)s) e),
    'head', (SELECT seq FROM event_heads WHERE merchant_id = %(m)s)
)"""
# Written once more here, not read from the product: which steps a payment and a refund may ever have taken.
PAYMENT_STEPS = {
    "created": {"paying", "success", "closed", "failed"},
    "paying": {"success", "closed", "failed"},
    "success": set(),
    "closed": {"success"},
    "failed": {"success"},
}
_REFUND_ENDS = {"success", "abnormal", "closed"}
REFUND_STEPS = {
    "requested": {"pending_approval", "approved", "processing", "unknown", *_REFUND_ENDS},
    "pending_approval": {"approved", "declined"},
    "approved": {"processing", "unknown", *_REFUND_ENDS},
    "unknown": {"processing", *_REFUND_ENDS},
    "processing": _REFUND_ENDS,
    "abnormal": {"success", "closed", "processing"},
    "success": set(),
    # The wallet had said that it came to nothing, and then it arrived after all.
    "closed": {"success"},
    "declined": set(),
}
REFUND_OVER = {"success", "closed", "declined"}


@dataclass(frozen=True)
class Books:
    """One look."""

    payments: Mapping[str, Mapping[str, Any]]
    refunds: Mapping[str, Mapping[str, Any]]
    transfers: list[Mapping[str, Any]]
    accounts: Mapping[str, Mapping[str, Any]]
    days: list[Mapping[str, Any]]
    inbox: list[Mapping[str, Any]]
    events: list[Mapping[str, Any]]
    head: int

    @classmethod
    def of(cls, connection: psycopg.Connection, merchant_id: int) -> "Books":
        row = connection.execute(_LOOK, {"m": merchant_id}).fetchone()
        assert row is not None
        told: dict[str, Any] = row[0]
        return cls(
            payments={one["payment_no"]: one for one in told["payments"] or []},
            refunds={one["refund_no"]: one for one in told["refunds"] or []},
            transfers=told["transfers"] or [],
            accounts={one["code"]: one for one in told["accounts"] or []},
            days=told["days"] or [],
            inbox=told["inbox"] or [],
            events=told["events"] or [],
            head=told["head"] or 0,
        )

    def posted(self, *kinds: str) -> dict[str, int]:
        """Amounts in fen by reference, of transfers of these kinds. A reference stands once in each kind."""
        return {one["ref"]: one["amount"] for one in self.transfers if one["kind"] in kinds}

    def receipts(self) -> dict[str, Mapping[str, Any]]:
        """What is paid."""
        return {number: one for number, one in self.payments.items() if one["state"] == "success"}

    def net(self, code: str) -> int:
        """Debits minus credits, in fen."""
        account = self.accounts.get(code)
        return account["debits"] - account["credits"] if account else 0


def check(now: Books, before: Books | None) -> None:
    """What holds whatever the wallets do."""
    _ledger_is_the_sum_of_its_transfers(now)
    _receipts_are_booked_once(now)
    _refunds_stay_within(now)
    _refunds_are_booked_once(now)
    _days_are_sums(now)
    assert [event["seq"] for event in now.events] == list(range(1, now.head + 1)), "the feed has a gap"
    if before is not None:
        _only_forward(now, before)


def _ledger_is_the_sum_of_its_transfers(now: Books) -> None:
    summed: Counter[tuple[str, str]] = Counter()
    for one in now.transfers:
        assert one["amount"] > 0
        assert one["debit"] != one["credit"]
        summed[one["debit"], "debits"] += one["amount"]
        summed[one["credit"], "credits"] += one["amount"]
    kept = {(code, side): row[side] for code, row in now.accounts.items() for side in ("debits", "credits")}
    assert {place: amount for place, amount in kept.items() if amount} == dict(summed)
    assert len({(one["kind"], one["ref"]) for one in now.transfers}) == len(now.transfers)


def _receipts_are_booked_once(now: Books) -> None:
    receipts = now.receipts()
    owed = {number: one for number, one in receipts.items() if one["source"] != "interconnect"}
    assert now.posted("payment") == {number: one["amount"] for number, one in owed.items()}
    assert now.posted("fee") == {number: one["fee"] for number, one in owed.items() if one["fee"]}
    paid_by = [(one["acquirer"], one["transaction_no"]) for one in receipts.values()]
    assert len(set(paid_by)) == len(paid_by), "one transaction pays two orders"
    told = Counter(event["subject"] for event in now.events if event["kind"] == "payment.success")
    assert told == Counter(receipts.keys())
    for number, one in now.payments.items():
        if number not in receipts:
            assert (one["refunded"], one["refund_reserved"], one["transaction_no"]) == (0, 0, None)
            assert not [t for t in now.transfers if t["ref"] == number]


def _refunds_stay_within(now: Books) -> None:
    for number, one in now.payments.items():
        mine = [back for back in now.refunds.values() if back["payment_no"] == number and _of_receipt(back)]
        aside = sum(back["amount"] for back in mine if back["state"] not in REFUND_OVER)
        gone = sum(back["amount"] for back in mine if back["state"] == "success")
        assert (one["refund_reserved"], one["refunded"]) == (aside, gone)
        assert 0 <= aside + gone <= one["amount"]
        assert 0 <= one["fee_returned"] <= one["fee"]


def _refunds_are_booked_once(now: Books) -> None:
    """Taken from its owner once, given back to him once where it came to nothing, taken again where it came late."""
    amounts = {number: back["amount"] for number, back in now.refunds.items()}
    states = {number: back["state"] for number, back in now.refunds.items()}
    released, again = now.posted("refund_released"), now.posted("refund_rebooked")
    assert now.posted("refund_requested") == amounts
    assert now.posted("refund_arrived") == {n: amounts[n] for n, state in states.items() if state == "success"}
    assert {n for n in released if n not in again} == {n for n, s in states.items() if s in ("closed", "declined")}
    assert {**released, **again} == {n: amounts[n] for n in released}
    assert all(states[n] == "success" for n in again)
    in_flight = sum(amounts[n] for n, state in states.items() if state not in REFUND_OVER)
    flying = [code for code in now.accounts if code.startswith("refund_in_flight:")]
    assert -sum(now.net(code) for code in flying) == in_flight
    second = [(back["payment_no"], back["transaction_no"]) for back in now.refunds.values() if not _of_receipt(back)]
    assert len(set(second)) == len(second), "a second payment goes back twice"


def _days_are_sums(now: Books) -> None:
    received: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for one in now.receipts().values():
        received[one["business_date"]] += one["amount"]
        count[one["business_date"]] += 1
    days = {day["business_date"]: day for day in now.days}
    assert {day: row["received"] for day, row in days.items() if row["count"]} == dict(received)
    assert {day: row["count"] for day, row in days.items() if row["count"]} == dict(count)
    gone = sum(back["amount"] for back in now.refunds.values() if back["state"] == "success" and _of_receipt(back))
    assert sum(row["refunded"] for row in days.values()) == gone


def _only_forward(now: Books, before: Books) -> None:
    """Nothing disappears, and what has a state only takes steps it may take, however many at once."""
    assert now.transfers[: len(before.transfers)] == before.transfers
    assert now.events[: len(before.events)] == before.events
    for rows, earlier, steps in (
        (now.payments, before.payments, PAYMENT_STEPS),
        (now.refunds, before.refunds, REFUND_STEPS),
    ):
        for number, row in earlier.items():
            assert rows[number]["state"] in _reached(row["state"], steps), f"{number} went back"
            assert rows[number]["amount"] == row["amount"]


def _reached(state: str, steps: Mapping[str, set[str]]) -> set[str]:
    """Everything that can come of a state."""
    found, fresh = {state}, {state}
    while fresh:
        fresh = {then for one in fresh for then in steps[one]} - found
        found |= fresh
    return found


def _of_receipt(back: Mapping[str, Any]) -> bool:
    """Whether a refund gives a receipt's own money back, and not a second payment of its order."""
    return back["transaction_no"] is None
