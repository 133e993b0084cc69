"""Opens what a V2.0 merchant sent and seals what JD answers.

The digest is taken over the text as it came, without `<sign>` and without tabs and line breaks, which JD takes out; so
nothing is parsed before its signature is proved, and nothing is written anew before it is compared.
"""

import re
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sandbox.jd import merchants
from sandbox.jd.crypto import Unreadable
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal
from sandbox.jd.v2 import crypto, xml
from sandbox.jd.v2.refusals import DONE, UNTRUSTED, result
from sandbox.jd.v2.words import VERSION
from sandbox.keys import Keys, public_half

LARGEST_BODY = 64 * 1024
NOTICE_PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'  # with the blank that JD's published notice has
_SIGN = re.compile(r"<sign>([^<]*)</sign>")
_DROPPED = str.maketrans("", "", "\t\r\n")
_NOT_SEALED = ("version", "merchant", "sign")


def open_request(connection: sqlite3.Connection, body: bytes, keys: Keys) -> Request:
    """The request in this XML. Raises Refusal unless everything about it is in order."""
    try:
        outer = xml.read(body)
    except xml.NotOurXml as problem:
        raise Refusal("MALFORMED_REQUEST", str(problem)) from problem
    if not all(isinstance(outer.get(name), str) for name in ("version", "merchant", "encrypt")):
        raise Refusal("MALFORMED_REQUEST", "version、merchant、encrypt")
    merchant = _merchant(connection, outer["version"], outer["merchant"])
    try:
        text = crypto.unseal(outer["encrypt"], merchant["des_key"]).translate(_DROPPED)
    except Unreadable as problem:
        raise Refusal("DECRYPT_FAILED") from problem
    signatures = _SIGN.findall(text)
    if len(signatures) != 1 or not crypto.signed(_SIGN.sub("", text), signatures[0], merchants_key(keys)):
        raise Refusal("SIGN_ERROR")
    try:
        fields = xml.read(text)
    except xml.NotOurXml as problem:
        raise Refusal("MALFORMED_REQUEST", str(problem)) from problem
    return _request(merchant, fields)


def open_form(connection: sqlite3.Connection, form: Mapping[str, str], keys: Keys) -> Request:
    """The request in a browser's form: every value but version, merchant and sign sealed by itself. Raises Refusal."""
    merchant = _merchant(connection, form.get("version", ""), form.get("merchant", ""))
    try:
        fields = {
            name: value if name in _NOT_SEALED else crypto.unseal_hex(value, merchant["des_key"])
            for name, value in form.items()
            if value
        }
    except Unreadable as problem:
        raise Refusal("DECRYPT_FAILED") from problem
    if not crypto.signed(source_of(fields), fields.get("sign", ""), merchants_key(keys)):
        raise Refusal("SIGN_ERROR")
    return _request(merchant, fields)


def source_of(fields: Mapping[str, str]) -> str:
    """What a form's signature covers: `k=v&k=v` of the filled fields without `sign`, names ascending."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name] != "")


def answered(merchant: sqlite3.Row, fields: Mapping[str, Any], keys: Keys) -> bytes:
    """JD's yes, sealed."""
    return _sealed(merchant, {"code": DONE, "desc": "success"}, fields, keys.jd_key)


def refused(refusal: Refusal, request: Request | None, keys: Keys) -> bytes:
    """JD's no: sealed where the request could be trusted, else without `encrypt`."""
    told = result(refusal)
    if request is not None and refusal.code not in UNTRUSTED:
        return _sealed(request.merchant, told, {}, keys.jd_key)
    return xml.document(xml.written({"version": VERSION, "result": told})).encode()


def sealed_notice(merchant: sqlite3.Row, fields: Mapping[str, Any], private_pem: str) -> bytes:
    """What JD posts by itself: a prolog with a blank, blanks between the outer elements, all of it once more inside."""
    told = {"code": DONE, "desc": "success"}
    encrypted = _encrypted(merchant, told, fields, private_pem, NOTICE_PROLOG)
    inner = (
        f"  <version>{VERSION}</version>  <merchant>{merchant['merchant_no']}</merchant>"
        f"  <result>    <code>{told['code']}</code>    <desc>{told['desc']}</desc>  </result>"
        f"  <encrypt>{encrypted}</encrypt>"
    )
    return xml.document(inner, NOTICE_PROLOG).encode()


def returned(merchant: sqlite3.Row, fields: Mapping[str, str], private_pem: str) -> dict[str, str]:
    """The values of the form that the payer's browser takes back to the shop.

    Each is sealed by itself. The signature stays plain base64, as JD's demonstration reads it; whether a contract seals
    it as well is unconfirmed.
    """
    sealed = {name: crypto.seal_hex(value, merchant["des_key"]) for name, value in fields.items() if value}
    return {**sealed, "sign": crypto.sign(source_of(fields), private_pem)}


def merchants_key(keys: Keys) -> str:
    """The public half of the merchant's key: all that JD has of it."""
    return _public_half(keys.jd_merchant_key)


def _merchant(connection: sqlite3.Connection, version: str, merchant_no: str) -> sqlite3.Row:
    if version != VERSION:
        raise Refusal("VERSION_NOT_SUPPORTED")
    merchant = merchants.find(connection, merchant_no, merchants.OWN)
    if merchant is None:
        raise Refusal("MERCHANT_NOT_FOUND")
    return merchant


def _request(merchant: sqlite3.Row, fields: Mapping[str, Any]) -> Request:
    """The inside may repeat version and merchant, and then means the same."""
    if fields.get("version", VERSION) != VERSION:
        raise Refusal("VERSION_NOT_SUPPORTED")
    if fields.get("merchant", merchant["merchant_no"]) != merchant["merchant_no"]:
        raise Refusal("MERCHANT_MISMATCH")
    return Request(merchant, {**fields, "version": VERSION})


def _sealed(merchant: sqlite3.Row, told: Mapping[str, str], fields: Mapping[str, Any], private_pem: str) -> bytes:
    outer = {
        "version": VERSION,
        "merchant": merchant["merchant_no"],
        "result": told,
        "encrypt": _encrypted(merchant, told, fields, private_pem, xml.PROLOG),
    }
    return xml.document(xml.written(outer)).encode()


def _encrypted(
    merchant: sqlite3.Row, told: Mapping[str, str], fields: Mapping[str, Any], private_pem: str, prolog: str
) -> str:
    """In JD's published notice the signature stands in the middle, behind tradeType: whoever looks for it at the end,
    or writes the text anew, finds it wrong.
    """
    inner = xml.written({"version": VERSION, "merchant": merchant["merchant_no"], "result": told, **fields})
    signature = f"<sign>{crypto.sign(xml.document(inner, prolog), private_pem)}</sign>"
    before, mark, behind = inner.partition("</tradeType>") if "tradeType" in fields else (inner, "", "")
    return crypto.seal(xml.document(before + mark + signature + behind, prolog), merchant["des_key"])


@lru_cache(maxsize=2)
def _public_half(private_pem: str) -> str:
    return public_half(private_pem)
