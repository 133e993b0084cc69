"""What JD posts to a merchant's server: `{success, merchantNo, cipherJson, sign}` as JSON, sealed anew every time.

Payment notices carry the fields two public implementers read: piType, productType, payStatus, outTradeNo, tradeNo,
payFinishTime, piAmount, resultCode. One of them answers `success`, the other `ok`; both count as accepted. How often
the real JD repeats a notice, and what its refund notice looks like, is not public: the waits are those of
sandbox.notifier, and the refund notice is the sandbox's own: outTradeNo, outRefundNo, tradeNo, refundNo, amount,
piAmount, payStatus, refundFinishTime, resultCode. Whoever holds `outRefundNo` holds a refund notice.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sandbox.jd import merchants, moments
from sandbox.jd.crypto import json_text
from sandbox.jd.envelope import sealed
from sandbox.notifier import Notifier
from sandbox.store import Store

SENDER = "jd"
_ACCEPTED = (b"success", b"ok")


def payment_facts(order: sqlite3.Row) -> dict[str, Any]:
    """An order in JD's words. `piAmount` is what was paid through JD for the merchant, fen as text."""
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
        "merchantCouponAmount": "0",
        "payFinishTime": moments.written(order["paid_at"]) if paid else None,
        "transactionId": order["transaction_id"],
        "channelNoSeq": order["channel_no_seq"],
        "returnParams": order["return_params"] or None,
    }


def refund_facts(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, Any]:
    """A refund in JD's words. `amount` is this refund, `piAmount` the part that goes back to the payer (fen, text)."""
    finished = refund["finished_at"] is not None
    return {
        "resultCode": "SUCCESS",
        "outTradeNo": refund["out_trade_no"],
        "outRefundNo": refund["out_refund_no"],
        "tradeNo": order["trade_no"],
        "refundNo": refund["refund_no"],
        "amount": str(refund["amount"]),
        "piAmount": str(refund["amount"]),
        "payStatus": refund["state"],
        "refundFinishTime": moments.written(refund["finished_at"]) if finished else None,
    }


def tell_payment(connection: sqlite3.Connection, notifier: Notifier, order: sqlite3.Row) -> None:
    """Put the notice of a payment into the outbox, inside the caller's block."""
    _tell(connection, notifier, order["notify_url"], order, payment_facts(order))


def tell_refund(connection: sqlite3.Connection, notifier: Notifier, refund: sqlite3.Row, order: sqlite3.Row) -> None:
    """Put the notice of an arrived refund into the outbox, inside the caller's block."""
    _tell(connection, notifier, refund["notify_url"], refund, refund_facts(refund, order))


def register(notifier: Notifier, store: Store) -> None:
    """Tell the notifier how JD's notices are sealed and when they count as accepted."""

    def prepare(payload: dict[str, Any]) -> tuple[Mapping[str, str], bytes]:
        with store.reading() as connection:
            merchant = merchants.find(connection, payload["merchant_no"])
        if merchant is None:
            raise LookupError(payload["merchant_no"])
        body = json_text(sealed(merchant, payload["fields"], version=payload["version"]))
        return {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "yima-sandbox-jd"}, body

    notifier.register(SENDER, prepare, accepted)


def accepted(status: int, body: bytes) -> bool:
    """The merchant's server took the notice: 200 and one of the two answers in use."""
    return status == 200 and body.strip().lower() in _ACCEPTED


def _tell(
    connection: sqlite3.Connection, notifier: Notifier, url: str, row: sqlite3.Row, fields: dict[str, Any]
) -> None:
    payload = {"merchant_no": row["merchant_no"], "version": row["version"], "fields": fields}
    refund_no, order_no = fields.get("outRefundNo"), fields["outTradeNo"]
    notifier.enqueue(
        connection,
        sender=SENDER,
        url=url,
        payload=payload,
        kind="refund" if refund_no else "payment",
        number=refund_no or order_no,
        order_no=order_no,
    )
