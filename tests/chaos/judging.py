"""The sandbox's books against the portal's ledger, payment by payment and fen by fen. Pure: it is handed both sides.

The institution is right by definition. What it booked and we did not is lost; what we booked twice, or without it, is
double; what went back beyond what came in is over-refunded; and the sums of each merchant must be the same fen.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ACQUIRERS = {"wechat": "wechat", "jd": "jdpay"}
_MERCHANT = {"wechat": "sub_mchid", "jd": "merchant_no"}
# A refund of WeChat's that is stuck: its books have taken the money off the merchant, nothing has arrived yet.
_STUCK = "ABNORMAL"


@dataclass(frozen=True)
class Theirs:
    """What the institutions believe: entries of `/control/books`, and the payments only the stand-in reports."""

    entries: Mapping[str, Sequence[Mapping[str, Any]]]
    reported: Mapping[str, int]
    # What the portal said yes to: (acquirer, kind, number) of every notice that counts as delivered.
    delivered: frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Ours:
    """What the portal's database says. Rows as dicts, amounts in fen."""

    payments: Sequence[Mapping[str, Any]]
    refunds: Sequence[Mapping[str, Any]]
    transfers: Sequence[Mapping[str, Any]]
    accounts: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    inbox: frozenset[tuple[str, str, str]]
    contracts: Mapping[tuple[str, str], int]


