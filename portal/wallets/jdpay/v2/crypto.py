"""The seals of JD Pay V2.0: a signature over a hexadecimal digest, and 3DES with the length in front.

The signature is PKCS#1 v1.5 padding around the 64 ASCII characters of a SHA-256, without the DigestInfo that every
standard signature carries. Sources: JD's own Java demo (package com.jd.jr.pay.demo, republished many times) and the
public implementers Javen205/IJPay and essensoft/paylink, which agree with it.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from portal.wallets.jdpay.crypto import BadKey, opened_with_length, seal_with_length
from portal.wallets.wire import UnreadableMessage

# These travel as they are in a browser's form; everything else is sealed.
OPEN_FIELDS = frozenset({"version", "merchant", "sign"})
_KEYS_KEPT = 256
# Hexadecimal digits alone: no signature in base64 looks like this.
_SEALED = re.compile(r"(?:[0-9a-f]{16})+")


def sign(text: bytes, private_key: str) -> str:
    """The signature of these bytes, base64. Raises BadKey."""
    return base64.b64encode(_private(private_key).sign(_digest(text), PKCS1v15(), NoDigestInfo())).decode()


def signed_by(text: bytes, signature: str, public_key: str) -> bool:
    """Whether `signature` is that of exactly these bytes. Raises BadKey for a key that is none."""
    key = _public(public_key)
    try:
        signed = key.recover_data_from_signature(base64.b64decode(signature, validate=True), PKCS1v15(), None)
    except (ValueError, InvalidSignature):
        return False
    return hmac.compare_digest(signed, _digest(text))


def seal(text: bytes, des_key: str) -> str:
    """The text in 3DES with its length in front, as hexadecimal digits, and those in base64: `encrypt` of a message."""
    return base64.b64encode(seal_with_length(text, des_key).encode()).decode()


def opened(encrypt: str, des_key: str) -> bytes:
    """The bytes inside `encrypt`, untouched. Raises UnreadableMessage, and BadKey."""
    try:
        return opened_with_length(base64.b64decode(encrypt, validate=True).decode("ascii"), des_key)
    except BadKey:
        raise
    except (ValueError, binascii.Error) as error:
        raise UnreadableMessage("encrypt") from error


def sealed_form(fields: Mapping[str, str], *, private_key: str, des_key: str) -> dict[str, str]:
    """What a browser posts to JD's cashier: signed in the clear, then each field sealed alone (hexadecimal digits)."""
    filled = {name: value for name, value in fields.items() if value}
    signature = sign(form_text(filled), private_key)
    sealed = {
        name: value if name in OPEN_FIELDS else seal_with_length(value.encode(), des_key)
        for name, value in filled.items()
    }
    return {**sealed, "sign": signature}


def opened_form(fields: Mapping[str, str], *, public_key: str, des_key: str) -> dict[str, str]:
    """The fields a browser brought back from JD's cashier, their signature proved. Raises UnreadableMessage, BadKey.

    UNCONFIRMED: whether `sign` comes sealed as well. JD's demonstration reads it in the clear, one implementer opens it
    like the rest; both are taken.
    """
    try:
        plain = {
            name: value
            if name in OPEN_FIELDS and not (name == "sign" and _SEALED.fullmatch(value))
            else opened_with_length(value, des_key).decode("utf-8")
            for name, value in fields.items()
            if value
        }
    except UnicodeDecodeError as error:
        raise UnreadableMessage("not UTF-8") from error
    if not signed_by(form_text(plain), plain.get("sign", ""), public_key):
        raise UnreadableMessage("sign")
    return plain


def form_text(fields: Mapping[str, str]) -> bytes:
    """What the signature of a form covers: `k=v&k=v` of the filled fields in the order of their names, `sign` apart."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name]).encode()


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode("ascii")


@lru_cache(maxsize=_KEYS_KEPT)
def _private(text: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.encode(), None) if "-----" in text else load_der_private_key(_bare(text), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("no private RSA key") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("no private RSA key")
    return key


@lru_cache(maxsize=_KEYS_KEPT)
def _public(text: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(text.encode()) if "-----" in text else load_der_public_key(_bare(text))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("no public RSA key") from error
    if not isinstance(key, RSAPublicKey):
        raise BadKey("no public RSA key")
    return key


def _bare(text: str) -> bytes:
    """JD hands keys out as bare base64, without the lines of a PEM."""
    return base64.b64decode("".join(text.split()), validate=True)
