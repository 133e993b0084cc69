"""What a bill and our own books may say of one number, when they agree, and what becomes of a difference.

Amounts are whole fen and signed: a payment counts for the merchant, a refund against him.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from portal.payments.rules import State as Payment
from portal.refunds.rules import State as Refund
from portal.values.day import SHANGHAI, business_date, in_shanghai
from portal.wallets.bills import LineKind
from portal.wallets.port import Acquirer

# Bills are made in the morning and can be fetched from ten (WeChat Pay partner docs 4013080602). Five minutes' grace.
READY_AT = time(10, 5)
ASK_AGAIN = timedelta(minutes=30)
# WeChat Pay keeps bills for three months; what is still open after one is no longer a matter for a nightly job.
DAYS_BACK = 30
HOLD_DAYS = 7
NUMBER_MOST = 64


class BatchState(StrEnum):
    """The life of one bill: of one day, one acquirer, and where each merchant has its own, one merchant."""

    AWAITING_BILL = "awaiting_bill"
    PARSED = "parsed"
    COMPARED = "compared"
    BALANCED = "balanced"
    UNBALANCED = "unbalanced"
    CLOSED = "closed"


class BatchFact(StrEnum):
    """What can happen to a bill. `read`: to its very end, its own sums right."""

    READ = "read"
    COMPARED = "compared"
    NOTHING_OPEN = "nothing_open"
    SOMETHING_OPEN = "something_open"
    CLOSED = "closed"


_NOTHING: dict[BatchFact, BatchState | None] = dict.fromkeys(BatchFact)
# Complete over BatchState × BatchFact; None means the fact changes nothing. Whatever is not closed can be read again.
BATCHES: dict[BatchState, dict[BatchFact, BatchState | None]] = {
    BatchState.AWAITING_BILL: {**_NOTHING, BatchFact.READ: BatchState.PARSED},
    BatchState.PARSED: {**_NOTHING, BatchFact.COMPARED: BatchState.COMPARED},
    BatchState.COMPARED: {
        **_NOTHING,
        BatchFact.READ: BatchState.PARSED,
        BatchFact.NOTHING_OPEN: BatchState.BALANCED,
        BatchFact.SOMETHING_OPEN: BatchState.UNBALANCED,
    },
    BatchState.BALANCED: {
        **_NOTHING,
        BatchFact.READ: BatchState.PARSED,
        BatchFact.SOMETHING_OPEN: BatchState.UNBALANCED,
        BatchFact.CLOSED: BatchState.CLOSED,
    },
    BatchState.UNBALANCED: {
        **_NOTHING,
        BatchFact.READ: BatchState.PARSED,
        BatchFact.NOTHING_OPEN: BatchState.BALANCED,
    },
    BatchState.CLOSED: _NOTHING,
}


class ItemState(StrEnum):
    """The life of one difference. `matched`: a later look found none; what had been on hold is then `resolved`."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    LOCAL_ONLY = "local_only"
    CHANNEL_ONLY = "channel_only"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class ItemFact(StrEnum):
    """What can happen to a difference. The first three are what a comparison saw."""

    MISMATCHES = "mismatches"
    ONLY_HERE = "only_here"
    ONLY_THERE = "only_there"
    AGREES = "agrees"
    HELD = "held"
    IGNORED = "ignored"


