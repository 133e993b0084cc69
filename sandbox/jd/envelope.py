"""Opens what a merchant sent and seals what JD answers: `{merchantNo, systemId, cipherJson, sign}` as JSON.

Two version literals are in public use, `3.0` and `V3.0`; both are taken and the answer repeats the one that came.
"""

import hmac
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox.jd import merchants
from sandbox.jd.crypto import Unreadable, seal, signature, unseal
from sandbox.jd.refusals import Refusal

VERSIONS = ("3.0", "V3.0")
BUSINESS_CODE = "AGGRE"


@dataclass(frozen=True)
class Request:
    """A request whose signature was right: the merchant's row and the plain fields (texts and whole numbers)."""

    merchant: sqlite3.Row
    fields: dict[str, Any]

    @property
    def merchant_no(self) -> str:
        return str(self.merchant["merchant_no"])

    @property
    def version(self) -> str:
        return str(self.fields["version"])

    def text(self, name: str, *, longest: int, required: bool = True) -> str:
        """A text field, `""` where it is absent and not required. Raises Refusal PARAM_ERROR."""
        value = self.fields.get(name)
        if value is None or value == "":
            if required:
                raise Refusal("PARAM_ERROR", name)
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > longest:
            raise Refusal("PARAM_ERROR", name)
        return str(value)

    def fen(self, name: str) -> int:
        """An amount above zero in fen; the wire has it as text or as a number. Raises Refusal PARAM_ERROR."""
        text = self.text(name, longest=11)
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise Refusal("PARAM_ERROR", name)
        return int(text)

    def number(self, name: str) -> str:
        """A merchant's own order or refund number: 1 to 64 signs of letters, digits, `_` and `-`."""
        text = self.text(name, longest=64)
        if not text.isascii() or not text.replace("_", "").replace("-", "").isalnum():
            raise Refusal("PARAM_ERROR", name)
        return text

    def url(self, name: str) -> str:
        """An http(s) address. Raises Refusal PARAM_ERROR."""
        text = self.text(name, longest=512)
        if not text.startswith(("https://", "http://")):
            raise Refusal("PARAM_ERROR", name)
        return text


def open_request(connection: sqlite3.Connection, body: bytes, *, system_id: str) -> Request:
    """The request in these bytes. Raises Refusal (unsealed) unless everything about it is in order."""
    outer = _outer(body)
    merchant = merchants.find(connection, outer["merchantNo"])
    if merchant is None:
        raise Refusal("MERCHANT_NOT_FOUND")
    if outer["systemId"] != system_id:
        raise Refusal("SYSTEM_ID_WRONG")
    try:
        fields = unseal(outer["cipherJson"], merchant["des_key"])
        right = signature(fields, merchant["md5_key"])
    except Unreadable as problem:
        raise Refusal("DECRYPT_FAILED") from problem
    if not hmac.compare_digest(right.encode(), outer["sign"].encode()):
        raise Refusal("SIGN_ERROR")
    if fields.get("merchantNo") != outer["merchantNo"]:
        raise Refusal("MERCHANT_MISMATCH")
    if fields.get("version") not in VERSIONS:
        raise Refusal("VERSION_NOT_SUPPORTED")
    if fields.get("businessCode") != BUSINESS_CODE:
        raise Refusal("BUSINESS_CODE_WRONG")
    if merchant["opened_at"] is None:
        raise Refusal("MERCHANT_NOT_OPEN")
    return Request(merchant, fields)


def sealed(merchant: sqlite3.Row, fields: dict[str, Any], *, version: str) -> dict[str, Any]:
    """JD's answer or notice: `success: true` with the fields encrypted and signed."""
    told = {"merchantNo": merchant["merchant_no"], "businessCode": BUSINESS_CODE, "version": version, **fields}
    told = {name: value for name, value in told.items() if value is not None}
    return {
        "success": True,
        "merchantNo": merchant["merchant_no"],
        "cipherJson": seal(told, merchant["des_key"]),
        "sign": signature(told, merchant["md5_key"]),
    }


def refused(refusal: Refusal, request: Request | None) -> dict[str, Any]:
    """JD's no: under seal where the refusal is one of business and the request was trustworthy."""
    if refusal.sealed and request is not None:
        fields = {"resultCode": "FAIL", "errCode": refusal.code, "errCodeDes": refusal.description}
        return sealed(request.merchant, fields, version=request.version)
    return {"success": False, "errCode": refusal.code, "errCodeDes": refusal.description}


def _outer(body: bytes) -> dict[str, str]:
    try:
        outer = json.loads(body)
    except ValueError as problem:
        raise Refusal("MALFORMED_REQUEST") from problem
    names = ("merchantNo", "systemId", "cipherJson", "sign")
    if not isinstance(outer, dict) or not all(isinstance(outer.get(name), str) for name in names):
        raise Refusal("MALFORMED_REQUEST", "、".join(names))
    return {name: outer[name] for name in names}
