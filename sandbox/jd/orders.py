"""Orders at JD, whatever contract placed them: kept, found, paid."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox import clock
from sandbox.jd import books, moments, notices
from sandbox.jd.refusals import Refusal
from sandbox.payers.money import Paid


class CannotPay(Exception):
    """The payer cannot pay this order now. `reason` is unknown, paid or closed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Wish:
    """What a merchant asks for. `asked` is what may not differ when he asks again under the same number.

    `total` in fen, 0 where the payer types it (`typed`). `deadline_at` in unix seconds.
    """

    out_trade_no: str
    total: int
    version: str
    product_name: str
    notify_url: str
    deadline_at: float
    asked: tuple[str, ...]
    return_url: str = ""
    return_params: str = ""
    note: str = ""
    device: str = ""
    trade_time: str = ""
    typed: bool = False


def place(connection: sqlite3.Connection, merchant_no: str, wish: Wish) -> sqlite3.Row:
    """The order; the same values again give the same order. Raises Refusal."""
    known = find(connection, merchant_no, wish.out_trade_no)
    if known is None:
        return _inserted(connection, merchant_no, wish)
    if known["asked"] != _written(wish):
        raise Refusal("ORDER_REPEATED", wish.out_trade_no)
    if state_of(known) == "FINISH":
        raise Refusal("ORDER_PAID", wish.out_trade_no)
    if state_of(known) == "CLOSE":
        raise Refusal("ORDER_CLOSED", wish.out_trade_no)
    return known


def find(connection: sqlite3.Connection, merchant_no: str, out_trade_no: str) -> sqlite3.Row | None:
    """The merchant's order of this number."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT *, ? AS seen_at FROM jd_orders WHERE merchant_no = ? AND out_trade_no = ?",
        (clock.now(connection), merchant_no, out_trade_no),
    ).fetchone()
    return row


def known(connection: sqlite3.Connection, merchant_no: str, out_trade_no: str) -> sqlite3.Row:
    """The same, for whoever must have it. Raises Refusal ORDER_NOT_EXIST."""
    order = find(connection, merchant_no, out_trade_no)
    if order is None:
        raise Refusal("ORDER_NOT_EXIST", out_trade_no)
    return order


def by_token(connection: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The order that the cashier's address names, with the shop's name as `shop_name`."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT jd_orders.*, jd_merchants.short_name AS shop_name, ? AS seen_at FROM jd_orders JOIN jd_merchants"
        " USING (merchant_no) WHERE token = ?",
        (clock.now(connection), token),
    ).fetchone()
    return row


def state_of(order: sqlite3.Row) -> str:
    """PROCESSING, FINISH or CLOSE; an unpaid order closes by itself at its deadline."""
    if order["state"] == "PROCESSING" and order["deadline_at"] <= order["seen_at"]:
        return "CLOSE"
    return str(order["state"])


def payable(connection: sqlite3.Connection, token: str) -> sqlite3.Row:
    """The open order that the cashier's address names. Raises CannotPay."""
    order = by_token(connection, token)
    if order is None:
        raise CannotPay("unknown")
    if state_of(order) != "PROCESSING":
        raise CannotPay("paid" if order["state"] == "FINISH" else "closed")
    return order


def pay(
    connection: sqlite3.Connection, *, token: str, paid: Paid | None = None, total: int | None = None
) -> dict[str, Any]:
    """The payer confirmed: the order is paid, booked, and its notice is in the outbox, in the caller's block.

    `paid` is what the wallet settled (None: the payer gives the whole price); `total` in fen is the price that the
    payer typed, where the order left it open. Raises CannotPay.
    """
    order = payable(connection, token)
    total = order["total"] or total or 0
    paid = paid or Paid(total, (), "OTHERS", "")
    merchant_coupon = sum(grant.amount for grant in paid.promotions if grant.funder == "merchant")
    now = order["seen_at"]
    row: sqlite3.Row = connection.execute(
        "UPDATE jd_orders SET state = 'FINISH', paid_at = ?, transaction_id = ?, channel_no_seq = ?, total = ?,"
        " payer_total = ?, coupon = ?, merchant_coupon = ?, coupon_name = ?, card = ?, bank_type = ? WHERE token = ?"
        " RETURNING *",
        (
            now,
            f"JP{moments.written(now)}{digits(12)}",
            f"{moments.written(now)}{digits(8)}",
            total,
            paid.payer_total,
            total - paid.payer_total - merchant_coupon,
            merchant_coupon,
            "、".join(grant.name for grant in paid.promotions),
            paid.card,
            paid.bank_type,
            token,
        ),
    ).fetchone()
    books.book_payment(connection, row)
    notices.tell_payment(connection, row)
    return {**dict(row), "shop_name": order["shop_name"]}


def close(connection: sqlite3.Connection, order: sqlite3.Row) -> None:
    """The merchant takes an unpaid order back."""
    connection.execute(
        "UPDATE jd_orders SET state = 'CLOSE' WHERE token = ? AND state = 'PROCESSING'", (order["token"],)
    )


def has_arrived_refund(connection: sqlite3.Connection, order: sqlite3.Row) -> bool:
    """Whether any part of the order has gone back."""
    return bool(
        connection.execute(
            "SELECT 1 FROM jd_refunds WHERE merchant_no = ? AND out_trade_no = ? AND state = 'FINISH' LIMIT 1",
            (order["merchant_no"], order["out_trade_no"]),
        ).fetchone()
    )


def digits(count: int) -> str:
    """That many random digits."""
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _written(wish: Wish) -> str:
    return json.dumps(wish.asked, ensure_ascii=False)


def _inserted(connection: sqlite3.Connection, merchant_no: str, wish: Wish) -> sqlite3.Row:
    now = clock.now(connection)
    connection.execute(
        "INSERT INTO jd_orders (merchant_no, out_trade_no, trade_no, token, asked, version, product_name, notify_url,"
        " return_url, return_params, note, device, trade_time, typed, total, payer_total, created_at, deadline_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            merchant_no,
            wish.out_trade_no,
            f"{moments.written(now)}{digits(14)}",
            secrets.token_urlsafe(24),
            _written(wish),
            wish.version,
            wish.product_name,
            wish.notify_url,
            wish.return_url,
            wish.return_params,
            wish.note,
            wish.device,
            wish.trade_time,
            int(wish.typed),
            wish.total,
            wish.total,
            now,
            wish.deadline_at,
        ),
    )
    return known(connection, merchant_no, wish.out_trade_no)
