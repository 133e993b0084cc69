"""What JD believes, to the fen: one entry per payment and per arrived refund, written with the fact itself."""

import sqlite3
from datetime import date
from typing import Any

from sandbox.jd import moments
from sandbox.jd.shares import half_up

_BASIS = 10_000


def fee_of(settled: int, basis_points: int) -> int:
    """JD's fee for one payment in fen, on what is settled with the merchant: half a fen goes up."""
    return half_up(settled * basis_points, _BASIS)


def returned_fee(fee: int, *, refund: int, total: int) -> int:
    """The part of the fee that comes back with a refund, in fen: pro rata, half a fen goes up."""
    return half_up(fee * refund, total)


def book_payment(connection: sqlite3.Connection, order: sqlite3.Row) -> None:
    """Enter a paid order, with the fee of the merchant's contract."""
    basis_points = connection.execute(
        "SELECT fee_bp FROM jd_merchants WHERE merchant_no = ?", (order["merchant_no"],)
    ).fetchone()["fee_bp"]
    connection.execute(
        "INSERT INTO jd_entries (number, merchant_no, out_trade_no, transaction_id, kind, total, payer_total, coupon,"
        " merchant_coupon, fee, card, traded_at, booked_at) VALUES (?, ?, ?, ?, 'payment', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order["trade_no"],
            order["merchant_no"],
            order["out_trade_no"],
            order["trade_no"],
            order["total"],
            order["payer_total"],
            order["coupon"],
            order["merchant_coupon"],
            fee_of(order["total"] - order["merchant_coupon"], basis_points),
            order["card"],
            order["created_at"],
            order["paid_at"],
        ),
    )


def book_refund(connection: sqlite3.Connection, refund: sqlite3.Row, order: sqlite3.Row) -> None:
    """Enter an arrived refund, with the part of the fee that comes back; all parts together never exceed the fee.

    `coupon` and `merchant_coupon` of a refund are the shares that go back to JD and to the merchant; the rest of
    `refund` goes to the payer.
    """
    fee, back = connection.execute(
        "SELECT sum(fee) FILTER (WHERE kind = 'payment'), coalesce(sum(fee) FILTER (WHERE kind = 'refund'), 0)"
        " FROM jd_entries WHERE transaction_id = ?",
        (order["trade_no"],),
    ).fetchone()
    connection.execute(
        "INSERT INTO jd_entries (number, merchant_no, out_trade_no, out_refund_no, transaction_id, kind, revokes,"
        " total, payer_total, coupon, merchant_coupon, refund, fee, card, traded_at, booked_at)"
        " VALUES (?, ?, ?, ?, ?, 'refund', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            refund["refund_no"],
            refund["merchant_no"],
            refund["out_trade_no"],
            refund["out_refund_no"],
            order["trade_no"],
            refund["revokes"],
            order["total"],
            order["payer_total"],
            refund["coupon_part"],
            refund["merchant_part"],
            refund["amount"],
            min(fee - back, returned_fee(fee, refund=refund["amount"], total=order["total"])),
            refund["went_to"],
            refund["created_at"],
            refund["finished_at"],
        ),
    )


def entries(connection: sqlite3.Connection, day: date, merchant_no: str | None = None) -> list[sqlite3.Row]:
    """The rows of one Beijing day, of all merchants or of one, oldest first."""
    start, end = moments.day_bounds(day)
    return connection.execute(
        "SELECT * FROM jd_entries WHERE booked_at >= ? AND booked_at < ? AND merchant_no = coalesce(?, merchant_no)"
        " ORDER BY booked_at, number",
        (start, end, merchant_no),
    ).fetchall()


def books(connection: sqlite3.Connection, day: date) -> list[dict[str, Any]]:
    """The entries of one Beijing day. Amounts are fen; `fee` is charged on a payment and given back on a refund.

    `coupon` and `merchant_coupon` are parts of a payment's `total`, and of a refund's `refund`.
    """
    return [
        {
            "merchant_no": row["merchant_no"],
            "out_trade_no": row["out_trade_no"],
            "out_refund_no": row["out_refund_no"],
            "transaction_id": row["transaction_id"],
            "number": row["number"],
            "kind": row["kind"],
            "total": row["total"],
            "payer_total": row["payer_total"],
            "coupon": row["coupon"],
            "merchant_coupon": row["merchant_coupon"],
            "refund": row["refund"],
            "fee": row["fee"],
            "at": moments.iso(row["booked_at"]),
            "state": "REFUND" if row["kind"] == "refund" else "FINISH",
        }
        for row in entries(connection, day)
    ]


def alter(connection: sqlite3.Connection, number: str, amount: int) -> bool:
    """Make the books lie: another amount (fen) for one entry, found by any of its numbers. Orders stay as they are."""
    row = connection.execute(
        "SELECT number FROM jd_entries WHERE number = ?1 OR out_refund_no = ?1"
        " OR (kind = 'payment' AND out_trade_no = ?1)",
        (number,),
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        "UPDATE jd_entries SET total = CASE kind WHEN 'payment' THEN ?1 ELSE total END,"
        " refund = CASE kind WHEN 'refund' THEN ?1 ELSE refund END WHERE number = ?2",
        (amount, row["number"]),
    )
    return True