@dataclass
class Verdict:
    """All of it must be empty or zero. `words` says which ones, one line each."""

    lost: int = 0
    double: int = 0
    over_refunded: int = 0
    fen_off: int = 0
    forgotten: int = 0
    broken: int = 0
    words: list[str] = field(default_factory=list)
    payments: int = 0
    refunds: int = 0
    fen: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing at all differs."""
        return not (self.lost or self.double or self.over_refunded or self.fen_off or self.forgotten or self.broken)

    def note(self, what: str, words: str, count: int = 1) -> None:
        """One more of `what`."""
        setattr(self, what, getattr(self, what) + count)
        self.words.append(f"{what}: {words}")


def judge(theirs: Theirs, ours: Ours, *, shown_refunds: Iterable[str] = ()) -> Verdict:
    """Compare both sides. `shown_refunds` are numbers that the portal has shown to somebody."""
    verdict = Verdict()
    by_transaction = {(row["acquirer"], row["transaction_no"]): row for row in ours.payments if row["transaction_no"]}
    _judge_payments(verdict, theirs, ours, by_transaction)
    _judge_reported(verdict, theirs, ours)
    _judge_refunds(verdict, theirs, ours, by_transaction)
    _judge_sums(verdict, theirs, ours)
    _judge_ledger(verdict, ours)
    known = {row["refund_no"] for row in ours.refunds}
    for number in sorted(set(shown_refunds) - known):
        verdict.note("forgotten", f"refund {number} was shown to its owner and is not there")
    for acquirer, kind, number in sorted(theirs.delivered - ours.inbox):
        verdict.note("forgotten", f"{acquirer}'s {kind} notice {number} was accepted and is not in the inbox")
    return verdict


def _judge_payments(
    verdict: Verdict, theirs: Theirs, ours: Ours, by_transaction: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    booked = _by_ref(ours.transfers, "payment")
    seen = set()
    for institution, entries in theirs.entries.items():
        for entry in entries:
            if entry["kind"] != "payment":
                continue
            verdict.payments += 1
            verdict.fen += entry["total"]
            key = (ACQUIRERS[institution], entry["transaction_id"])
            row = by_transaction.get(key)
            if row is None or row["state"] != "success":
                verdict.note("lost", f"{institution} received {entry['total']} fen for {entry['out_trade_no']}")
                continue
            seen.add((row["merchant_id"], row["payment_no"]))
            amounts = booked.get((row["merchant_id"], row["payment_no"]), [])
            if not amounts:
                verdict.note("lost", f"{row['payment_no']} is paid and in no ledger")
            elif len(amounts) > 1:
                verdict.note("double", f"{row['payment_no']} was booked {len(amounts)} times")
            elif {amounts[0], row["amount"]} != {entry["total"]}:
                verdict.note(
                    "fen_off",
                    f"{row['payment_no']}: {amounts[0]} fen booked, {entry['total']} received",
                    abs(amounts[0] - entry["total"]) + abs(row["amount"] - entry["total"]),
                )
    named = Counter((row["acquirer"], row["transaction_no"]) for row in ours.payments if row["transaction_no"])
    for (acquirer, number), count in named.items():
        if count > 1:
            verdict.note("double", f"{acquirer}'s {number} is {count} payments")
    reported = {(row["merchant_id"], row["payment_no"]) for row in ours.payments if row["source"] == "interconnect"}
    for place in sorted(set(booked) - seen - reported):
        verdict.note("double", f"{place[1]} was booked, and nobody has received it")
    paid = {(row["merchant_id"], row["payment_no"]) for row in ours.payments if row["state"] == "success"}
    for place in sorted(paid - seen - reported):
        verdict.note("double", f"{place[1]} counts as paid, and nobody has received it")


def _judge_reported(verdict: Verdict, theirs: Theirs, ours: Ours) -> None:
    """Payments at codes under other contracts: told by the stand-in, kept, owed by nobody under ours."""
    kept = Counter(row["transaction_no"] for row in ours.payments if row["source"] == "interconnect")
    amounts = {row["transaction_no"]: row["amount"] for row in ours.payments if row["source"] == "interconnect"}
    verdict.payments += len(theirs.reported)
    verdict.fen += sum(theirs.reported.values())
    for number, amount in theirs.reported.items():
        if kept[number] != 1:
            what = "double" if kept[number] else "lost"
            verdict.note(what, f"the reported payment {number} is here {kept[number]} times")
        elif amounts[number] != amount:
            verdict.note("fen_off", f"the reported payment {number}", abs(amounts[number] - amount))
    for number in kept.keys() - theirs.reported.keys():
        verdict.note("double", f"{number} was reported by nobody")


def _judge_refunds(
    verdict: Verdict, theirs: Theirs, ours: Ours, by_transaction: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    rows = {row["refund_no"]: row for row in ours.refunds}
    arrived = _by_ref(ours.transfers, "refund_arrived")
    back: Counter[tuple[str, str]] = Counter()
    totals: dict[tuple[str, str], int] = {}
    given = set()
    for institution, entries in theirs.entries.items():
        for entry in entries:
            if entry["kind"] != "refund" or not entry["refund"]:
                continue
            verdict.refunds += 1
            verdict.fen += entry["refund"]
            place = (ACQUIRERS[institution], entry["transaction_id"])
            back[place] += entry["refund"]
            totals[place] = entry["total"]
            number = entry["out_refund_no"]
            given.add(number)
            row = rows.get(number)
            if row is None:
                verdict.note("lost", f"{institution} refunded {entry['refund']} fen under {number}, unknown here")
                continue
            amounts = arrived.get((row["merchant_id"], number), [])
            if entry["state"] == _STUCK:
                if row["state"] != "abnormal" or amounts:
                    verdict.note("broken", f"{number} is stuck there and {row['state']} here")
            elif len(amounts) != 1 or row["state"] != "success":
                what = "double" if len(amounts) > 1 else "lost"
                verdict.note(what, f"refund {number}: {row['state']}, booked {len(amounts)} times")
            elif {amounts[0], row["amount"]} != {entry["refund"]}:
                verdict.note("fen_off", f"refund {number}", abs(amounts[0] - entry["refund"]))
    for place, total in totals.items():
        if back[place] > total:
            verdict.note("over_refunded", f"{place[1]}: {back[place]} of {total} fen went back")
    for row in by_transaction.values():
        if row["refunded"] + row["refund_reserved"] > row["amount"]:
            verdict.note("over_refunded", f"{row['payment_no']} promises more than came in")
    for number, row in rows.items():
        if row["state"] == "success" and number not in given:
            verdict.note("double", f"refund {number} counts as given back, and nobody has")


def _judge_sums(verdict: Verdict, theirs: Theirs, ours: Ours) -> None:
    """Each merchant's sums at each institution, from its books and from our transfers."""
    stuck = {row["refund_no"] for row in ours.refunds if row["state"] == "abnormal"}
    books: Counter[tuple[str, int, str]] = Counter()
    for institution, entries in theirs.entries.items():
        acquirer = ACQUIRERS[institution]
        for entry in entries:
            owner = ours.contracts.get((acquirer, str(entry[_MERCHANT[institution]])))
            if owner is None:
                verdict.note("broken", f"{institution}'s merchant {entry[_MERCHANT[institution]]} is nobody's here")
                continue
            if entry["kind"] == "payment":
                books[acquirer, owner, "received"] += entry["total"]
                books[acquirer, owner, "fee"] += entry["fee"]
            elif entry["out_refund_no"] not in stuck:
                books[acquirer, owner, "refunded"] += entry["refund"]
                books[acquirer, owner, "fee"] -= entry["fee"]
    ledger: Counter[tuple[str, int, str]] = Counter()
    kinds = {
        "payment": ("received", 1),
        "fee": ("fee", 1),
        "refund_arrived": ("refunded", 1),
        "fee_returned": ("fee", -1),
    }
    for row in ours.transfers:
        clearing = next((side for side in (row["debit"], row["credit"]) if side.startswith("clearing:")), "")
        if clearing and row["kind"] in kinds:
            name, sign = kinds[row["kind"]]
            ledger[clearing.partition(":")[2], row["merchant_id"], name] += sign * row["amount"]
        elif clearing:
            verdict.note("broken", f"{row['amount']} fen moved over {clearing} as {row['kind']} {row['ref']}")
    for place in sorted(books.keys() | ledger.keys()):
        if books[place] != ledger[place]:
            words = f"{place[2]} of merchant {place[1]} at {place[0]}: {ledger[place]} here, {books[place]} there"
            verdict.note("fen_off", words, abs(books[place] - ledger[place]))


