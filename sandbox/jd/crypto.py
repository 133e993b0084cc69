"""The seals of JD's aggregate pay (聚合支付 V3.0) and of its onboarding host, as two public implementers write them.

Orders: 3DES in ECB mode with PKCS#5 padding over JSON text, lower-case hex; the signature is an MD5 over the plain
fields and a key. Onboarding: the older scheme with a four-byte length in front and zeros behind. Sources: the public
repositories 0-return/WYS-PAY-PLAT (2018) and BaronBai/allpayments (2019); JD publishes no specification of its own.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

_BLOCK_BYTES = 8
_LENGTH_BYTES = 4
_KEY_BYTES = 24


class Unreadable(ValueError):
    """The text was not sealed with this key, or it is not what was agreed inside."""


def seal(fields: Mapping[str, Any], des_key: str) -> str:
    """Fields as compact JSON with sorted keys, encrypted with PKCS#5 padding; lower-case hex."""
    padder = PKCS7(_BLOCK_BYTES * 8).padder()
    padded = padder.update(json_text(fields)) + padder.finalize()
    return _cipher(des_key, padded, encrypt=True).hex()


def unseal(hex_text: str, des_key: str) -> dict[str, Any]:
    """The fields inside `cipherJson`. Raises Unreadable."""
    plain = _cipher(des_key, _bytes_of(hex_text), encrypt=False)
    unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
    try:
        return _json_object(unpadder.update(plain) + unpadder.finalize())
    except ValueError as problem:
        raise Unreadable("padding") from problem


def seal_with_length(plain: bytes, des_key: str) -> str:
    """Four bytes of length (big endian), the text, zeros up to a whole block; encrypted, lower-case hex."""
    framed = len(plain).to_bytes(_LENGTH_BYTES, "big") + plain
    return _cipher(des_key, framed + bytes(-len(framed) % _BLOCK_BYTES), encrypt=True).hex()


def unseal_with_length(hex_text: str, des_key: str) -> dict[str, Any]:
    """The fields inside an onboarding `entity`. Raises Unreadable."""
    framed = _cipher(des_key, _bytes_of(hex_text), encrypt=False)
    length = int.from_bytes(framed[:_LENGTH_BYTES], "big")
    plain, rest = framed[_LENGTH_BYTES : _LENGTH_BYTES + length], framed[_LENGTH_BYTES + length :]
    if len(plain) != length or len(rest) >= _BLOCK_BYTES or any(rest):
        raise Unreadable("length")
    return _json_object(plain)


def signature(fields: Mapping[str, Any], md5_key: str) -> str:
    """MD5 over `k=v&k=v` of the filled fields (sorted, without `sign`) with the key right behind; lower-case hex.

    Absent and empty fields do not count, the number 0 does.
    """
    filled = {name: value for name, value in fields.items() if name != "sign" and value is not None and value != ""}
    source = "&".join(f"{name}={_text_of(filled[name])}" for name in sorted(filled))
    return digest(source + md5_key)


def digest(text: str) -> str:
    """MD5 in lower-case hex: what JD demands here, and no more than a check sum to anybody else."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def json_text(fields: Mapping[str, Any]) -> bytes:
    """Compact JSON with sorted keys, Chinese as it is, UTF-8."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _text_of(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable("a field is neither text nor a whole number")
    return str(value)


def _cipher(des_key: str, data: bytes, *, encrypt: bool) -> bytes:
    key = base64.b64decode(des_key, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError(f"A 3DES key has {_KEY_BYTES} bytes, this one {len(key)}.")
    if not data or len(data) % _BLOCK_BYTES:
        raise Unreadable("not whole blocks")
    cipher = Cipher(TripleDES(key), modes.ECB())  # noqa: S305 - JD's wire demands ECB; the link itself is HTTPS
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return worker.update(data) + worker.finalize()


def _bytes_of(hex_text: str) -> bytes:
    try:
        return binascii.unhexlify(hex_text)
    except ValueError as problem:
        raise Unreadable("not hex") from problem


def _json_object(plain: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(plain)
    except ValueError as problem:
        raise Unreadable("not JSON") from problem
    if not isinstance(fields, dict):
        raise Unreadable("not a JSON object")
    return fields
