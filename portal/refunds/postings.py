"""What a refund does to the ledger. Amounts in fen."""

from datetime import date

from portal.ledger.rules import MERCHANT_PAYABLE, Move, clearing, fee, refund_in_flight


def requested(*, refund_no: str, acquirer: str, amount: int, day: date) -> list[Move]:
    """Asked for: it no longer counts as the merchant's, but the institution has not yet given it back."""
    return [Move("refund_requested", refund_no, MERCHANT_PAYABLE, refund_in_flight(acquirer), amount, day)]


def arrived(*, refund_no: str, acquirer: str, amount: int, fee_back: int, day: date) -> list[Move]:
    """Given back by the institution, which returns its fee on the same part."""
    moves = [Move("refund_arrived", refund_no, refund_in_flight(acquirer), clearing(acquirer), amount, day)]
    if fee_back:
        moves.append(Move("fee_returned", refund_no, clearing(acquirer), fee(acquirer), fee_back, day))
    return moves


def released(*, refund_no: str, acquirer: str, amount: int, day: date) -> list[Move]:
    """Came to nothing: the merchant's again, by a new transfer."""
    return [Move("refund_released", refund_no, refund_in_flight(acquirer), MERCHANT_PAYABLE, amount, day)]
