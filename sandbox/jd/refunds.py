"""Refunds at JD, whatever contract asked for them: taken at once, arrived after `refund_seconds`, or closed.

JD's aggregate pay has no state for "could not reach the payer": such a refund is CLOSE, and its amount can be refunded
again under another number. V2.0 tells the two apart (`failed`).
"""

import sqlite3
from dataclasses import dataclass

from sandbox import clock, faults
from sandbox.jd import books, moments, notices, orders, shares
from sandbox.jd.refusals import Refusal
from sandbox.jd.shares import Shares
from sandbox.payers import money
from sandbox.settings import setting
from sandbox.store import Store

INSTITUTION = "jd"


@dataclass(frozen=True)
class Wish:
    """A refund asked for; `amount` in fen. `revokes`: the merchant took the whole payment back."""

    out_refund_no: str
    out_trade_no: str
    amount: int
    version: str
    notify_url: str = ""
    note: str = ""
    trade_time: str = ""
    revokes: bool = False


def take(connection: sqlite3.Connection, merchant_no: str, wish: Wish) -> sqlite3.Row:
    """The refund; the same values again give the same refund. Raises Refusal."""
    kept = find(connection, merchant_no, wish.out_refund_no)
    if kept is not None:
        same = (wish.out_trade_no, wish.amount, wish.notify_url)
        if (kept["out_trade_no"], kept["amount"], kept["notify_url"]) != same:
            raise Refusal("REFUND_REPEATED", wish.out_refund_no)
        return kept
    order = orders.known(connection, merchant_no, wish.out_trade_no)
    if order["state"] != "FINISH":
        raise Refusal("ORDER_NOT_PAID", wish.out_trade_no)
    if order["refunded"] + wish.amount > order["total"]:
        raise Refusal("REFUND_EXCEEDS", str(order["total"] - order["refunded"]))
    if faults.taken(connection, INSTITUTION, "not_enough", (wish.out_refund_no, wish.out_trade_no)):
        raise Refusal("BALANCE_NOT_ENOUGH")
    return _inserted(connection, order, wish)


def find(connection: sqlite3.Connection, merchant_no: str, out_refund_no: str) -> sqlite3.Row | None:
    """The merchant's refund of this number."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jd_refunds WHERE merchant_no = ? AND out_refund_no = ?", (merchant_no, out_refund_no)
    ).fetchone()
    return row


def known(connection: sqlite3.Connection, merchant_no: str, out_refund_no: str) -> sqlite3.Row:
    """The same, for whoever must have it. Raises Refusal REFUND_NOT_EXIST."""
    refund = find(connection, merchant_no, out_refund_no)
    if refund is None:
        raise Refusal("REFUND_NOT_EXIST", out_refund_no)
    return refund


def of_order(connection: sqlite3.Connection, order: sqlite3.Row) -> list[sqlite3.Row]:
    """All refunds of an order, oldest first."""
    return connection.execute(
        "SELECT * FROM jd_refunds WHERE merchant_no = ? AND out_trade_no = ? ORDER BY created_at, out_refund_no",
        (order["merchant_no"], order["out_trade_no"]),
    ).fetchall()


def finish_due(store: Store) -> None:
    """Let every refund end whose time has come: state, books, the payer's money and notice in one transaction."""
    with store.reading() as connection:
        due = connection.execute(
            "SELECT merchant_no, out_refund_no FROM jd_refunds WHERE state = 'PROCESSING' AND due_at <= ?",
            (clock.now(connection),),
        ).fetchall()
    for row in due:
        with store.writing() as connection:
            refund = known(connection, row["merchant_no"], row["out_refund_no"])
            if refund["state"] == "PROCESSING":
                _finish(connection, refund)


def _inserted(connection: sqlite3.Connection, order: sqlite3.Row, wish: Wish) -> sqlite3.Row:
    now, parts = clock.now(connection), _parts(connection, order, wish.amount)
    connection.execute(
        "UPDATE jd_orders SET refunded = refunded + ? WHERE trade_no = ?", (wish.amount, order["trade_no"])
    )
    row: sqlite3.Row = connection.execute(
        "INSERT INTO jd_refunds (merchant_no, out_refund_no, out_trade_no, refund_no, version, amount, payer_part,"
        " coupon_part, merchant_part, revokes, notify_url, note, trade_time, created_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            order["merchant_no"],
            wish.out_refund_no,
            wish.out_trade_no,
            f"{moments.written(now)}{orders.digits(14)}",
            wish.version,
            wish.amount,
            parts.payer,
            parts.coupon,
            parts.merchant,
            int(wish.revokes),
            wish.notify_url,
            wish.note,
            wish.trade_time,
            now,
            now + setting(connection, "refund_seconds"),
        ),
    ).fetchone()
    return row


def _parts(connection: sqlite3.Connection, order: sqlite3.Row, amount: int) -> Shares:
    """Pro rata; refunds that were closed have given nothing back."""
    back = connection.execute(
        "SELECT coalesce(sum(payer_part), 0), coalesce(sum(coupon_part), 0), coalesce(sum(merchant_part), 0)"
        " FROM jd_refunds WHERE merchant_no = ? AND out_trade_no = ? AND state <> 'CLOSE'",
        (order["merchant_no"], order["out_trade_no"]),
    ).fetchone()
    whole = Shares(order["payer_total"], order["coupon"], order["merchant_coupon"])
    return shares.of_refund(amount, whole=whole, back=Shares(*back))


def _finish(connection: sqlite3.Connection, refund: sqlite3.Row) -> None:
    order = orders.known(connection, refund["merchant_no"], refund["out_trade_no"])
    numbers = (refund["out_refund_no"], refund["refund_no"], refund["out_trade_no"], order["trade_no"])
    failed = faults.taken(connection, INSTITUTION, "refund_abnormal", numbers) is not None
    failed = failed or not money.can_receive(connection, institution=INSTITUTION, number=order["trade_no"])
    if failed or faults.taken(connection, INSTITUTION, "refund_closed", numbers):
        _close(connection, refund, order, failed=failed)
        return
    now = clock.now(connection)
    went_to = money.give_back(
        connection,
        institution=INSTITUTION,
        number=order["trade_no"],
        refund_number=refund["refund_no"],
        payer_part=refund["payer_part"],
        promotion_part=refund["coupon_part"] + refund["merchant_part"],
        now=now,
    )
    arrived = connection.execute(
        "UPDATE jd_refunds SET state = 'FINISH', finished_at = ?, went_to = ? WHERE refund_no = ? RETURNING *",
        (now, went_to, refund["refund_no"]),
    ).fetchone()
    books.book_refund(connection, arrived, order)
    notices.tell_refund(connection, arrived, order)


def _close(connection: sqlite3.Connection, refund: sqlite3.Row, order: sqlite3.Row, *, failed: bool) -> None:
    closed = connection.execute(
        "UPDATE jd_refunds SET state = 'CLOSE', failed = ? WHERE refund_no = ? RETURNING *",
        (int(failed), refund["refund_no"]),
    ).fetchone()
    connection.execute(
        "UPDATE jd_orders SET refunded = refunded - ? WHERE trade_no = ?", (refund["amount"], order["trade_no"])
    )
    notices.tell_refund(connection, closed, order)
