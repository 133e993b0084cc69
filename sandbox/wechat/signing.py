"""The cryptography of WeChat Pay APIv3, written for the institution's side.

Sources: partner docs 4012365870 (request), 4013059017 (answer and notice), 4012082320 (AES-256-GCM), 4013059044
(sensitive fields: RSA-OAEP with SHA-1).
"""

import base64
import binascii
import re
import secrets
import time
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300
_PAIR = re.compile(r'(mchid|nonce_str|signature|timestamp|serial_no)="([^"]*)"')


@lru_cache(maxsize=8)
def _private(pem: str) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("An RSA key is needed.")
    return key


def request_text(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Five lines, each ended by one line feed. `path` is the path with the query exactly as sent."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Three lines over the raw body; an empty body leaves an empty third line."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def bridge_text(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """Four lines signed for the JSAPI bridge; `package` is `prepay_id=...`."""
    return f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()


def sign(private_pem: str, text: bytes) -> str:
    """base64 of RSASSA-PKCS1-v1_5 with SHA-256."""
    return base64.b64encode(_private(private_pem).sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(private_pem: str, text: bytes, signature: str) -> bool:
    """Whether `signature` was made with this key; only its public half is used."""
    try:
        raw = base64.b64decode(signature, validate=True)
        _private(private_pem).public_key().verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def signed_headers(private_pem: str, key_id: str, body: bytes) -> dict[str, str]:
    """The Wechatpay-* headers of an answer or a notice, made for this moment."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(private_pem, answer_text(timestamp, nonce, body)),
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature-Type": SCHEME,
    }


def read_authorization(header: str) -> dict[str, str] | None:
    """The five pairs of an Authorization header, None when it is malformed in any way."""
    scheme, blank, rest = header.partition(" ")
    if scheme != SCHEME or not blank:
        return None
    pairs: dict[str, str] = {}
    for piece in rest.split(","):
        match = _PAIR.fullmatch(piece.strip(" "))
        if match is None or match[1] in pairs:
            return None
        pairs[match[1]] = match[2]
    return pairs if len(pairs) == 5 else None


def encrypt_resource(apiv3_key: str, nonce: str, associated_data: str, plain: bytes) -> str:
    """base64 of AES-256-GCM (ciphertext, then tag)."""
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return base64.b64encode(sealed).decode()


def seal_field(private_pem: str, plain: str) -> str:
    """base64 of RSA-OAEP (SHA-1) for the owner of this private key; only its public half is used."""
    sha1 = hashes.SHA1()  # noqa: S303  prescribed by WeChat Pay
    oaep = padding.OAEP(mgf=padding.MGF1(sha1), algorithm=sha1, label=None)
    return base64.b64encode(_private(private_pem).public_key().encrypt(plain.encode(), oaep)).decode()


def open_field(private_pem: str, sealed: str) -> str:
    """The plain text of a sensitive field. Raises ValueError when it was not sealed with this key's public half."""
    raw = base64.b64decode(sealed, validate=True)
    sha1 = hashes.SHA1()  # noqa: S303  prescribed by WeChat Pay; OAEP does not rest on collision resistance
    oaep = padding.OAEP(mgf=padding.MGF1(sha1), algorithm=sha1, label=None)
    return _private(private_pem).decrypt(raw, oaep).decode("utf-8")