_SEEN_AGAIN: dict[ItemFact, ItemState | None] = {
    ItemFact.MISMATCHES: ItemState.MISMATCHED,
    ItemFact.ONLY_HERE: ItemState.LOCAL_ONLY,
    ItemFact.ONLY_THERE: ItemState.CHANNEL_ONLY,
}
_SEEN: dict[ItemFact, ItemState | None] = dict.fromkeys(_SEEN_AGAIN)
_BY_STAFF: dict[ItemFact, ItemState | None] = {ItemFact.HELD: ItemState.ON_HOLD, ItemFact.IGNORED: ItemState.IGNORED}
_NOT_BY_STAFF: dict[ItemFact, ItemState | None] = dict.fromkeys(_BY_STAFF)
_OPEN: dict[ItemFact, ItemState | None] = {**_SEEN, **_BY_STAFF, ItemFact.AGREES: ItemState.MATCHED}
_OVER: dict[ItemFact, ItemState | None] = {**_SEEN_AGAIN, **_NOT_BY_STAFF, ItemFact.AGREES: None}
# Complete over ItemState × ItemFact; None means the fact changes nothing.
ITEMS: dict[ItemState, dict[ItemFact, ItemState | None]] = {
    ItemState.MATCHED: _OVER,
    ItemState.MISMATCHED: _OPEN,
    ItemState.LOCAL_ONLY: _OPEN,
    ItemState.CHANNEL_ONLY: _OPEN,
    ItemState.ON_HOLD: {**_OPEN, ItemFact.HELD: None, ItemFact.AGREES: ItemState.RESOLVED},
    ItemState.RESOLVED: _OVER,
    # Somebody looked at these very amounts. Seeing them again is no news; other amounts open it again.
    ItemState.IGNORED: _OVER,
}
# What keeps a day from being balanced.
UNSETTLED = frozenset({ItemState.MISMATCHED, ItemState.LOCAL_ONLY, ItemState.CHANNEL_ONLY, ItemState.ON_HOLD})


def batch_after(state: BatchState, fact: BatchFact) -> BatchState | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return BATCHES[state][fact]


def item_after(state: ItemState, fact: ItemFact) -> ItemState | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return ITEMS[state][fact]


class Difference(StrEnum):
    """What is wrong. `duplicate`: the bill has the number more than once; what is too much has nothing here."""

    AMOUNT = "amount"
    STATUS = "status"
    LOCAL_ONLY = "local_only"
    CHANNEL_ONLY = "channel_only"
    DUPLICATE = "duplicate"


FACT_OF: dict[Difference, ItemFact] = {
    Difference.AMOUNT: ItemFact.MISMATCHES,
    Difference.STATUS: ItemFact.MISMATCHES,
    Difference.LOCAL_ONLY: ItemFact.ONLY_HERE,
    Difference.CHANNEL_ONLY: ItemFact.ONLY_THERE,
    Difference.DUPLICATE: ItemFact.ONLY_THERE,
}


class LineSort(StrEnum):
    """A line either pays or gives back: a revocation is a refund by another name."""

    PAYMENT = "payment"
    REFUND = "refund"


def sort_of(kind: LineKind) -> LineSort:
    """The sort under which a line is looked up here."""
    return LineSort.PAYMENT if kind is LineKind.PAYMENT else LineSort.REFUND


_UNPAID = frozenset({Payment.CREATED, Payment.PAYING, Payment.CLOSED, Payment.FAILED})
_TAKEN = frozenset(
    {
        *(Refund.REQUESTED, Refund.APPROVED, Refund.PROCESSING, Refund.UNKNOWN),
        *(Refund.SUCCESS, Refund.ABNORMAL, Refund.CLOSED),
    }
)
# Which of our states agree with a word in a bill. A bill is a picture of the next morning: what was under way there may
# have ended since, but what had ended there must have ended here. A word that is not listed agrees with nothing.
AGREES: dict[LineSort, dict[str, frozenset[str]]] = {
    LineSort.PAYMENT: {
        "success": frozenset({Payment.SUCCESS}),
        "processing": _UNPAID | {Payment.SUCCESS},
        "failed": _UNPAID,
        "closed": _UNPAID,
    },
    LineSort.REFUND: {
        "success": frozenset({Refund.SUCCESS}),
        "processing": _TAKEN,
        "abnormal": frozenset({Refund.ABNORMAL, Refund.SUCCESS, Refund.CLOSED}),
        "failed": frozenset({Refund.CLOSED, Refund.ABNORMAL}),
        "closed": frozenset({Refund.CLOSED}),
    },
}
# Words of a bill, and states of ours, under which money has moved or is set aside.
MOVES_THERE: dict[LineSort, frozenset[str]] = {
    LineSort.PAYMENT: frozenset({"success"}),
    LineSort.REFUND: frozenset({"success", "processing", "abnormal"}),
}
MOVES_HERE: dict[LineSort, frozenset[str]] = {
    LineSort.PAYMENT: frozenset({Payment.SUCCESS}),
    LineSort.REFUND: _TAKEN - {Refund.CLOSED},
}
# What of ours a bill has to have. WeChat Pay lists a refund on the day it was taken, JD once the money went back.
DUE_HERE: dict[Acquirer, dict[LineSort, frozenset[str]]] = {
    Acquirer.WECHAT: {
        LineSort.PAYMENT: MOVES_HERE[LineSort.PAYMENT],
        LineSort.REFUND: frozenset({Refund.PROCESSING, Refund.SUCCESS, Refund.ABNORMAL}),
    },
    Acquirer.JDPAY: {
        LineSort.PAYMENT: MOVES_HERE[LineSort.PAYMENT],
        LineSort.REFUND: frozenset({Refund.SUCCESS}),
    },
}


