"""How a notice goes wrong on purpose: an amount that was never paid, or a signature that does not fit.

Written for every shape the institutions use: WeChat's headers, JD's JSON with `sign`, JD's XML with `<sign>` in the
open or under `<encrypt>`, and the stand-in's own header.
"""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

PROBE = "WECHATPAY/SIGNTEST/"  # how WeChat marks a signature that must be refused (partner docs 4013059017)
_PARTS = ("plain", "fields", "amount")  # where a payload keeps what it tells
_AMOUNTS = {
    "payment": ("total", "payer_total", "piAmount", "amount", "payAmount", "tradeAmount"),
    "refund": ("refund", "payer_refund", "piAmount", "amount", "refundAmount"),
    "transfer": ("transfer_amount",),
}
_SIGNATURES = ("sign", "signature", "signData")
_XML_SIGNATURE = re.compile(rb"(<sign>)(.)(.*?</sign>)", re.DOTALL)
_XML_SEALED = re.compile(rb"(<encrypt>)([^<]+)(</encrypt>)")
_SEALED_BLOCK = 16  # hex digits of one block of 3DES


def wrong_amount(payload: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The payload with one fen more in every amount of its kind; numbers stay numbers and texts stay texts."""
    names = _AMOUNTS.get(kind, _AMOUNTS["payment"])
    changed: dict[str, Any] = {}
    for name, value in payload.items():
        if name in _PARTS and isinstance(value, dict):
            changed[name] = wrong_amount(value, kind)
        else:
            changed[name] = _one_more(value) if name in names else value
    return changed


def bad_signature(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """The same notice with one sign of its signature changed: a header, a member of the JSON, or an XML element."""
    spoiled = {
        name: _other_start(value) if name.lower().endswith("-signature") else value for name, value in headers.items()
    }
    if spoiled != dict(headers):
        return spoiled, body
    if body.lstrip().startswith(b"<"):
        in_the_open = _XML_SIGNATURE.sub(lambda match: match[1] + _other_byte(match[2]) + match[3], body, count=1)
        return spoiled, _XML_SEALED.sub(lambda match: match[1] + _other_end(match[2]) + match[3], in_the_open)
    told = json.loads(body)
    for name in _SIGNATURES:
        if isinstance(told.get(name), str):
            told[name] = _other_start(told[name])
    return spoiled, json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def probe(headers: Mapping[str, str]) -> dict[str, str]:
    """The same headers with a signature that is no signature, as WeChat probes whether anybody verifies."""
    return {
        name: PROBE + secrets.token_urlsafe(48) if name.lower().endswith("-signature") else value
        for name, value in headers.items()
    }


def _one_more(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return str(int(value) + 1)
    return value


def _other_start(text: str) -> str:
    return ("0" if text[:1] != "0" else "1") + text[1:]


def _other_byte(one: bytes) -> bytes:
    return b"0" if one != b"0" else b"1"


def _other_end(sealed: bytes) -> bytes:
    """JD seals block by block: two blocks near the end change places, all else, the length too, stays as it was."""
    blocks = base64.b64decode(sealed)
    head, one, other, tail = (
        blocks[: -8 * _SEALED_BLOCK],
        blocks[-8 * _SEALED_BLOCK : -7 * _SEALED_BLOCK],
        blocks[-7 * _SEALED_BLOCK : -6 * _SEALED_BLOCK],
        blocks[-6 * _SEALED_BLOCK :],
    )
    return base64.b64encode(head + other + one + tail)
