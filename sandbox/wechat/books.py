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
    entries = [(row["paid_at"], _payment(row)) for row in payments]
    entries += [(row["accepted_at"], _refund(row)) for row in refunds]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def _payment(row: sqlite3.Row) -> dict[str, object]:
    return {
        "kind": "payment",
        "sub_mchid": row["sub_mchid"],
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "total": row["total"],
        "payer_total": row["payer_total"],
        "refund": 0,
        "fee": row["fee"],
        "at": rfc3339(row["paid_at"]),
        "state": row["state"],
    }


def _refund(row: sqlite3.Row) -> dict[str, object]:
    return {
        "kind": "refund",
        "sub_mchid": row["sub_mchid"],
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "out_refund_no": row["out_refund_no"],
        "refund_id": row["refund_id"],
        "total": row["total"],
        "payer_total": row["payer_total"],
        "refund": row["refund"],
        "fee": row["fee_back"],
        "at": rfc3339(row["accepted_at"]),
        "state": row["state"],
    }
