"""Whose money a part of an order is: the payer's, JD's, or the merchant's own coupon. Refunds go back pro rata."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shares:
    """Three amounts in fen; together they are the order or the refund."""

    payer: int
    coupon: int
    merchant: int

    @property
    def total(self) -> int:
        return self.payer + self.coupon + self.merchant


def of_refund(amount: int, *, whole: Shares, back: Shares) -> Shares:
    """How a refund of `amount` fen is shared when `back` of `whole` has gone back before.

    The payer's share is rounded half a fen up; the last refund gives exactly what is left of each share, and no share
    ever gives back more than it gave.
    """
    left = Shares(whole.payer - back.payer, whole.coupon - back.coupon, whole.merchant - back.merchant)
    payer = _between(
        half_up(amount * whole.payer, whole.total), amount - left.coupon - left.merchant, min(left.payer, amount)
    )
    rest = amount - payer
    merchant = _between(half_up(amount * whole.merchant, whole.total), rest - left.coupon, min(left.merchant, rest))
    return Shares(payer, rest - merchant, merchant)


def half_up(dividend: int, divisor: int) -> int:
    """The quotient of two numbers >= 0, half a fen up."""
    return (2 * dividend + divisor) // (2 * divisor)


def _between(value: int, least: int, most: int) -> int:
    return min(max(value, least, 0), most)
