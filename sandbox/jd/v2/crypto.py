"""The seals of JD Pay V2.0: 3DES in ECB mode with a length in front, hex, base64; RSA over a digest in hex.

The signature is the bare RSA private-key operation with PKCS#1 v1.5 type-1 padding over the 64 letters of a lower-case
SHA-256 in hex, without the DigestInfo of a standard signature. Sources: JD's own Java demonstration (package
com.jd.jr.pay.demo, republished) and Javen205/IJPay.
"""

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from sandbox.jd.crypto import Unreadable

_BLOCK_BYTES = 8
_LENGTH_BYTES = 4


def seal_hex(plain: str, des_key: str) -> str:
    """A text as lower-case hex: how one field of a form travels."""
    data = plain.encode()
    framed = len(data).to_bytes(_LENGTH_BYTES, "big") + data
    worker = _cipher(des_key).encryptor()
    return (worker.update(framed + bytes(-len(framed) % _BLOCK_BYTES)) + worker.finalize()).hex()


def unseal_hex(text: str, des_key: str) -> str:
    """The text inside. Raises Unreadable unless everything about it is in order."""
    try:
        blocks = binascii.unhexlify(text)
    except ValueError as problem:
        raise Unreadable("not hex") from problem
    if not blocks or len(blocks) % _BLOCK_BYTES or text != text.lower():
        raise Unreadable("not whole blocks")
    worker = _cipher(des_key).decryptor()
    framed = worker.update(blocks) + worker.finalize()
    length = int.from_bytes(framed[:_LENGTH_BYTES], "big")
    plain, rest = framed[_LENGTH_BYTES : _LENGTH_BYTES + length], framed[_LENGTH_BYTES + length :]
    if len(plain) != length or len(rest) >= _BLOCK_BYTES or any(rest):
        raise Unreadable("length")
    try:
        return plain.decode()
    except UnicodeDecodeError as problem:
        raise Unreadable("not UTF-8") from problem


def seal(plain: str, des_key: str) -> str:
    """A whole message as it stands in `<encrypt>`: base64 of the hex text."""
    return base64.b64encode(seal_hex(plain, des_key).encode()).decode()


def unseal(text: str, des_key: str) -> str:
    """The message inside `<encrypt>`. Raises Unreadable."""
    try:
        hex_text = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except ValueError as problem:
        raise Unreadable("not base64") from problem
    return unseal_hex(hex_text, des_key)


def sign(text: str, private_pem: str) -> str:
    """The signature of a text, base64."""
    signature = _private(private_pem).sign(_digest(text), padding.PKCS1v15(), utils.NoDigestInfo())
    return base64.b64encode(signature).decode()


def signed(text: str, signature: str, public_pem: str) -> bool:
    """Whether the signature is that of this text."""
    try:
        found = _public(public_pem).recover_data_from_signature(
            base64.b64decode(signature, validate=True), padding.PKCS1v15(), None
        )
    except (InvalidSignature, ValueError):
        return False
    return hmac.compare_digest(found, _digest(text))


def md5(text: str) -> str:
    """Lower-case hex: what bills and the app's call carry."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).hexdigest().encode()


def _cipher(des_key: str) -> Cipher[modes.ECB]:
    return Cipher(TripleDES(base64.b64decode(des_key, validate=True)), modes.ECB())  # noqa: S305 - JD's wire


@lru_cache(maxsize=8)
def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


@lru_cache(maxsize=8)
def _public(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key
