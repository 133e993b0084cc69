"""Refunds: taken at once, arrived after `refund_seconds`, in part or in whole, always to the payer who paid."""

import secrets
import sqlite3
import time
from typing import Any

from sandbox.jd import books, moments, notices, orders
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal
from sandbox.notifier import Notifier
from sandbox.settings import setting
from sandbox.store import Store


def take(connection: sqlite3.Connection, request: Request) -> sqlite3.Row:
    """The refund of a `refund` request; the same values again give the same refund. Raises Refusal."""
    out_trade_no, out_refund_no = request.number("outTradeNo"), request.number("outRefundNo")
    amount, notify_url = request.fen("amount"), request.url("notifyUrl")
    known = find(connection, request.merchant_no, out_refund_no)
    if known is not None:
        if (known["out_trade_no"], known["amount"], known["notify_url"]) != (out_trade_no, amount, notify_url):
            raise Refusal("REFUND_REPEATED", out_refund_no)
        return known
    order = orders.find(connection, request.merchant_no, out_trade_no)
    if order is None:
        raise Refusal("ORDER_NOT_EXIST", out_trade_no)
    if order["state"] != "FINISH":
        raise Refusal("ORDER_NOT_PAID", out_trade_no)
    if order["refunded"] + amount > order["total"]:
        raise Refusal("REFUND_EXCEEDS", str(order["total"] - order["refunded"]))
    now = time.time()
    connection.execute(
        "UPDATE jd_orders SET refunded = refunded + ? WHERE merchant_no = ? AND out_trade_no = ?",
        (amount, request.merchant_no, out_trade_no),
    )
    row: sqlite3.Row = connection.execute(
        "INSERT INTO jd_refunds (merchant_no, out_refund_no, out_trade_no, refund_no, version, amount, notify_url,"
        " created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            request.merchant_no,
            out_refund_no,
            out_trade_no,
            f"{moments.written(now)}{secrets.randbelow(10**14):014d}",
            request.version,
            amount,
            notify_url,
            now,
            now + setting(connection, "refund_seconds"),
        ),
    ).fetchone()
    return row


def find(connection: sqlite3.Connection, merchant_no: str, out_refund_no: str) -> sqlite3.Row | None:
    """The merchant's refund of this number."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jd_refunds WHERE merchant_no = ? AND out_refund_no = ?", (merchant_no, out_refund_no)
    ).fetchone()
    return row


def facts(connection: sqlite3.Connection, refund: sqlite3.Row) -> dict[str, Any]:
    """What an answer, a query and a notice tell of a refund. Amounts are fen, as text."""
    return notices.refund_facts(refund, _order_of(connection, refund))


def finish_due(store: Store, notifier: Notifier) -> None:
    """Let every refund arrive whose time has come: booked and its notice in the outbox in one transaction."""
    with store.reading() as connection:
        due = connection.execute(
            "SELECT merchant_no, out_refund_no FROM jd_refunds WHERE state = 'PROCESSING' AND due_at <= ?",
            (time.time(),),
        ).fetchall()
    for row in due:
        with store.writing() as connection:
            _finish(connection, notifier, row["merchant_no"], row["out_refund_no"])


def _finish(connection: sqlite3.Connection, notifier: Notifier, merchant_no: str, out_refund_no: str) -> None:
    refund = connection.execute(
        "UPDATE jd_refunds SET state = 'FINISH', finished_at = ?"
        " WHERE merchant_no = ? AND out_refund_no = ? AND state = 'PROCESSING' RETURNING *",
        (time.time(), merchant_no, out_refund_no),
    ).fetchone()
    if refund is None:
        return
    order = _order_of(connection, refund)
    books.book_refund(connection, refund, order)
    notices.tell_refund(connection, notifier, refund, order)


def _order_of(connection: sqlite3.Connection, refund: sqlite3.Row) -> sqlite3.Row:
    order = orders.find(connection, refund["merchant_no"], refund["out_trade_no"])
    if order is None:
        raise LookupError(refund["out_trade_no"])
    return order
