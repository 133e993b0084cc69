"""What aggregate pay (聚合支付 V3.0) asks for and is told, in its own words. Amounts on the wire are fen, as text.

Of the payment kinds (piType) only JDPAY is served: WX, ALIPAY and UNIPAY belong to other contracts of the same
product, and the portal reaches WeChat itself. Codes that the payer shows (`pay`) are not taken either.
"""

import sqlite3
from typing import Any

from sandbox import clock
from sandbox.jd import moments, notices, orders, refunds
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal

# JD's own default is not public (unconfirmed); a stall's payer is done or gone long before.
OPEN_SECONDS = 2 * 60 * 60
PI_TYPE = "JDPAY"
URL_RATHER_THAN_FORM = "00"
_ALWAYS_THE_SAME = ("amount", "currency", "piType", "productName", "notifyUrl", "returnParams", "remark")
_ALWAYS_THE_SAME_SCANNED = ("amount", "remark", "returnParams", "businessType", "successNotifyUrl")


def place(connection: sqlite3.Connection, request: Request) -> sqlite3.Row:
    """The order of a `unifiedOrder` request. Raises Refusal."""
    out_trade_no, amount = request.number("outTradeNo"), request.fen("amount")
    if request.text("currency", longest=3) != "RMB":
        raise Refusal("PARAM_ERROR", "currency")
    if request.text("piType", longest=16) != PI_TYPE:
        raise Refusal("PI_TYPE_NOT_SUPPORTED", str(request.fields["piType"]))
    wish = orders.Wish(
        out_trade_no=out_trade_no,
        total=amount,
        version=request.version,
        product_name=request.text("productName", longest=128),
        notify_url=request.url("notifyUrl"),
        return_params=request.text("returnParams", longest=512, required=False),
        deadline_at=_deadline(connection, request, "deadlineTime"),
        asked=_asked(request, _ALWAYS_THE_SAME),
    )
    return _placed(connection, request, wish)


def place_scanned(connection: sqlite3.Connection, request: Request) -> sqlite3.Row:
    """The order of a `getScanUrl` request: a code of one order, paid by whoever scans it. Raises Refusal.

    `expireTime` is read as JD's moment (14 digits) or as seconds; which one JD means is unconfirmed.
    """
    out_trade_no, amount = request.number("outTradeNo"), request.fen("amount")
    if request.text("businessType", longest=2, required=False) not in ("", URL_RATHER_THAN_FORM):
        raise Refusal("PARAM_ERROR", "businessType：沙盒只给地址（00）")
    remark = request.text("remark", longest=128, required=False)
    wish = orders.Wish(
        out_trade_no=out_trade_no,
        total=amount,
        version=request.version,
        product_name=remark or out_trade_no,
        notify_url=request.url("successNotifyUrl"),
        return_params=request.text("returnParams", longest=512, required=False),
        deadline_at=_deadline(connection, request, "expireTime"),
        asked=_asked(request, _ALWAYS_THE_SAME_SCANNED),
    )
    return _placed(connection, request, wish)


def facts(connection: sqlite3.Connection, order: sqlite3.Row) -> dict[str, Any]:
    """What a query tells. `payStatus` is REFUND as soon as one refund of the order has arrived."""
    arrived = orders.has_arrived_refund(connection, order)
    return {**notices.payment_facts(order), "payStatus": "REFUND" if arrived else orders.state_of(order)}


def refund(connection: sqlite3.Connection, request: Request) -> dict[str, Any]:
    """A `refund` request taken, and its facts. Raises Refusal."""
    wish = refunds.Wish(
        out_refund_no=request.number("outRefundNo"),
        out_trade_no=request.number("outTradeNo"),
        amount=request.fen("amount"),
        version=request.version,
        notify_url=request.url("notifyUrl"),
    )
    return refund_facts(connection, refunds.take(connection, request.merchant_no, wish))


def refund_facts(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """What an answer, a query and a notice tell of a refund."""
    return notices.refund_facts(row, orders.known(connection, row["merchant_no"], row["out_trade_no"]))


def _placed(connection: sqlite3.Connection, request: Request, wish: orders.Wish) -> sqlite3.Row:
    if wish.deadline_at <= clock.now(connection) and orders.find(connection, request.merchant_no, wish.out_trade_no):
        # An old order asked for again says what became of it, not that its deadline is over.
        return orders.place(connection, request.merchant_no, wish)
    if wish.deadline_at <= clock.now(connection):
        raise Refusal("PARAM_ERROR", "deadlineTime")
    return orders.place(connection, request.merchant_no, wish)


def _asked(request: Request, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(request.fields.get(name) or "") for name in names)


def _deadline(connection: sqlite3.Connection, request: Request, name: str) -> float:
    text = request.text(name, longest=14, required=False)
    if not text:
        return clock.now(connection) + OPEN_SECONDS
    if not text.isascii() or not text.isdigit():
        raise Refusal("PARAM_ERROR", name)
    if name == "expireTime" and len(text) < 8:
        return clock.now(connection) + int(text)
    try:
        return moments.read(text)
    except ValueError as problem:
        raise Refusal("PARAM_ERROR", name) from problem
