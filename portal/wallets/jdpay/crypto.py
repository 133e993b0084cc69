"""JD's seals: 3DES in ECB mode and MD5. Old and weak, but it is what the wire demands; TLS carries the real protection.

Aggregate pay (聚合支付 V3.0) pads with PKCS#5; the onboarding host writes a four-byte length in front and zeros behind.
JD publishes no description. Sources: the public implementers 0-return/WYS-PAY-PLAT (2018), BaronBai/allpayments (2019)
and Javen205/IJPay, which agree with one another.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

from portal.wallets.wire import UnreadableMessage, read_object, write_object

_BLOCK_BYTES = 8
_KEY_BYTES = 24
_LENGTH_BYTES = 4


class BadKey(ValueError):
    """A stored key is not base64 of 24 bytes."""


def seal(fields: Mapping[str, Any], des_key: str) -> str:
    """The fields as compact JSON with sorted names, padded with PKCS#5, encrypted; lower-case hex."""
    padder = PKCS7(_BLOCK_BYTES * 8).padder()
    return _encrypted(des_key, padder.update(write_object(fields, sort=True)) + padder.finalize()).hex()


def opened(cipher_json: str, des_key: str) -> dict[str, Any]:
    """The fields inside `cipherJson`; numbers stay as they were written. Raises UnreadableMessage."""
    unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
    try:
        plain = unpadder.update(_decrypted(des_key, cipher_json)) + unpadder.finalize()
    except ValueError as error:
        raise UnreadableMessage("the 3DES key does not open it") from error
    return read_object(plain, numbers_as_text=True)


def seal_with_length(text: bytes, des_key: str) -> str:
    """Four bytes of length (big endian), the text, zeros up to a whole block; encrypted, lower-case hex."""
    framed = len(text).to_bytes(_LENGTH_BYTES, "big") + text
    return _encrypted(des_key, framed + bytes(-len(framed) % _BLOCK_BYTES)).hex()


def opened_with_length(hex_text: str, des_key: str) -> bytes:
    """The text inside a length-prefixed seal. Raises UnreadableMessage."""
    try:
        framed = _decrypted(des_key, hex_text)
    except BadKey:
        raise
    except ValueError as error:
        raise UnreadableMessage("not sealed text") from error
    length = int.from_bytes(framed[:_LENGTH_BYTES], "big")
    text, rest = framed[_LENGTH_BYTES : _LENGTH_BYTES + length], framed[_LENGTH_BYTES + length :]
    if len(text) != length or len(rest) >= _BLOCK_BYTES or any(rest):
        raise UnreadableMessage("the length does not fit")
    return text


def sign(fields: Mapping[str, Any], md5_key: str) -> str:
    """MD5 over `k=v&k=v` of the filled plain fields, names sorted, with the key right behind; lower-case hex.

    Absent and empty fields and `sign` itself do not count; the number 0 does. Raises UnreadableMessage for a value
    that has no one way to be written.
    """
    filled = {name: _written(value) for name, value in fields.items() if name != "sign" and value not in (None, "")}
    return md5("&".join(f"{name}={filled[name]}" for name in sorted(filled)) + md5_key)


def signed_by(fields: Mapping[str, Any], md5_key: str, signature: object) -> bool:
    """Whether `signature` is that of `fields`; compared in constant time."""
    return isinstance(signature, str) and hmac.compare_digest(sign(fields, md5_key).encode(), signature.encode())


def md5(text: str) -> str:
    """Lower-case hex."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise UnreadableMessage("a field is neither text nor a whole number")


def _cipher(des_key: str) -> Cipher[modes.ECB]:
    try:
        key = base64.b64decode(des_key, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadKey("not base64") from error
    if len(key) != _KEY_BYTES:
        raise BadKey(f"{len(key)} bytes instead of {_KEY_BYTES}")
    return Cipher(TripleDES(key), modes.ECB())  # noqa: S305


def _encrypted(des_key: str, blocks: bytes) -> bytes:
    worker = _cipher(des_key).encryptor()
    return worker.update(blocks) + worker.finalize()


def _decrypted(des_key: str, hex_text: str) -> bytes:
    blocks = binascii.unhexlify(hex_text)
    if not blocks or len(blocks) % _BLOCK_BYTES:
        raise ValueError("not whole blocks")
    worker = _cipher(des_key).decryptor()
    return worker.update(blocks) + worker.finalize()
