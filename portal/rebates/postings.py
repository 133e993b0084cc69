"""What a rebate does to the ledger: the provider's own money, never the merchant's takings."""

from datetime import date

from portal.ledger.rules import REBATE_EXPENSE, REBATE_PAYABLE, Move


def accrued(*, payment_no: str, amount: int, day: date) -> list[Move]:
    """The provider owes the merchant `amount` fen more."""
    return [Move("rebate", payment_no, REBATE_EXPENSE, REBATE_PAYABLE, amount, day)]


def clawed_back(*, refund_no: str, amount: int, day: date) -> list[Move]:
    """A refund takes `amount` fen of it back."""
    return [Move("rebate_clawback", refund_no, REBATE_PAYABLE, REBATE_EXPENSE, amount, day)]
