"""What WeChat Pay believes happened on a day: payments by success, refunds by acceptance (partner docs 4013080595)."""

import sqlite3
from datetime import date

from sandbox.wechat.times import day_bounds, rfc3339


def books(connection: sqlite3.Connection, day: date) -> list[dict[str, object]]:
    """Entries of one Beijing day, oldest first; amounts in fen. A refund's `fee` is the fee given back."""
    start, end = day_bounds(day)
    payments = connection.execute(
        "SELECT * FROM wechat_orders WHERE paid_at >= ? AND paid_at < ?", (start, end)
    ).fetchall()
    refunds = connection.execute(
        "SELECT r.*, o.transaction_id, o.total, o.payer_total FROM wechat_refunds r"
        " JOIN wechat_orders o USING (out_trade_no)"
        " WHERE r.accepted_at >= ? AND r.accepted_at < ?",
        (start, end),
    ).fetchall()
    lies = {row["number"]: row["amount"] for row in connection.execute("SELECT number, amount FROM wechat_lies")}
    entries = [(row["paid_at"], _payment(row, lies)) for row in payments]
    entries += [(row["accepted_at"], _refund(row, lies)) for row in refunds]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def alter(connection: sqlite3.Connection, number: str, amount: int) -> bool:
    """Make the books lie: another amount (fen) for one entry, found by any of its numbers. Orders stay as they are."""
    row = connection.execute(
        "SELECT out_trade_no AS number FROM wechat_orders"
        " WHERE paid_at IS NOT NULL AND ?1 IN (out_trade_no, transaction_id)"
        " UNION SELECT out_refund_no FROM wechat_refunds WHERE ?1 IN (out_refund_no, refund_id)",
        (number,),
    ).fetchone()
    if row is None:
        return False
    connection.execute("INSERT OR REPLACE INTO wechat_lies (number, amount) VALUES (?, ?)", (row["number"], amount))
    return True


def _payment(row: sqlite3.Row, lies: dict[str, int]) -> dict[str, object]:
    return {
        "kind": "payment",
        "sub_mchid": row["sub_mchid"],
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "total": lies.get(row["out_trade_no"], row["total"]),
        "payer_total": row["payer_total"],
        "discount": row["total"] - row["payer_total"],
        "refund": 0,
        "fee": row["fee"],
        "at": rfc3339(row["paid_at"]),
        "state": row["state"],
    }


def _refund(row: sqlite3.Row, lies: dict[str, int]) -> dict[str, object]:
    """A closed refund stays in the books and moves nothing: the money never left the shop for good."""
    stands = int(row["state"] != "CLOSED")
    return {
        "kind": "refund",
        "sub_mchid": row["sub_mchid"],
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "out_refund_no": row["out_refund_no"],
        "refund_id": row["refund_id"],
        "total": row["total"],
        "payer_total": row["payer_total"],
        "refund": lies.get(row["out_refund_no"], row["refund"] * stands),
        "payer_refund": row["payer_refund"] * stands,
        "discount_refund": (row["refund"] - row["payer_refund"]) * stands,
        "fee": row["fee_back"] * stands,
        "at": rfc3339(row["accepted_at"]),
        "state": row["state"],
    }
