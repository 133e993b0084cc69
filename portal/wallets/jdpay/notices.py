"""Notices of JD: an envelope under the sub-merchant's own keys. It carries no time, so nothing can be stale.

A notice with `outRefundNo` tells of a refund, any other of a payment. What a real refund notice looks like is not
public; this reads the fields that a refund query has.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from portal.wallets.errors import NoticeRejected
from portal.wallets.jdpay import crypto
from portal.wallets.jdpay.client import open_sealed
from portal.wallets.jdpay.orders import payment_in
from portal.wallets.jdpay.refunds import refund_in
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.port import Acquirer, KeysOf, Notice
from portal.wallets.wire import UnreadableMessage, optional_text_at, read_object, write_object

REPLY_STATUS = {
    "headers": 401,
    "unknown_key": 401,
    "signature": 401,
    "unreadable": 400,
    "foreign": 400,
    "unknown_kind": 400,
}
_MERCHANT_NO = re.compile(r"[0-9A-Za-z_-]{1,32}")


def read_notice(settings: JdSettings, *, body: bytes, keys_of: KeysOf) -> Notice:
    """The notice in these bytes. Raises NoticeRejected and nothing else.

    JD's notices have no number of their own: equal content gives an equal `notice_id`.
    """
    try:
        outer = read_object(body)
    except UnreadableMessage as error:
        raise NoticeRejected("unreadable") from error
    merchant_no = outer.get("merchantNo")
    if not isinstance(merchant_no, str) or not _MERCHANT_NO.fullmatch(merchant_no):
        raise NoticeRejected("unreadable")
    if merchant_no == settings.agent_no:
        raise NoticeRejected("foreign")
    fields = _verified(outer, merchant_no, keys_of)
    if outer.get("success") is not True or fields.get("resultCode") != "SUCCESS":
        raise NoticeRejected("unknown_kind")
    try:
        return _notice(fields, merchant_no)
    except UnreadableMessage as error:
        raise NoticeRejected("unreadable") from error


def notice_reply(settings: JdSettings, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
    """The literal that JD's contract asks for, or a refusal."""
    if accepted:
        return 200, "text/plain", settings.reply
    return REPLY_STATUS.get(reason, 503), "text/plain", "fail"


def _verified(outer: Mapping[str, Any], merchant_no: str, keys_of: KeysOf) -> dict[str, Any]:
    keys = keys_of(merchant_no) or {}
    des_key, md5_key = keys.get("des_key"), keys.get("md5_key")
    if not des_key or not md5_key:
        raise NoticeRejected("unknown_key")
    try:
        return open_sealed(outer, merchant_no, des_key, md5_key)
    except (UnreadableMessage, crypto.BadKey) as error:
        raise NoticeRejected("signature") from error


def _notice(fields: Mapping[str, Any], merchant_no: str) -> Notice:
    told = {"merchantNo": merchant_no, **{name: value for name, value in fields.items() if name != "sign"}}
    notice_id = hashlib.sha256(write_object(told, sort=True)).hexdigest()[:36]
    state = str(fields.get("payStatus"))
    if optional_text_at(fields, "outRefundNo") is not None:
        return Notice(Acquirer.JDPAY, notice_id, f"REFUND.{state}", refund=refund_in(fields, merchant_no))
    return Notice(Acquirer.JDPAY, notice_id, f"PAYMENT.{state}", payment=payment_in(fields, merchant_no))
