"""Money: whole fen, never a float. Yuan exists only at the edges (forms, pages, the wallets' bills)."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

from portal.values.errors import InvalidAmount

FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
# The widest amount one order may carry: the wallets refuse more than eight digits of yuan.
MAX_ORDER_FEN = 9_999_999_99

_YUAN = re.compile(r"(?P<yuan>\d{1,12})(?:\.(?P<fraction>\d{0,12}))?")


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
    plain = unicodedata.normalize("NFKC", text or "").replace("¥", "").replace("元", "").replace(",", "").strip()
    if not plain:
        raise InvalidAmount("missing")
    match = _YUAN.fullmatch(plain)
    if match is None:
        raise InvalidAmount("not_a_number")
    fraction = (match["fraction"] or "").ljust(2, "0")
    if fraction[2:].strip("0"):
        raise InvalidAmount("too_precise")
    fen = int(match["yuan"]) * FEN_PER_YUAN + int(fraction[:2])
    if fen == 0:
        raise InvalidAmount("zero")
    if fen > most:
        raise InvalidAmount("too_large")
    return Fen(fen)


def share(amount: int, part: int, whole: int) -> Fen:
    """`amount × part ÷ whole` in fen, rounded half up (the wallets' pro-rata rule for coupons and fees).

    Source: WeChat Pay partner documentation 4013080625 (refund of discounted orders).
    """
    if whole <= 0:
        raise InvalidAmount("not_whole")
    return Fen(int((Decimal(amount) * part / whole).quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def fee_of(amount: int, rate_bp: int) -> Fen:
    """The acquirer's fee in fen on `amount` fen at `rate_bp` basis points (38 = 0.38 %), rounded half up."""
    return share(amount, rate_bp, BASIS_POINTS)
