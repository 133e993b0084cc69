"""What went out of a person's account at one wallet and what came back, newest first."""

import sqlite3
from dataclasses import dataclass

from sandbox.payers.accounts import BALANCE, BALANCE_NAMES, account
from sandbox.payers.money import Grant, grants


@dataclass(frozen=True)
class Entry:
    """`kind` is payment, refund or subsidy. Amounts in fen, all positive.

    `total` is what the shop received or gave back, `payer_part` what left or reached the payer's `source_id` (`source`
    is its name), `promotion_part` what others gave or got back. `number` is the institution's order, or the deed that
    brought a subsidy.
    """

    kind: str
    institution: str
    number: str
    refund_number: str
    total: int
    payer_part: int
    promotion_part: int
    grants: tuple[Grant, ...]
    source_id: str
    source: str
    static_code: bool
    at: float


def entries(connection: sqlite3.Connection, payer: str, wallet: str, count: int) -> list[Entry]:
    """The newest `count` of each kind, mixed by time."""
    found = _payments(connection, payer, wallet, count) + _refunds(connection, payer, wallet, count)
    if wallet == "jdpay":
        found += _subsidies(connection, payer)
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:count]


def _payments(connection: sqlite3.Connection, payer: str, wallet: str, count: int) -> list[Entry]:
    holder = account(connection, payer, wallet)
    rows = connection.execute(
        "SELECT * FROM payer_payments WHERE payer = ? AND wallet = ? ORDER BY paid_at DESC LIMIT ?",
        (payer, wallet, count),
    ).fetchall()
    return [
        Entry(
            kind="payment",
            institution=row["institution"],
            number=row["number"],
            refund_number="",
            total=row["total"],
            payer_part=row["payer_total"],
            promotion_part=row["total"] - row["payer_total"],
            grants=grants(connection, row["institution"], row["number"]),
            source_id=row["source"],
            source=holder.source_name(row["source"]),
            static_code=bool(row["static_code"]),
            at=row["paid_at"],
        )
        for row in rows
    ]


def _refunds(connection: sqlite3.Connection, payer: str, wallet: str, count: int) -> list[Entry]:
    holder = account(connection, payer, wallet)
    rows = connection.execute(
        "SELECT r.*, p.source, p.static_code FROM payer_refunds r JOIN payer_payments p USING (institution, number)"
        " WHERE p.payer = ? AND p.wallet = ? ORDER BY r.returned_at DESC LIMIT ?",
        (payer, wallet, count),
    ).fetchall()
    return [
        Entry(
            kind="refund",
            institution=row["institution"],
            number=row["number"],
            refund_number=row["refund_number"],
            total=row["payer_part"] + row["promotion_part"],
            payer_part=row["payer_part"],
            promotion_part=row["promotion_part"],
            grants=(),
            source_id=row["source"],
            source=holder.source_name(row["source"]),
            static_code=bool(row["static_code"]),
            at=row["returned_at"],
        )
        for row in rows
    ]


def _subsidies(connection: sqlite3.Connection, payer: str) -> list[Entry]:
    rows = connection.execute("SELECT * FROM payer_subsidies WHERE payer = ?", (payer,)).fetchall()
    return [
        Entry(
            kind="subsidy",
            institution="jd",
            number=row["deed"],
            refund_number="",
            total=row["amount"],
            payer_part=row["amount"],
            promotion_part=0,
            grants=(),
            source_id=BALANCE,
            source=BALANCE_NAMES["jdpay"],
            static_code=False,
            at=row["done_at"],
        )
        for row in rows
    ]
