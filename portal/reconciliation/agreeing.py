"""What a bill and our own books may say of one number, and when they agree.

Amounts are whole fen and signed: a payment counts for the merchant, a refund against him.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from portal.payments.rules import State as Payment
from portal.reconciliation.rules import Difference
from portal.refunds.rules import State as Refund
from portal.wallets.bills import LineKind
from portal.wallets.port import Acquirer

NUMBER_MOST = 64


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
# States of ours in which the fee is booked: WeChat Pay lists the returned fee of a refund that is still under way, and
# we book it when the refund has arrived.
FEE_BOOKED: dict[LineSort, frozenset[str]] = {
    LineSort.PAYMENT: frozenset({Payment.SUCCESS}),
    LineSort.REFUND: frozenset({Refund.SUCCESS}),
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


def whole_fee(fee: Decimal) -> int:
    """A bill's fee in fen. WeChat Pay may write five decimals of a yuan and takes whole fen, half a fen going up."""
    return int(fee.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class There:
    """What a bill says of a number. `amount` is signed fen, nothing where no money moved; `fee` what it kept."""

    state: str
    amount: int
    fee: int = 0


@dataclass(frozen=True)
class Here:
    """What we say of it: its state, and what the ledger has booked, as signed fen.

    `corrected`: staff had transfers booked because of a bill. From then on the amounts decide, not the states.
    """

    state: str
    amount: int
    fee: int = 0
    corrected: bool = False


def difference(sort: LineSort, there: There | None, here: Here | None) -> Difference | None:
    """What is wrong between the two sides of one number; None where they agree. At least one side is given.

    A line without money needs no counterpart: an order that failed there was perhaps never written here.
    """
    if here is None:
        moved = there is not None and there.state in MOVES_THERE[sort]
        return Difference.CHANNEL_ONLY if moved else None
    if there is None:
        return None if here.corrected and here.amount == 0 else Difference.LOCAL_ONLY
    agreed = here.corrected and there.amount == here.amount
    if not agreed and here.state not in AGREES[sort].get(there.state, frozenset()):
        return Difference.STATUS
    both_move = there.state in MOVES_THERE[sort] and (here.corrected or here.state in MOVES_HERE[sort])
    if both_move and there.amount != here.amount:
        return Difference.AMOUNT
    has_fee = both_move and (here.corrected or here.state in FEE_BOOKED[sort])
    return Difference.FEE if has_fee and there.fee != here.fee else None
