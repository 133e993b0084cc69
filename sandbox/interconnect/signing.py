"""How the clearing institution and its members sign: HMAC-SHA256 over the raw bytes, with a time and a nonce.

A request's text has the lines method, path with query, time, nonce, body; an answer's and a notice's has time, nonce,
body. Every line ends with a line feed, the last one too. The key id tells which of two keys was used.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

from sandbox.keys import Keys

SKEW_SECONDS = 300
PREFIX = "Interconnect-"


def keys_alive(keys: Keys) -> dict[str, str]:
    """Both keys by their ids: while one is being replaced, either counts."""
    return {
        keys.interconnect_key_id: keys.interconnect_key,
        keys.interconnect_next_key_id: keys.interconnect_next_key,
    }


def request_text(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a member signs."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def told_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the institution signs: an answer or a notice."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def sign(key: str, text: bytes) -> str:
    """base64 of HMAC-SHA256."""
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()).decode()


def signed_headers(key_id: str, key: str, body: bytes) -> dict[str, str]:
    """The headers of an answer or a notice, made for this moment."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    return {
        f"{PREFIX}Key-Id": key_id,
        f"{PREFIX}Timestamp": timestamp,
        f"{PREFIX}Nonce": nonce,
        f"{PREFIX}Signature": sign(key, told_text(timestamp, nonce, body)),
    }


def problem_of(headers: Mapping[str, str], method: str, path: str, body: bytes, keys: Mapping[str, str]) -> str:
    """What is wrong with a member's request: an error code, or nothing."""
    given = {name.lower(): value for name, value in headers.items()}
    key_id, timestamp, nonce, signature = (
        given.get((PREFIX + name).lower(), "") for name in ("Key-Id", "Timestamp", "Nonce", "Signature")
    )
    if not (timestamp.isascii() and timestamp.isdigit() and 16 <= len(nonce) <= 64 and signature):
        return "HEADERS"
    if key_id not in keys:
        return "UNKNOWN_KEY"
    if len(timestamp) > 12 or abs(time.time() - int(timestamp)) > SKEW_SECONDS:
        return "STALE"
    right = sign(keys[key_id], request_text(method, path, timestamp, nonce, body))
    return "" if hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")) else "SIGNATURE"
