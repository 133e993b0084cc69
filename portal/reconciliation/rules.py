"""What becomes of a bill and of a difference: the tables of their states."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class BatchState(StrEnum):
    """The life of one bill: of one day, one acquirer, and where each merchant has its own, one merchant.

    `not_reported`: the wallet does not give us this bill. It is neither balanced nor waited for.
    """

    AWAITING_BILL = "awaiting_bill"
    NOT_REPORTED = "not_reported"
    PARSED = "parsed"
    COMPARED = "compared"
    BALANCED = "balanced"
    UNBALANCED = "unbalanced"
    CLOSED = "closed"


class BatchFact(StrEnum):
    """What can happen to a bill. `withheld`: the wallet does not give it to us. `read`: to its very end, sums right."""

    WITHHELD = "withheld"
    READ = "read"
    COMPARED = "compared"
    NOTHING_OPEN = "nothing_open"
    SOMETHING_OPEN = "something_open"
    CLOSED = "closed"


_NOTHING: dict[BatchFact, BatchState | None] = dict.fromkeys(BatchFact)
# Complete over BatchState × BatchFact; None means the fact changes nothing. Whatever is not closed can be read again.
BATCHES: dict[BatchState, dict[BatchFact, BatchState | None]] = {
    BatchState.AWAITING_BILL: {
        **_NOTHING,
        BatchFact.WITHHELD: BatchState.NOT_REPORTED,
        BatchFact.READ: BatchState.PARSED,
    },
    BatchState.NOT_REPORTED: {**_NOTHING, BatchFact.READ: BatchState.PARSED, BatchFact.CLOSED: BatchState.CLOSED},
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
# What no longer keeps a day from being closed.
SETTLED = frozenset({BatchState.NOT_REPORTED, BatchState.BALANCED, BatchState.CLOSED})


class ItemState(StrEnum):
    """The life of one difference. `matched`: a later look found none.

    `resolved`: two of staff had it booked, or it was on hold and a later look found none.
    """

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    LOCAL_ONLY = "local_only"
    CHANNEL_ONLY = "channel_only"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class ItemFact(StrEnum):
    """What can happen to a difference. The first three are what a comparison saw; `due`: its hold is over."""

    MISMATCHES = "mismatches"
    ONLY_HERE = "only_here"
    ONLY_THERE = "only_there"
    AGREES = "agrees"
    HELD = "held"
    DUE = "due"
    IGNORED = "ignored"
    BOOKED = "booked"


_NO_NEWS: dict[ItemFact, ItemState | None] = dict.fromkeys(ItemFact)
_SEEN: dict[ItemFact, ItemState | None] = {
    ItemFact.MISMATCHES: ItemState.MISMATCHED,
    ItemFact.ONLY_HERE: ItemState.LOCAL_ONLY,
    ItemFact.ONLY_THERE: ItemState.CHANNEL_ONLY,
}
_BY_STAFF: dict[ItemFact, ItemState | None] = {
    ItemFact.HELD: ItemState.ON_HOLD,
    ItemFact.IGNORED: ItemState.IGNORED,
    ItemFact.BOOKED: ItemState.RESOLVED,
}
_OPEN: dict[ItemFact, ItemState | None] = {**_NO_NEWS, **_SEEN, **_BY_STAFF, ItemFact.AGREES: ItemState.MATCHED}
_OVER: dict[ItemFact, ItemState | None] = {**_NO_NEWS, **_SEEN}
# Complete over ItemState × ItemFact; None means the fact changes nothing.
ITEMS: dict[ItemState, dict[ItemFact, ItemState | None]] = {
    ItemState.MATCHED: _OVER,
    ItemState.MISMATCHED: {**_OPEN, ItemFact.MISMATCHES: None},
    ItemState.LOCAL_ONLY: {**_OPEN, ItemFact.ONLY_HERE: None},
    ItemState.CHANNEL_ONLY: {**_OPEN, ItemFact.ONLY_THERE: None},
    # At rest: that it is seen again is no news until its time is over; then the next look says which it is.
    ItemState.ON_HOLD: {
        **_NO_NEWS,
        **_BY_STAFF,
        ItemFact.HELD: None,
        ItemFact.DUE: ItemState.MISMATCHED,
        ItemFact.AGREES: ItemState.RESOLVED,
    },
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
    """What is wrong. `duplicate`: the bill has the number more than once; what is too much has nothing here.

    `fee`: both sides moved the same money, and the acquirer kept (or gave back) another fee than we booked.
    """

    AMOUNT = "amount"
    STATUS = "status"
    LOCAL_ONLY = "local_only"
    CHANNEL_ONLY = "channel_only"
    DUPLICATE = "duplicate"
    FEE = "fee"


FACT_OF: dict[Difference, ItemFact] = {
    Difference.AMOUNT: ItemFact.MISMATCHES,
    Difference.STATUS: ItemFact.MISMATCHES,
    Difference.LOCAL_ONLY: ItemFact.ONLY_HERE,
    Difference.CHANNEL_ONLY: ItemFact.ONLY_THERE,
    Difference.DUPLICATE: ItemFact.ONLY_THERE,
    Difference.FEE: ItemFact.MISMATCHES,
}


@dataclass(frozen=True)
class Amounts:
    """The two sides of a difference in fen, as they were written down or are seen now."""

    bill_amount: int | None
    our_amount: int | None
    bill_fee: int | None = None
    our_fee: int | None = None

    def alike(self, other: "Amounts", kind: Difference) -> bool:
        """Whether these are the same amounts; fees count where the difference is about them."""
        fees = kind is not Difference.FEE or (self.bill_fee, self.our_fee) == (other.bill_fee, other.our_fee)
        return fees and (self.bill_amount, self.our_amount) == (other.bill_amount, other.our_amount)


def seen_again(state: ItemState, kind: Difference, known: Amounts, found: Amounts) -> ItemState:
    """The state of a known difference that a comparison has found once more."""
    if state is ItemState.IGNORED and known.alike(found, kind):
        return state
    return item_after(state, FACT_OF[kind]) or state


def after_hold(kind: Difference) -> ItemState:
    """The state of a difference whose hold is over: open again, as what it was found to be."""
    due = item_after(ItemState.ON_HOLD, ItemFact.DUE) or ItemState.ON_HOLD
    return item_after(due, FACT_OF[kind]) or due


def verdict(open_items: int) -> BatchFact:
    """How a comparison ended."""
    return BatchFact.SOMETHING_OPEN if open_items else BatchFact.NOTHING_OPEN


def stage(states: Mapping[BatchState, int]) -> BatchState:
    """Where a day stands: at the least advanced of its bills, an unbalanced one before a balanced one.

    A bill that is not reported to us says nothing of a day that has others.
    """
    order = (
        BatchState.AWAITING_BILL,
        BatchState.PARSED,
        BatchState.COMPARED,
        BatchState.UNBALANCED,
        BatchState.BALANCED,
        BatchState.CLOSED,
        BatchState.NOT_REPORTED,
    )
    return next(state for state in order if states.get(state))
