"""What a routed payment and its refunds go through. The words are a model: no public specification exists.

A payment inside one institution (a WeChat payer at a WeChat code) needs no clearing and ends at AUTHORISED.
"""

import sqlite3

ON = {
    "RESOLVED": ("CREATED",),
    "CREATED": ("USER_CONFIRMING",),
    "USER_CONFIRMING": ("AUTHORISED", "REVERSED"),
    "AUTHORISED": ("CLEARED", "REVERSED"),
    "CLEARED": ("SETTLED",),
    "SETTLED": (),
    "REVERSED": (),
}
REFUND_ON = {"REFUNDING": ("REFUNDED", "RETURNED"), "REFUNDED": (), "RETURNED": ("REFUNDED",)}


class OutOfOrder(RuntimeError):
    """A state does not follow on the one before."""


def move(connection: sqlite3.Connection, clearing_no: str, state: str, now: float) -> None:
    """Lead a payment to its next state and write the step down. Raises OutOfOrder."""
    (before,) = connection.execute(
        "SELECT state FROM interconnect_payments WHERE clearing_no = ?", (clearing_no,)
    ).fetchone()
    if state not in ON[before]:
        raise OutOfOrder(f"{before} -> {state}")
    connection.execute("UPDATE interconnect_payments SET state = ? WHERE clearing_no = ?", (state, clearing_no))
    note(connection, clearing_no, "payment", state, now)


def move_refund(connection: sqlite3.Connection, clearing_no: str, refund_id: str, state: str, now: float) -> None:
    """The same for one refund, which has been written down as REFUNDING. Raises OutOfOrder."""
    (before,) = connection.execute(
        "SELECT state FROM interconnect_refunds WHERE refund_id = ?", (refund_id,)
    ).fetchone()
    if state not in REFUND_ON[before]:
        raise OutOfOrder(f"{before} -> {state}")
    connection.execute("UPDATE interconnect_refunds SET state = ? WHERE refund_id = ?", (state, refund_id))
    note(connection, clearing_no, refund_id, state, now)


def note(connection: sqlite3.Connection, clearing_no: str, subject: str, state: str, now: float) -> None:
    """Write a step down; `subject` is `payment` or a refund's number."""
    connection.execute(
        "INSERT INTO interconnect_steps (clearing_no, subject, state, at) VALUES (?, ?, ?, ?)",
        (clearing_no, subject, state, now),
    )


def steps(connection: sqlite3.Connection, clearing_no: str) -> list[dict[str, object]]:
    """Everything that happened to a payment, in order."""
    rows = connection.execute(
        "SELECT subject, state, at FROM interconnect_steps WHERE clearing_no = ? ORDER BY id", (clearing_no,)
    )
    return [dict(row) for row in rows]