def _judge_ledger(verdict: Verdict, ours: Ours) -> None:
    """Cached sums are the transfers', every payment has told its one event, and the feed's numbers have no gap."""
    debits: Counter[tuple[int, str]] = Counter()
    credits: Counter[tuple[int, str]] = Counter()
    for row in ours.transfers:
        debits[row["merchant_id"], row["debit"]] += row["amount"]
        credits[row["merchant_id"], row["credit"]] += row["amount"]
    for row in ours.accounts:
        place = (row["merchant_id"], row["code"])
        if (row["debits"], row["credits"]) != (debits[place], credits[place]):
            verdict.note("broken", f"account {place[1]} of merchant {place[0]} is not the sum of its transfers")
    told = Counter((row["merchant_id"], row["subject"]) for row in ours.events if row["kind"] == "payment.success")
    for row in ours.payments:
        count = told[row["merchant_id"], row["payment_no"]]
        if count != (row["state"] == "success"):
            verdict.note("broken", f"{row['payment_no']} is {row['state']} and was told {count} times")
    numbers: dict[int, list[int]] = {}
    for row in ours.events:
        numbers.setdefault(row["merchant_id"], []).append(row["seq"])
    for merchant_id, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            verdict.note("broken", f"the feed of merchant {merchant_id} has gaps")


def _by_ref(transfers: Sequence[Mapping[str, Any]], kind: str) -> dict[tuple[int, str], list[int]]:
    found: dict[tuple[int, str], list[int]] = {}
    for row in transfers:
        if row["kind"] == kind:
            found.setdefault((row["merchant_id"], row["ref"]), []).append(row["amount"])
    return found
