"""What becomes of routed payments by themselves, and the file that each member fetches the next morning.

The file is text: a line of names, a line for every cleared payment and refund, a last line with the sums. Business
days are Beijing's. Its layout is this sandbox's own; no public one exists.
"""

import csv
import io
import sqlite3
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from sandbox import clock, faults
from sandbox.interconnect import notices, states
from sandbox.interconnect.directory import OWN
from sandbox.store import Store

CLEAR_SECONDS = 1.0  # of the business clock, between the payer's yes and the clearing
SETTLES_AT = time(9)  # of the next morning
READY_AT = time(10)
NAMES = (
    *("kind", "clearing_no", "number", "account_side", "acquirer", "merchant_no", "transaction_id", "out_trade_no"),
    *("amount", "payer_amount", "promotion_amount", "cleared_at"),
)
INSTITUTION = "interconnect"


class NotReady(Exception):
    """The file of this day cannot be fetched yet."""


def advancing(notify_url: str) -> Callable[[Store], None]:
    """A watch that clears what was authorised, tells the member who paid, and settles on the next morning."""

    def advance(store: Store) -> None:
        with store.reading() as connection:
            if not (_to_clear(connection) or _to_settle(connection)):
                return
        with store.writing() as connection:
            for row in _to_clear(connection):
                _clear(connection, row, notify_url)
            for row in _to_settle(connection):
                _settle(connection, row)

    return advance


def file_of(connection: sqlite3.Connection, day: date) -> str:
    """The clearing file of one day. Raises NotReady before ten o'clock of the next. Needs a `writing()` block."""
    if clock.now(connection) < _moment(day + timedelta(days=1), READY_AT):
        raise NotReady
    if faults.take(connection, INSTITUTION, "bill_missing", day.isoformat()):
        raise NotReady
    entries = _entries(connection, day)
    summed = list(entries)
    if entries and faults.take(connection, INSTITUTION, "bill_missing_line", day.isoformat()):
        entries = entries[1:]
    if entries and faults.take(connection, INSTITUTION, "bill_duplicate_line", day.isoformat()):
        entries = [entries[0], *entries]
    if entries and faults.take(connection, INSTITUTION, "bill_changed_amount", day.isoformat()):
        entries = [{**entries[0], "amount": int(str(entries[0]["amount"])) + 1}, *entries[1:]]
    wrong = int(faults.take(connection, INSTITUTION, "bill_wrong_summary", day.isoformat()))
    return _written(entries, summed, wrong)


def books(connection: sqlite3.Connection, day: date) -> list[dict[str, object]]:
    """What the institution cleared on one Beijing day, oldest first."""
    return _entries(connection, day)


def _written(entries: list[dict[str, object]], summed: list[dict[str, object]], wrong: int) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, NAMES, lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    payments = [int(str(entry["amount"])) for entry in summed if entry["kind"] == "payment"]
    refunds = [int(str(entry["amount"])) for entry in summed if entry["kind"] == "refund"]
    last = ("total", len(payments), sum(payments) + wrong, len(refunds), sum(refunds))
    text.write(",".join(map(str, last)) + "\n")
    return text.getvalue()


def _entries(connection: sqlite3.Connection, day: date) -> list[dict[str, object]]:
    bounds = (_moment(day, time()), _moment(day + timedelta(days=1), time()))
    payments = connection.execute(
        "SELECT * FROM interconnect_payments WHERE cleared_at >= ? AND cleared_at < ?", bounds
    ).fetchall()
    refunds = connection.execute(
        "SELECT p.*, r.refund_id, r.amount AS back, r.payer_amount AS payer_back, r.cleared_at AS back_at"
        " FROM interconnect_refunds r JOIN interconnect_payments p USING (clearing_no)"
        " WHERE r.cleared_at >= ? AND r.cleared_at < ?",
        bounds,
    ).fetchall()
    entries = [
        _entry(row, "payment", row["clearing_no"], row["amount"], row["payer_amount"], row["cleared_at"])
        for row in payments
    ]
    entries += [
        _entry(row, "refund", row["refund_id"], row["back"], row["payer_back"], row["back_at"]) for row in refunds
    ]
    return sorted(entries, key=lambda entry: (str(entry["cleared_at"]), str(entry["number"])))


def _entry(
    row: sqlite3.Row, kind: str, number: str, amount: int, payer_amount: int, cleared_at: float
) -> dict[str, object]:
    shared = ("clearing_no", "account_side", "acquirer", "merchant_no", "transaction_id", "out_trade_no")
    return {
        **{name: row[name] or "" for name in shared},
        "kind": kind,
        "number": number,
        "amount": amount,
        "payer_amount": payer_amount,
        "promotion_amount": amount - payer_amount,
        "cleared_at": clock.beijing(int(cleared_at)).isoformat(),
    }


def _to_clear(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM interconnect_payments WHERE state = 'AUTHORISED' AND account_side <> acquirer"
        " AND authorised_at <= ? ORDER BY authorised_at",
        (clock.now(connection) - CLEAR_SECONDS,),
    ).fetchall()


def _clear(connection: sqlite3.Connection, row: sqlite3.Row, notify_url: str) -> None:
    """The acquirer tells of its own sub-merchants' payments; all that is left to tell is whose wallet it was."""
    now = clock.now(connection)
    states.move(connection, row["clearing_no"], "CLEARED", now)
    cleared = connection.execute(
        "UPDATE interconnect_payments SET cleared_at = ? WHERE clearing_no = ? RETURNING *", (now, row["clearing_no"])
    ).fetchone()
    if row["holding"] == OWN:
        notices.tell(connection, notify_url, cleared, notices.ROUTED)


def _settle(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    now = clock.now(connection)
    states.move(connection, row["clearing_no"], "SETTLED", now)
    connection.execute(
        "UPDATE interconnect_payments SET settled_at = ? WHERE clearing_no = ?", (now, row["clearing_no"])
    )


def _to_settle(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    now = clock.now(connection)
    today = clock.beijing(now)
    if today.time() < SETTLES_AT:
        return []
    midnight = _moment(today.date(), time())
    return connection.execute(
        "SELECT * FROM interconnect_payments WHERE state = 'CLEARED' AND cleared_at < ?", (midnight,)
    ).fetchall()


def _moment(day: date, at: time) -> float:
    return datetime.combine(day, at, clock.BEIJING).timestamp()
