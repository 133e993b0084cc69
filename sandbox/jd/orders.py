"""Orders of aggregate pay: placed by the merchant, paid or left by the payer at the cashier, asked for by both."""

import json
import secrets
import sqlite3
import time
from typing import Any

from flask import current_app

from sandbox.jd import books, moments, notices
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal

# JD's own default is not public; a stall's payer is done or gone long before.
OPEN_SECONDS = 2 * 60 * 60
PI_TYPE = "JDPAY"
_ALWAYS_THE_SAME = ("amount", "currency", "piType", "productName", "notifyUrl", "returnParams", "remark")


class CannotPay(Exception):
    """The payer cannot pay this order now. `reason` is unknown, paid or closed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def place(connection: sqlite3.Connection, request: Request) -> sqlite3.Row:
    """The order of a `unifiedOrder` request; the same values again give the same order. Raises Refusal."""
    out_trade_no, amount = request.number("outTradeNo"), request.fen("amount")
    if request.text("currency", longest=3) != "RMB":
        raise Refusal("PARAM_ERROR", "currency")
    if request.text("piType", longest=16) != PI_TYPE:
        raise Refusal("PI_TYPE_NOT_SUPPORTED", str(request.fields["piType"]))
    asked = json.dumps([str(request.fields.get(name) or "") for name in _ALWAYS_THE_SAME], ensure_ascii=False)
    known = find(connection, request.merchant_no, out_trade_no)
    if known is None:
        return _inserted(connection, request, out_trade_no=out_trade_no, amount=amount, asked=asked)
    if known["asked"] != asked:
        raise Refusal("ORDER_REPEATED", out_trade_no)
    if state_of(known) == "FINISH":
        raise Refusal("ORDER_PAID", out_trade_no)
    if state_of(known) == "CLOSE":
        raise Refusal("ORDER_CLOSED", out_trade_no)
    return known


def find(connection: sqlite3.Connection, merchant_no: str, out_trade_no: str) -> sqlite3.Row | None:
    """The merchant's order of this number."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jd_orders WHERE merchant_no = ? AND out_trade_no = ?", (merchant_no, out_trade_no)
    ).fetchone()
    return row


def by_token(connection: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The order that the cashier's address names, with the shop's name as `shop_name`."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT jd_orders.*, jd_merchants.short_name AS shop_name FROM jd_orders JOIN jd_merchants"
        " USING (merchant_no) WHERE token = ?",
        (token,),
    ).fetchone()
    return row


def state_of(order: sqlite3.Row) -> str:
    """PROCESSING, FINISH or CLOSE; an unpaid order closes by itself at its deadline."""
    if order["state"] == "PROCESSING" and order["deadline_at"] <= time.time():
        return "CLOSE"
    return str(order["state"])


def pay(connection: sqlite3.Connection, *, token: str) -> dict[str, Any]:
    """The payer confirms: the order is paid, booked, and its notice is in the outbox, in the caller's block.

    Raises CannotPay. In this step JD grants no instant reduction, so the payer gives the whole amount.
    """
    order = by_token(connection, token)
    if order is None:
        raise CannotPay("unknown")
    if state_of(order) != "PROCESSING":
        raise CannotPay("paid" if order["state"] == "FINISH" else "closed")
    now = time.time()
    paid: sqlite3.Row = connection.execute(
        "UPDATE jd_orders SET state = 'FINISH', paid_at = ?, transaction_id = ?, channel_no_seq = ? WHERE token = ?"
        " RETURNING *",
        (now, f"JP{moments.written(now)}{_digits(12)}", f"{moments.written(now)}{_digits(8)}", token),
    ).fetchone()
    books.book_payment(connection, paid)
    notices.tell_payment(connection, current_app.extensions["notifier"], paid)
    return {**dict(paid), "shop_name": order["shop_name"]}


def facts(connection: sqlite3.Connection, order: sqlite3.Row) -> dict[str, Any]:
    """What a query tells. `payStatus` is REFUND as soon as one refund of the order has arrived."""
    arrived = connection.execute(
        "SELECT 1 FROM jd_refunds WHERE merchant_no = ? AND out_trade_no = ? AND state = 'FINISH' LIMIT 1",
        (order["merchant_no"], order["out_trade_no"]),
    ).fetchone()
    return {**notices.payment_facts(order), "payStatus": "REFUND" if arrived else state_of(order)}


def _inserted(
    connection: sqlite3.Connection, request: Request, *, out_trade_no: str, amount: int, asked: str
) -> sqlite3.Row:
    now = time.time()
    row: sqlite3.Row = connection.execute(
        "INSERT INTO jd_orders (merchant_no, out_trade_no, trade_no, token, asked, version, product_name, notify_url,"
        " return_params, total, payer_total, created_at, deadline_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            request.merchant_no,
            out_trade_no,
            f"{moments.written(now)}{_digits(14)}",
            secrets.token_urlsafe(24),
            asked,
            request.version,
            request.text("productName", longest=128),
            request.url("notifyUrl"),
            request.text("returnParams", longest=512, required=False),
            amount,
            amount,
            now,
            _deadline(request, now),
        ),
    ).fetchone()
    return row


def _deadline(request: Request, now: float) -> float:
    text = request.text("deadlineTime", longest=14, required=False)
    if not text:
        return now + OPEN_SECONDS
    try:
        deadline = moments.read(text)
    except ValueError as problem:
        raise Refusal("PARAM_ERROR", "deadlineTime") from problem
    if deadline <= now:
        raise Refusal("PARAM_ERROR", "deadlineTime")
    return deadline


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))