@dataclass(frozen=True)
class There:
    """What a bill says of a number. `amount` is signed fen, nothing where no money moved."""

    state: str
    amount: int


@dataclass(frozen=True)
class Here:
    """What we say of it: its state, and what the ledger has booked, as signed fen."""

    state: str
    amount: int


def difference(sort: LineSort, there: There | None, here: Here | None) -> Difference | None:
    """What is wrong between the two sides of one number; None where they agree. At least one side is given.

    A line without money needs no counterpart: an order that failed there was perhaps never written here.
    """
    if there is None:
        return Difference.LOCAL_ONLY
    if here is None:
        return Difference.CHANNEL_ONLY if there.state in MOVES_THERE[sort] else None
    if here.state not in AGREES[sort].get(there.state, frozenset()):
        return Difference.STATUS
    both_move = there.state in MOVES_THERE[sort] and here.state in MOVES_HERE[sort]
    return Difference.AMOUNT if both_move and there.amount != here.amount else None


def newest_ready(moment: datetime) -> date:
    """The newest day whose bills can be fetched: yesterday from five past ten, before that the day before."""
    local = in_shanghai(moment)
    return local.date() - timedelta(days=1 if local.time() >= READY_AT else 2)


def next_run(moment: datetime, *, waiting: bool) -> datetime:
    """When to look again: in half an hour while the newest day's bills are not all there, else when new ones are."""
    local = in_shanghai(moment)
    today = datetime.combine(local.date(), READY_AT, SHANGHAI)
    tomorrow = datetime.combine(local.date() + timedelta(days=1), READY_AT, SHANGHAI)
    coming = today if local < today else tomorrow
    return min(local + ASK_AGAIN, coming) if waiting else coming


def hold_until(moment: datetime) -> date:
    """The last day on which a difference put on hold at `moment` may rest."""
    return business_date(moment) + timedelta(days=HOLD_DAYS)


@dataclass(frozen=True)
class Known:
    """A difference as it is written down."""

    state: ItemState
    bill_amount: int | None
    our_amount: int | None


def seen_again(known: Known, kind: Difference, bill_amount: int | None, our_amount: int | None) -> ItemState:
    """The state of a known difference that a comparison has found once more."""
    if known.state is ItemState.IGNORED and (known.bill_amount, known.our_amount) == (bill_amount, our_amount):
        return known.state
    return item_after(known.state, FACT_OF[kind]) or known.state


def verdict(open_items: int) -> BatchFact:
    """How a comparison ended."""
    return BatchFact.SOMETHING_OPEN if open_items else BatchFact.NOTHING_OPEN


def stage(states: Mapping[BatchState, int]) -> BatchState:
    """Where a day stands: at the least advanced of its bills, an unbalanced one before a balanced one."""
    order = (
        BatchState.AWAITING_BILL,
        BatchState.PARSED,
        BatchState.COMPARED,
        BatchState.UNBALANCED,
        BatchState.BALANCED,
        BatchState.CLOSED,
    )
    return next(state for state in order if states.get(state))
