"""Notices of WeChat Pay: verify the raw bytes, open the envelope, then believe the shape.

Sources: partner docs 4013059017 (verifying), 4012082320 (opening), 4012085146 (payments), 4013080628 (refunds);
merchant docs 4012712115 (transfers).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.wallets.errors import NoticeRejected
from portal.wallets.port import Acquirer, Notice
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.orders import payment_in
from portal.wallets.wechat.refunds import refund_in
from portal.wallets.wechat.settings import WechatSettings
from portal.wallets.wechat.transfers import finished_in
from portal.wallets.wire import MAX_MESSAGE_BYTES, UnreadableMessage, optional_text_at, read_object, text_at

_ALGORITHM = "AEAD_AES_256_GCM"


def read_notice(settings: WechatSettings, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
    """The notice in these bytes. Raises NoticeRejected and nothing else."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise NoticeRejected("unreadable")
    serial = _verify(settings, headers, body, now)
    try:
        envelope = read_object(body)
        kind = text_at(envelope, "event_type")
        # Transfers may be paid by a second number of the provider's, with keys of its own.
        receiver = settings.payer if kind == words.TRANSFER_EVENT else settings
        if serial not in receiver.keys:
            raise NoticeRejected("foreign")
        if kind not in (words.PAYMENT_EVENT, words.TRANSFER_EVENT, *words.REFUND_EVENTS):
            raise NoticeRejected("unknown_kind")
        return _notice(receiver, text_at(envelope, "id"), kind, _opened(receiver, envelope))
    except (UnreadableMessage, signing.CannotOpen) as error:
        raise NoticeRejected("unreadable") from error


def notice_reply(*, accepted: bool, reason: str = "") -> tuple[int, str, str]:
    """204 without a body, or a refusal that makes WeChat Pay send the notice again (partner docs 4012085146)."""
    if accepted:
        return 204, "application/json", ""
    body = json.dumps({"code": "FAIL", "message": reason or "not now"}, ensure_ascii=False)
    return REPLY_STATUS.get(reason, 503), "application/json", body


REPLY_STATUS = {
    "headers": 401,
    "probe": 401,
    "unknown_key": 401,
    "stale": 401,
    "signature": 401,
    "unreadable": 400,
    "foreign": 400,
    "unknown_kind": 400,
}


def _verify(settings: WechatSettings, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of the key that signed. Four headers are promised; Wechatpay-Signature-Type comes with answers but not
    with every notice."""
    given = {name.lower(): value for name, value in headers.items()}
    names = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial")
    timestamp, once, signature, serial = (given.get(name, "") for name in names)
    if not (timestamp and once and signature and serial):
        raise NoticeRejected("headers")
    if given.get("wechatpay-signature-type", signing.SCHEME) != signing.SCHEME:
        raise NoticeRejected("headers")
    try:
        signing.verify(
            settings.payer.keys | settings.keys,
            timestamp=timestamp,
            once=once,
            signature=signature,
            serial=serial,
            body=body,
            now=now,
        )
    except signing.BadSignature as error:
        raise NoticeRejected(error.reason, probe=error.probe) from error
    return serial


def _opened(settings: WechatSettings, envelope: Mapping[str, Any]) -> dict[str, Any]:
    if text_at(envelope, "resource", "algorithm") != _ALGORITHM:
        raise UnreadableMessage("algorithm")
    return read_object(
        signing.open_envelope(
            settings.apiv3_key,
            once=text_at(envelope, "resource", "nonce"),
            associated_data=optional_text_at(envelope, "resource", "associated_data") or "",
            ciphertext=text_at(envelope, "resource", "ciphertext"),
        )
    )


def _notice(settings: WechatSettings, notice_id: str, kind: str, message: Mapping[str, Any]) -> Notice:
    """A notice of another provider, or one in which the provider itself would have collected, is not ours."""
    if kind == words.TRANSFER_EVENT:
        if text_at(message, "mch_id") != settings.sp_mchid:
            raise NoticeRejected("foreign")
        return Notice(Acquirer.WECHAT, notice_id, kind, transfer=finished_in(settings, message))
    collector = text_at(message, "sub_mchid")
    if text_at(message, "sp_mchid") != settings.sp_mchid or collector == settings.sp_mchid:
        raise NoticeRejected("foreign")
    if kind == words.PAYMENT_EVENT:
        return Notice(Acquirer.WECHAT, notice_id, kind, payment=payment_in(message))
    found = refund_in(message, state_name="refund_status", sub_merchant_no=collector)
    return Notice(Acquirer.WECHAT, notice_id, kind, refund=found)
