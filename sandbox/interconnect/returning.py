"""Refunds of routed payments: the acquirer accepts one, its part flows back over the clearing to the account side.

WeChat Pay decides and books its refunds itself; this follows them and keeps the clearing's own record. The payer's
money is moved by whoever executes the refund, never here.
"""

import sqlite3

from sandbox import clock
from sandbox.interconnect import states
from sandbox.store import Store

_STATES = {"PROCESSING": "REFUNDING", "SUCCESS": "REFUNDED", "ABNORMAL": "RETURNED", "CLOSED": "RETURNED"}


def follow_due(store: Store) -> None:
    """Write down what has become of the acquirer's refunds since the last look."""
    with store.reading() as connection:
        if not _changed(connection):
            return
    with store.writing() as connection:
        for row in _changed(connection):
            _follow(connection, row)


def _changed(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Refunds of routed payments whose record is missing or behind. Only cleared payments can flow back."""
    return [
        row
        for row in connection.execute(
            "SELECT w.out_refund_no, w.refund_id, w.refund, w.payer_refund, w.state, p.clearing_no, r.state AS kept"
            " FROM wechat_refunds w JOIN interconnect_payments p USING (out_trade_no)"
            " LEFT JOIN interconnect_refunds r USING (refund_id)"
            " WHERE p.state IN ('CLEARED', 'SETTLED') AND coalesce(r.state, '') <> 'REFUNDED'"
        )
        if row["kept"] != _STATES[row["state"]]
    ]


def _follow(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    now, target = clock.now(connection), _STATES[row["state"]]
    if row["kept"] is None:
        connection.execute(
            "INSERT INTO interconnect_refunds (refund_id, clearing_no, out_refund_no, amount, payer_amount, state,"
            " asked_at) VALUES (?, ?, ?, ?, ?, 'REFUNDING', ?)",
            (*(row[name] for name in ("refund_id", "clearing_no", "out_refund_no", "refund", "payer_refund")), now),
        )
        states.note(connection, row["clearing_no"], row["refund_id"], "REFUNDING", now)
    if target == "REFUNDING":
        return
    states.move_refund(connection, row["clearing_no"], row["refund_id"], target, now)
    if target == "REFUNDED":
        connection.execute(
            "UPDATE interconnect_refunds SET cleared_at = ? WHERE refund_id = ?", (now, row["refund_id"])
        )
