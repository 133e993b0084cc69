"""WeChat Pay APIv3: signing what we send, verifying what we get, opening and closing envelopes.

Sources: partner docs 4012365870 (request signature), 4013059017 (verifying), 4012082320 (AES-256-GCM),
4013059044 (sensitive fields), 4014314390 (the key of a bill).
"""

import base64
import binascii
import secrets
from datetime import datetime

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
FRESH_SECONDS = 300
# The wire prescribes SHA-1 here (4013059044); inside OAEP no collision resistance is asked of it.
_OAEP = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303


class BadSignature(Exception):
    """What was signed is not what arrived, or it was signed by somebody else, or too long ago."""

    def __init__(self, reason: str, *, probe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.probe = probe


class CannotOpen(Exception):
    """An envelope that our APIv3 key does not open."""


def private_key_of(pem: str) -> RSAPrivateKey:
    """Read the merchant's API key. Raises ValueError."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def public_key_of(pem: str) -> RSAPublicKey:
    """Read WeChat Pay's public key. Raises ValueError."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def nonce() -> str:
    """32 random signs, fresh for every signature."""
    return secrets.token_hex(16).upper()


def sign_lines(key: RSAPrivateKey, *lines: bytes) -> str:
    """Base64 of RSA-SHA256 over the lines, each of them (the last too) ended by one line feed."""
    signed = key.sign(b"".join(line + b"\n" for line in lines), PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signed).decode("ascii")


def authorization(
    key: RSAPrivateKey, *, mchid: str, serial_no: str, method: str, path: str, signed_body: bytes, now: datetime
) -> str:
    """The Authorization header of a request. `path` carries the query exactly as sent."""
    stamp, once = str(int(now.timestamp())), nonce()
    signature = sign_lines(key, method.encode(), path.encode(), stamp.encode(), once.encode(), signed_body)
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{once}",signature="{signature}",'
        f'timestamp="{stamp}",serial_no="{serial_no}"'
    )


def verify(
    keys: dict[str, RSAPublicKey],
    *,
    timestamp: str,
    once: str,
    signature: str,
    serial: str,
    body: bytes,
    now: datetime,
) -> None:
    """Make sure that WeChat Pay signed exactly these bytes less than five minutes ago.

    Raises BadSignature with reason `probe`, `unknown_key`, `stale` or `signature`. Several keys may be alive at once
    while WeChat Pay changes its key; `serial` names the one that was used.
    """
    if signature.startswith(PROBE_PREFIX):
        raise BadSignature("probe", probe=True)
    if serial not in keys:
        raise BadSignature("unknown_key")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("stale")
    if abs(now.timestamp() - int(timestamp)) > FRESH_SECONDS:
        raise BadSignature("stale")
    try:
        message = f"{timestamp}\n{once}\n".encode() + body + b"\n"
        keys[serial].verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise BadSignature("signature") from error


def open_envelope(apiv3_key: bytes, *, once: str, associated_data: str, ciphertext: str) -> bytes:
    """Open the `resource` of a notice. Raises CannotOpen."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(apiv3_key).decrypt(once.encode(), sealed, associated_data.encode())
    except (InvalidTag, ValueError, OverflowError) as error:
        raise CannotOpen("the APIv3 key does not open it") from error


def open_key(key: RSAPrivateKey, sealed: str) -> bytes:
    """A key that WeChat Pay sealed for the merchant: base64, RSA-OAEP with SHA-1 (partner docs 4014314390).

    Raises CannotOpen.
    """
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), _OAEP)
    except (ValueError, binascii.Error) as error:
        raise CannotOpen("our private key does not open it") from error


def seal_field(key: RSAPublicKey, text: str) -> str:
    """A sensitive field for WeChat Pay's eyes only: RSA-OAEP with SHA-1, base64. At most 214 bytes with 2048 bits."""
    return base64.b64encode(key.encrypt(text.encode("utf-8"), _OAEP)).decode("ascii")
