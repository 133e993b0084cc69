"""How a difference may end, what would be booked for it, and the digest that two people agree on."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.payments.rules import State as Payment
from portal.reconciliation.agreeing import FEE_BOOKED, MOVES_HERE, MOVES_THERE, LineSort
from portal.reconciliation.rules import UNSETTLED, Difference, ItemState
from portal.refunds.rules import Fact as RefundFact
from portal.refunds.rules import State as Refund
from portal.refunds.rules import after as refund_after


class Way(StrEnum):
    """What staff may do about a difference. The last two book money and need a second person."""

    HOLD = "hold"
    IGNORE = "ignore"
    ACCEPT = "accept"
    REPOST = "repost"


MONEY = frozenset({Way.ACCEPT, Way.REPOST})


class Booking(StrEnum):
    """How what was agreed to is booked.

    `order`: our order is paid. `born`: a payment that had no order. `refund`: what became of our refund.
    `transfers`: correcting transfers, where payments and refunds as they stand cannot say it.
    """

    ORDER = "order"
    BORN = "born"
    REFUND = "refund"
    TRANSFERS = "transfers"


@dataclass(frozen=True)
class Side:
    """A difference as the ways see it. Amounts are signed fen, absent where that side has nothing."""

    sort: LineSort
    difference: Difference
    state: ItemState
    has_merchant: bool
    bill_state: str
    our_state: str
    bill_amount: int | None
    our_amount: int | None
    bill_fee: int | None
    our_fee: int | None


_UNPAID = frozenset({Payment.CREATED, Payment.PAYING, Payment.CLOSED, Payment.FAILED})
# A bill's word on a refund, as a fact of the refund's own table.
_REFUND_FACTS = {
    "success": RefundFact.ARRIVED,
    "closed": RefundFact.CAME_TO_NOTHING,
    "failed": RefundFact.CAME_TO_NOTHING,
    "abnormal": RefundFact.STUCK,
}


def ways(side: Side) -> tuple[Way, ...]:
    """What may be done, the likeliest first.

    Asking again makes sense where the wallet may know more than we. A line that is there twice is the bill's own
    mistake: no money is booked for it.
    """
    if side.state not in UNSETTLED:
        return ()
    plain = (Way.HOLD, Way.IGNORE)
    if not side.has_merchant or side.difference is Difference.DUPLICATE:
        return plain
    asks = side.difference is Difference.STATUS or (
        side.difference is Difference.CHANNEL_ONLY and side.sort is LineSort.PAYMENT
    )
    first = (Way.REPOST,) if asks else ()
    return (*first, Way.HOLD, *((Way.ACCEPT,) if booking(side) is not None else ()), Way.IGNORE)


def booking(side: Side) -> Booking | None:
    """How the bill's word would be booked; None where there is nothing to book."""
    if side.difference is Difference.CHANNEL_ONLY and side.sort is LineSort.PAYMENT:
        return Booking.BORN
    if side.difference is Difference.STATUS:
        paid_there = side.bill_state == "success"
        if side.sort is LineSort.PAYMENT and paid_there and side.our_state in _UNPAID:
            return Booking.ORDER
        fact = _REFUND_FACTS.get(side.bill_state)
        known = side.sort is LineSort.REFUND and side.our_state in set(Refund)
        same = fact is not RefundFact.ARRIVED or side.bill_amount == side.our_amount
        if fact is not None and known and same and refund_after(Refund(side.our_state), fact) is not None:
            return Booking.REFUND
    return Booking.TRANSFERS if missing(side) != (0, 0) else None


def missing(side: Side) -> tuple[int, int]:
    """What our books lack to say the same as the bill, in signed fen: of the amount, of the fee.

    The fee of a refund that is under way here comes back when it arrives, so until then none is missing.
    """
    amount = (side.bill_amount or 0) - (side.our_amount or 0)
    coming = side.our_state in MOVES_HERE[side.sort] - FEE_BOOKED[side.sort]
    there = (side.bill_fee or 0) if side.bill_state in MOVES_THERE[side.sort] else 0
    fee = 0 if coming else there - (side.our_fee or 0)
    return (0 if side.difference is Difference.FEE else amount), fee


def digest(payload: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of all that would be booked, in hex."""
    body = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()
