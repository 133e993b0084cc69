"""Money: whole fen, never a float. Yuan exists only at the edges (forms, pages, the wallets' bills)."""

import re
from decimal import Decimal

from portal.values.errors import InvalidAmount

FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
# The widest amount one order may carry: the wallets refuse more than eight digits of yuan.
MAX_ORDER_FEN = 9_999_999_99

# Commas only where thousands end: whoever writes a decimal comma ("12,50") must not pay a hundred times as much.
_YUAN = re.compile(r"(?P<yuan>[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.(?P<fraction>[0-9]{0,12}))?")
# A Chinese keyboard's full-width signs. Nothing wider (NFKC would read "5²" as 52).
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFFE5: "¥", 0x3000: " "}


class Fen(int):
    """A whole number of fen (1 yuan = 100 fen). Refuses floats, booleans and fractions."""

    def __new__(cls, value: int) -> "Fen":
        """Wrap a whole number. Raises InvalidAmount for anything that is not an int."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidAmount("not_whole")
        return super().__new__(cls, value)

    def __add__(self, other: int) -> "Fen":
        return Fen(int(self) + _whole(other))

    def __sub__(self, other: int) -> "Fen":
        return Fen(int(self) - _whole(other))

    def __neg__(self) -> "Fen":
        return Fen(-int(self))

    @property
    def yuan(self) -> Decimal:
        """The same amount in yuan, with exactly two decimals."""
        return Decimal(int(self)).scaleb(-2)


def _whole(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount("not_whole")
    return int(value)


def parse_yuan(text: str, *, most: int = MAX_ORDER_FEN) -> Fen:
    """Read what a person typed as yuan (full-width digits and ¥ are understood) into fen.

    Raises InvalidAmount with reason `missing`, `not_a_number`, `too_precise`, `zero` or `too_large`.
    """
    plain = (text or "").translate(_FULL_WIDTH).strip().removeprefix("¥").removesuffix("元").strip()
    if not plain:
        raise InvalidAmount("missing")
    match = _YUAN.fullmatch(plain)
    if match is None:
        raise InvalidAmount("not_a_number")
    fraction = (match["fraction"] or "").ljust(2, "0")
    if fraction[2:].strip("0"):
        raise InvalidAmount("too_precise")
    fen = int(match["yuan"].replace(",", "")) * FEN_PER_YUAN + int(fraction[:2])
    if fen == 0:
        raise InvalidAmount("zero")
    if fen > most:
        raise InvalidAmount("too_large")
    return Fen(fen)


def share(amount: int, part: int, whole: int) -> Fen:
    """`amount × part ÷ whole` in fen, rounded half up (the wallets' pro-rata rule for coupons and fees).

    Exact for numbers of any size. Raises InvalidAmount for a negative number or nothing to divide by.
    Source: WeChat Pay partner documentation 4013080625 (refund of discounted orders).
    """
    if whole <= 0 or amount < 0 or part < 0:
        raise InvalidAmount("not_whole")
    return Fen((2 * _whole(amount) * _whole(part) + _whole(whole)) // (2 * whole))


def fee_of(amount: int, rate_bp: int) -> Fen:
    """The acquirer's fee in fen on `amount` fen at `rate_bp` basis points (38 = 0.38 %), rounded half up."""
    return share(amount, rate_bp, BASIS_POINTS)
