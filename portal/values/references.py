"""Numbers we mint: orders, refunds, receipts and links that carry their merchant under a seal.

A notice or a link finds its merchant from the number alone, so no global table has to hold a row per payment.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from enum import StrEnum

from portal.values.errors import InvalidReference

# Crockford's base 32 without the letters people misread.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MERCHANT_BYTES = 5
_MOMENT_BYTES = 6
_RANDOM_BYTES = 2
_SEAL_BYTES = 5
_TOTAL_BYTES = _MERCHANT_BYTES + _MOMENT_BYTES + _RANDOM_BYTES + _SEAL_BYTES
REFERENCE_LENGTH = 1 + (_TOTAL_BYTES * 8 + 4) // 5

# Plate numbers: 31 signs (a prime, so the check character finds every single slip and every swap of neighbours).
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 9


class Kind(StrEnum):
    """First letter of a reference: what it names."""

    ORDER = "Y"
    REFUND = "R"
    SHARE_LINK = "S"
    TRANSFER = "T"


def mint(kind: Kind, merchant_id: int, *, key: bytes, now: datetime) -> str:
    """A new reference of 30 signs `[0-9A-Z]`, fit for WeChat's out_trade_no (6 to 32) and JD's outTradeNo."""
    moment = int(now.astimezone(UTC).timestamp() * 1000)
    body = (
        merchant_id.to_bytes(_MERCHANT_BYTES, "big")
        + moment.to_bytes(_MOMENT_BYTES, "big")
        + secrets.token_bytes(_RANDOM_BYTES)
    )
    return kind + _encode(body + _seal(kind, body, key))


def merchant_of(reference: str, *, kind: Kind, key: bytes) -> int:
    """The merchant a reference was minted for. Raises InvalidReference unless kind, shape and seal are right."""
    if len(reference) != REFERENCE_LENGTH or not reference.startswith(kind):
        raise InvalidReference("shape")
    raw = _decode(reference[1:])
    body, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(kind, body, key)):
        raise InvalidReference("seal")
    return int.from_bytes(body[:_MERCHANT_BYTES], "big")


def new_code() -> str:
    """A fresh plate number without hyphens: eight random signs and a check character."""
    stem = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH - 1))
    return stem + check_character(stem)


def read_code(text: str) -> str:
    """A plate number as typed or read out (hyphens, spaces, lower case) in its one canonical form.

    Raises InvalidReference when the length, an unknown sign or the check character is wrong.
    """
    plain = text.strip().upper().replace("-", "").replace(" ", "")
    if len(plain) != CODE_LENGTH or any(sign not in CODE_ALPHABET for sign in plain):
        raise InvalidReference("shape")
    if check_character(plain[:-1]) != plain[-1]:
        raise InvalidReference("check")
    return plain


def spoken_code(code: str) -> str:
    """`7KQ42MHD9` as it is printed and read out: `7KQ4-2MHD-9`."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def check_character(stem: str) -> str:
    """The ninth sign: weighted sum modulo 31."""
    total = sum((place + 2) * CODE_ALPHABET.index(sign) for place, sign in enumerate(stem))
    return CODE_ALPHABET[-total % len(CODE_ALPHABET)]


def _seal(kind: Kind, body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + body, hashlib.sha256)[:_SEAL_BYTES]


def _encode(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    signs = []
    for _ in range(REFERENCE_LENGTH - 1):
        number, digit = divmod(number, 32)
        signs.append(_ALPHABET[digit])
    return "".join(reversed(signs))


def _decode(text: str) -> bytes:
    number = 0
    for sign in text:
        digit = _ALPHABET.find(sign)
        if digit < 0:
            raise InvalidReference("shape")
        number = number * 32 + digit
    if number >= 1 << (_TOTAL_BYTES * 8):
        raise InvalidReference("shape")
    return number.to_bytes(_TOTAL_BYTES, "big")
