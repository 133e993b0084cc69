"""The chart of accounts and what a transfer is, as plain values.

Every account belongs to one merchant. The portal holds no money: `clearing:<acquirer>` mirrors what that institution
owes the merchant, and its bill is the judge.
"""

from dataclasses import dataclass
from datetime import date

MERCHANT_PAYABLE = "merchant_payable"
SUSPENSE = "suspense"
REBATE_EXPENSE = "rebate_expense"
REBATE_PAYABLE = "rebate_payable"


def clearing(acquirer: str) -> str:
    """What `acquirer` owes this merchant (grows by debits)."""
    return f"clearing:{acquirer}"


def fee(acquirer: str) -> str:
    """What `acquirer` has kept as its fee (grows by debits)."""
    return f"fee:{acquirer}"


def refund_in_flight(acquirer: str) -> str:
    """Asked of `acquirer` but not yet confirmed as refunded (grows by credits)."""
    return f"refund_in_flight:{acquirer}"


@dataclass(frozen=True)
class Move:
    """One transfer to post: `amount` fen from `credit` to `debit`, once for each `kind` and `ref`."""

    kind: str
    ref: str
    debit: str
    credit: str
    amount: int
    business_date: date

    def __post_init__(self) -> None:
        if self.amount <= 0 or self.debit == self.credit:
            raise ValueError(f"not a transfer: {self}")
