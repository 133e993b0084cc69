"""What becomes of money in suspense, in the ledger. Amounts in fen."""

from datetime import date

from portal.ledger.rules import SUSPENSE, Move, clearing


def name_of(acquirer: str, transaction_no: str) -> str:
    """The business number under which a transaction's money lies in suspense, and leaves it once."""
    return f"{acquirer}:{transaction_no}"[:64]


def cleared(*, acquirer: str, transaction_no: str, amount: int, day: date) -> Move:
    """Out of suspense: its payment is booked by transfers of its own, or it was never there.

    All ways out share this kind, so the database lets one of them happen.
    """
    return Move("suspense_cleared", name_of(acquirer, transaction_no), SUSPENSE, clearing(acquirer), amount, day)
