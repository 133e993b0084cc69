"""What a bill that is right does to the ledger: transfers that add to what was booked, never a change of it.

Both are mirrored on `clearing:<acquirer>`, which is what the institution owes. Amounts in fen.
"""

from dataclasses import dataclass

from portal.ledger.rules import MERCHANT_PAYABLE, clearing, fee

# Each kind with what it adds to and in which direction: more is owed to the merchant, less is, a fee grows, shrinks.
CORRECTIONS = {
    "bill_more": ("amount", 1),
    "bill_less": ("amount", -1),
    "bill_fee_more": ("fee", 1),
    "bill_fee_less": ("fee", -1),
}


@dataclass(frozen=True)
class Entry:
    """One transfer to be posted, without the day and the reference it gets: `amount` fen from `credit` to `debit`."""

    kind: str
    debit: str
    credit: str
    amount: int


def correcting(*, acquirer: str, amount: int, fee_amount: int) -> list[Entry]:
    """Let what is owed grow by `amount` and the fee by `fee_amount`, either of them negative to shrink."""
    owed, kept = clearing(acquirer), fee(acquirer)
    entries = []
    if amount > 0:
        entries.append(Entry("bill_more", owed, MERCHANT_PAYABLE, amount))
    elif amount < 0:
        entries.append(Entry("bill_less", MERCHANT_PAYABLE, owed, -amount))
    if fee_amount > 0:
        entries.append(Entry("bill_fee_more", kept, owed, fee_amount))
    elif fee_amount < 0:
        entries.append(Entry("bill_fee_less", owed, kept, -fee_amount))
    return entries
