"""What JD Pay V2.0 asks for: orders by XML and by form, questions, refunds, revocations."""

import sqlite3
from typing import Any

from sandbox import clock
from sandbox.jd import moments, orders, refunds
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal
from sandbox.jd.v2 import words

# Seven days, as IJPay's description of expireTime says.
OPEN_SECONDS = 604_800
MOST_OPEN_SECONDS = 90 * 86_400
_ALWAYS_THE_SAME = (
    *("amount", "currency", "tradeName", "tradeTime", "orderType", "notifyUrl", "callbackUrl", "note", "device"),
    *("tradeType", "payMerchant"),
)
QR, TYPED = "QR", "CUST"


def place(connection: sqlite3.Connection, request: Request, kinds: tuple[str, ...]) -> sqlite3.Row:
    """The order of this request; `kinds` are the tradeTypes it may have, the first where it has none. Raises Refusal.

    With tradeType CUST and no amount the payer types one.
    """
    kind = request.text("tradeType", longest=8, required=False) or kinds[0]
    if kind not in kinds:
        raise Refusal("PARAM_ERROR", "tradeType")
    if request.text("currency", longest=3) != words.CURRENCY:
        raise Refusal("PARAM_ERROR", "currency")
    if request.text("orderType", longest=1) not in ("0", "1"):
        raise Refusal("PARAM_ERROR", "orderType")
    if request.text("payMerchant", longest=12, required=False) not in ("", request.merchant_no):
        raise Refusal("PARAM_ERROR", "payMerchant：沙盒里收款的就是签约商户自己")
    typed = kind == TYPED and not request.text("amount", longest=11, required=False)
    wish = orders.Wish(
        out_trade_no=request.number("tradeNum"),
        total=0 if typed else request.fen("amount"),
        version=request.version,
        product_name=request.text("tradeName", longest=128),
        notify_url=request.url("notifyUrl"),
        return_url=request.url("callbackUrl") if request.fields.get("callbackUrl") else "",
        note=request.text("note", longest=255, required=False),
        device=request.text("device", longest=64, required=False),
        trade_time=moment(request),
        typed=typed,
        deadline_at=clock.now(connection) + _open_seconds(request),
        asked=tuple(str(request.fields.get(name) or "") for name in _ALWAYS_THE_SAME),
    )
    return orders.place(connection, request.merchant_no, wish)


def placed(order: sqlite3.Row, merchant: sqlite3.Row, code_url: str | None) -> dict[str, Any]:
    """The answer to `uniorder`; `code_url` for tradeType QR."""
    return {
        "tradeNum": order["out_trade_no"],
        "orderId": order["trade_no"],
        "merchantName": merchant["short_name"],
        "expireTime": str(round(order["deadline_at"] - order["created_at"])),
        "qrCode": code_url,
    }


def query(connection: sqlite3.Connection, request: Request) -> dict[str, Any]:
    """`query`: a purchase (tradeType 0) or a refund (1), by the merchant's own number of it. Raises Refusal."""
    number, kind = request.number("tradeNum"), request.text("tradeType", longest=1)
    if kind == words.REFUND:
        refund = refunds.known(connection, request.merchant_no, number)
        if request.text("oTradeNum", longest=64, required=False) not in ("", refund["out_trade_no"]):
            raise Refusal("REFUND_NOT_EXIST", number)
        return words.refund(refund, orders.known(connection, request.merchant_no, refund["out_trade_no"]))
    if kind != words.PURCHASE:
        raise Refusal("PARAM_ERROR", "tradeType")
    order = orders.known(connection, request.merchant_no, number)
    return words.payment(order, words.ORDER_STATUS[orders.state_of(order)])


def query_refunds(connection: sqlite3.Connection, request: Request) -> dict[str, Any]:
    """`queryRefund`: every refund of an order, named by oTradeNum or, without it, by tradeNum. Raises Refusal."""
    number = request.number("oTradeNum" if request.fields.get("oTradeNum") else "tradeNum")
    order = orders.known(connection, request.merchant_no, number)
    found = refunds.of_order(connection, order)
    if not found:
        raise Refusal("REFUND_NOT_EXIST", number)
    return {"tradeNum": number, "refList": [{"tradeType": words.REFUND, **words.listed(one)} for one in found]}


def refund(connection: sqlite3.Connection, request: Request) -> dict[str, Any]:
    """`refund` taken, and how it stands. Raises Refusal."""
    if request.text("currency", longest=3, required=False) not in ("", words.CURRENCY):
        raise Refusal("PARAM_ERROR", "currency")
    return words.listed(refunds.take(connection, request.merchant_no, _wish(request, revokes=False)))


def revoke(connection: sqlite3.Connection, request: Request) -> dict[str, Any]:
    """`revoke`: an unpaid order is closed, one paid today is given back whole. Raises Refusal.

    What JD does with an order of an earlier day is not public (unconfirmed): here it must be refunded.
    """
    wish = _wish(request, revokes=True)
    order = orders.known(connection, request.merchant_no, wish.out_trade_no)
    if wish.amount != order["total"]:
        raise Refusal("PARAM_ERROR", "amount：撤销须为订单全额")
    if order["state"] == "FINISH":
        if moments.written(order["paid_at"])[:8] != moments.written(order["seen_at"])[:8]:
            raise Refusal("REVOKE_TOO_LATE", wish.out_trade_no)
        return words.listed(refunds.take(connection, request.merchant_no, wish))
    orders.close(connection, order)
    return {
        "tradeNum": wish.out_refund_no,
        "oTradeNum": wish.out_trade_no,
        "amount": str(wish.amount),
        "currency": words.CURRENCY,
        "tradeTime": wish.trade_time,
        "note": wish.note or None,
        "status": words.SUCCESS,
    }


def moment(request: Request) -> str:
    """The merchant's own `tradeTime`, checked for its form only: V2.0 demands no freshness. Raises Refusal."""
    text = request.text("tradeTime", longest=14)
    try:
        moments.read(text)
    except ValueError as problem:
        raise Refusal("PARAM_ERROR", "tradeTime") from problem
    return text


def _wish(request: Request, *, revokes: bool) -> refunds.Wish:
    return refunds.Wish(
        out_refund_no=request.number("tradeNum"),
        out_trade_no=request.number("oTradeNum"),
        amount=request.fen("amount"),
        version=request.version,
        notify_url=request.url("notifyUrl") if request.fields.get("notifyUrl") else "",
        note=request.text("note", longest=255, required=False),
        trade_time=moment(request),
        revokes=revokes,
    )


def _open_seconds(request: Request) -> int:
    text = request.text("expireTime", longest=8, required=False)
    if not text:
        return OPEN_SECONDS
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MOST_OPEN_SECONDS:
        raise Refusal("PARAM_ERROR", "expireTime")
    return int(text)
