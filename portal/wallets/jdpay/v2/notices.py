"""Notices of JD Pay V2.0: XML under the merchant's own keys, without a number or a time of their own."""

import hashlib

from portal.wallets.errors import NoticeRejected
from portal.wallets.jdpay.crypto import BadKey
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.jdpay.v2 import words
from portal.wallets.jdpay.v2.client import opened_message
from portal.wallets.jdpay.v2.keys import keys_in
from portal.wallets.jdpay.v2.orders import payment_in
from portal.wallets.jdpay.v2.refunds import refund_in
from portal.wallets.jdpay.v2.xml import Element, read_document
from portal.wallets.port import Acquirer, KeysOf, Notice
from portal.wallets.wire import UnreadableMessage


def read_notice(settings: JdSettings, *, body: bytes, keys_of: KeysOf) -> Notice:
    """The notice in these bytes. Raises NoticeRejected and nothing else.

    JD's notices have no number of their own: equal content gives an equal `notice_id`.
    """
    try:
        outer = read_document(body)
        merchant_no = outer.text("merchant")
    except UnreadableMessage as error:
        raise NoticeRejected("unreadable") from error
    if not merchant_no.isascii() or not merchant_no.isalnum() or len(merchant_no) > 32:
        raise NoticeRejected("unreadable")
    if merchant_no == settings.agent_no:
        raise NoticeRejected("foreign")
    keys = keys_in(merchant_no, keys_of(merchant_no) or {})
    if keys is None:
        raise NoticeRejected("unknown_key")
    try:
        inner = opened_message(outer, keys)
    except (UnreadableMessage, BadKey) as error:
        raise NoticeRejected("signature") from error
    try:
        return _notice(outer, inner, merchant_no)
    except UnreadableMessage as error:
        raise NoticeRejected("unreadable") from error


def _notice(outer: Element, inner: Element, merchant_no: str) -> Notice:
    told = inner if inner.child("result") is not None else outer
    if told.optional_text("result", "code") != words.HANDLED:
        raise NoticeRejected("unknown_kind")
    kind, state = inner.text("tradeType"), inner.text("status")
    notice_id = hashlib.sha256("\n".join(["jd-v2", merchant_no, *_content(inner)]).encode()).hexdigest()[:36]
    if kind == words.PURCHASE:
        return Notice(Acquirer.JDPAY, notice_id, f"PAYMENT.{state}", payment=payment_in(inner, merchant_no))
    if kind == words.REFUND:
        return Notice(Acquirer.JDPAY, notice_id, f"REFUND.{state}", refund=refund_in(inner, merchant_no))
    raise NoticeRejected("unknown_kind")


def _content(element: Element) -> list[str]:
    """Everything told but the signature, so that the same facts signed again are the same notice."""
    lines = []
    for child in element.children:
        if child.name != "sign":
            lines.append(f"{child.name}={child.written.strip()}")
            lines.extend(f"{child.name}.{line}" for line in _content(child))
    return lines
