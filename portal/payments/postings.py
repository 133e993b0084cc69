"""What a payment does to the ledger."""

from datetime import date

from portal.ledger.rules import MERCHANT_PAYABLE, SUSPENSE, Move, clearing, fee
from portal.suspense.postings import name_of


def received(*, payment_no: str, acquirer: str, amount: int, fee_amount: int, day: date) -> list[Move]:
    """The institution owes the merchant `amount` fen and keeps `fee_amount` fen of it."""
    moves = [Move("payment", payment_no, clearing(acquirer), MERCHANT_PAYABLE, amount, day)]
    if fee_amount:
        moves.append(Move("fee", payment_no, fee(acquirer), clearing(acquirer), fee_amount, day))
    return moves


def unexplained(*, acquirer: str, transaction_no: str, amount: int, day: date) -> Move:
    """Signed, real money that fits no order of ours: booked to suspense until somebody has looked."""
    return Move("suspense", name_of(acquirer, transaction_no), clearing(acquirer), SUSPENSE, amount, day)
