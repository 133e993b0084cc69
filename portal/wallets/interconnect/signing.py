"""HMAC-SHA256 over the raw bytes, with a time and a nonce. See docs/interconnect.md."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

FRESH_SECONDS = 300
_HEADERS = ("key-id", "timestamp", "nonce", "signature")


class BadSignature(Exception):
    """These bytes were not signed by somebody who has a key, or too long ago. `reason` is a NoticeRejected reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check(keys: Mapping[str, bytes], headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Make sure that a key's owner signed these bytes less than five minutes ago.

    Raises BadSignature (`headers`, `unknown_key`, `stale`, `signature`).
    """
    given = {name.lower(): value for name, value in headers.items()}
    key_id, timestamp, nonce, signature = (given.get(f"interconnect-{name}", "") for name in _HEADERS)
    if not (key_id and nonce and signature and timestamp.isascii() and timestamp.isdigit()):
        raise BadSignature("headers")
    if key_id not in keys:
        raise BadSignature("unknown_key")
    if len(timestamp) > 12 or abs(now.timestamp() - int(timestamp)) > FRESH_SECONDS:
        raise BadSignature("stale")
    text = f"{timestamp}\n{nonce}\n".encode("utf-8", "replace") + body + b"\n"
    if not hmac.compare_digest(_signature(keys[key_id], text), signature.encode("utf-8", "replace")):
        raise BadSignature("signature")


def request_headers(key_id: str, key: bytes, *, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a request. `path` carries the query exactly as sent, and the gateway's own path too."""
    timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
    text = f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    signature = _signature(key, text).decode("ascii")
    values = (key_id, timestamp, nonce, signature)
    return {f"Interconnect-{name.title()}": value for name, value in zip(_HEADERS, values, strict=True)}


def _signature(key: bytes, text: bytes) -> bytes:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest())
