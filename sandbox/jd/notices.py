"""What JD posts to a merchant's server, sealed anew every time, on the wire of the contract that placed the order.

Aggregate pay: `{success, merchantNo, cipherJson, sign}` as JSON. Payment notices carry the fields two public
implementers read: piType, productType, payStatus, outTradeNo, tradeNo, payFinishTime, piAmount, resultCode. How often
the real JD repeats a notice, and what its refund notice looks like, is not public (unconfirmed): the waits are those of
sandbox.notifier, and the refund notice is the sandbox's own: outTradeNo, outRefundNo, tradeNo, refundNo, amount,
piAmount, payStatus, refundFinishTime, resultCode. Whoever holds `outRefundNo` holds a refund notice.

JD Pay V2.0: raw XML, see sandbox.jd.v2. For both, one implementer answers `success`, another `ok`; both are accepted.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sandbox.jd import merchants, moments
from sandbox.jd.crypto import json_text
from sandbox.jd.envelope import sealed
from sandbox.jd.v2 import words
from sandbox.jd.v2.envelope import sealed_notice
from sandbox.keys import Keys
from sandbox.notifier import Notifier, enqueue
from sandbox.store import Store

SENDER = "jd"
_ACCEPTED = (b"success", b"ok")
_USER_AGENT = {"User-Agent": "yima-sandbox-jd"}


def payment_facts(order: sqlite3.Row) -> dict[str, Any]:
    """An order in the words of aggregate pay; amounts are fen as text.

    `piAmount` is what was paid through JD for the merchant before reductions (unconfirmed); the coupons are the part
    of it that the payer did not give, JD's own and the merchant's.
    """
    paid = order["paid_at"] is not None
    return {
        "resultCode": "SUCCESS",
        "outTradeNo": order["out_trade_no"],
        "tradeNo": order["trade_no"],
        "piType": "JDPAY",
        "productType": "QR",
        "payStatus": order["state"],
        "piAmount": str(order["total"]),
        "couponAmount": str(order["coupon"]),
        "merchantCouponAmount": str(order["merchant_coupon"]),
        "payFinishTime": moments.written(order["paid_at"]) if paid else None,
        "transactionId": order["transaction_id"],
        "channelNoSeq": order["channel_no_seq"],
        "returnParams": order["return_params"] or None,
    }


def refund_facts(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, Any]:
    """A refund in the words of aggregate pay; amounts are fen as text.

    `amount` is this refund, `piAmount` the part that goes back to the payer, the coupons the parts that go back to
    whoever gave them.
    """
    finished = refund["finished_at"] is not None
    return {
        "resultCode": "SUCCESS",
        "outTradeNo": refund["out_trade_no"],
        "outRefundNo": refund["out_refund_no"],
        "tradeNo": order["trade_no"],
        "refundNo": refund["refund_no"],
        "amount": str(refund["amount"]),
        "piAmount": str(refund["payer_part"]),
        "couponAmount": str(refund["coupon_part"]),
        "merchantCouponAmount": str(refund["merchant_part"]),
        "payStatus": refund["state"],
        "refundFinishTime": moments.written(refund["finished_at"]) if finished else None,
    }


def tell_payment(connection: sqlite3.Connection, order: sqlite3.Row) -> None:
    """Put the notice of a payment into the outbox, inside the caller's block."""
    fields = words.payment(order) if order["version"] == words.VERSION else payment_facts(order)
    _tell(connection, order, fields, kind="payment", number=order["out_trade_no"])


def tell_refund(connection: sqlite3.Connection, refund: sqlite3.Row, order: sqlite3.Row) -> None:
    """Put the notice of a refund that has ended into the outbox, inside the caller's block."""
    if not refund["notify_url"]:
        return
    fields = words.refund(refund, order) if refund["version"] == words.VERSION else refund_facts(refund, order)
    _tell(connection, refund, fields, kind="refund", number=refund["out_refund_no"])


def register(notifier: Notifier, store: Store, keys: Keys) -> None:
    """Tell the notifier how JD's notices are sealed and when they count as accepted."""

    def prepare(payload: dict[str, Any]) -> tuple[Mapping[str, str], bytes]:
        contract = merchants.OWN if payload["version"] == words.VERSION else merchants.AGGREGATE
        with store.reading() as connection:
            merchant = merchants.find(connection, payload["merchant_no"], contract)
        if merchant is None:
            raise LookupError(payload["merchant_no"])
        if contract == merchants.OWN:
            return {"Content-Type": "application/xml; charset=UTF-8", **_USER_AGENT}, sealed_notice(
                merchant, payload["fields"], keys.jd_key
            )
        body = json_text(sealed(merchant, payload["fields"], version=payload["version"]))
        return {"Content-Type": "application/json; charset=UTF-8", **_USER_AGENT}, body

    notifier.register(SENDER, prepare, accepted)


def accepted(status: int, body: bytes) -> bool:
    """The merchant's server took the notice: 200 and one of the two answers in use."""
    return status == 200 and body.strip().lower() in _ACCEPTED


def _tell(
    connection: sqlite3.Connection, row: sqlite3.Row, fields: Mapping[str, Any], *, kind: str, number: str
) -> None:
    enqueue(
        connection,
        sender=SENDER,
        url=row["notify_url"],
        payload={"merchant_no": row["merchant_no"], "version": row["version"], "fields": dict(fields)},
        kind=kind,
        number=number,
        order_no=row["out_trade_no"],
    )
