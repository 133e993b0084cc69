"""What a refund does to the ledger. Amounts in fen.

`owner` is whose money it is until it has gone back: the merchant's, or nobody's yet (suspense) where an order was paid
a second time.
"""

from datetime import date

from portal.ledger.rules import MERCHANT_PAYABLE, SUSPENSE, Move, clearing, fee, refund_in_flight


def owner_of(transaction_no: str | None) -> str:
    """The account a refund is taken from: that of the payment, or of the second transaction it gives back."""
    return MERCHANT_PAYABLE if transaction_no is None else SUSPENSE


def requested(*, refund_no: str, acquirer: str, amount: int, day: date, owner: str = MERCHANT_PAYABLE) -> list[Move]:
    """Asked for: it no longer counts as the owner's, but the institution has not yet given it back."""
    return [Move("refund_requested", refund_no, owner, refund_in_flight(acquirer), amount, day)]


def arrived(*, refund_no: str, acquirer: str, amount: int, fee_back: int, day: date) -> list[Move]:
    """Given back by the institution, which returns its fee on the same part."""
    moves = [Move("refund_arrived", refund_no, refund_in_flight(acquirer), clearing(acquirer), amount, day)]
    if fee_back:
        moves.append(Move("fee_returned", refund_no, clearing(acquirer), fee(acquirer), fee_back, day))
    return moves


def released(*, refund_no: str, acquirer: str, amount: int, day: date, owner: str = MERCHANT_PAYABLE) -> list[Move]:
    """Came to nothing: the owner's again, by a new transfer."""
    return [Move("refund_released", refund_no, refund_in_flight(acquirer), owner, amount, day)]


def rebooked(*, refund_no: str, acquirer: str, amount: int, day: date, owner: str = MERCHANT_PAYABLE) -> list[Move]:
    """Came to nothing here and went back all the same: taken from its owner once more, by a new transfer."""
    return [Move("refund_rebooked", refund_no, owner, refund_in_flight(acquirer), amount, day)]
