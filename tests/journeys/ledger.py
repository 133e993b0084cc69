"""The portal's ledger and the institutions' books, read from outside and laid side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.journeys.running import Running


@dataclass(frozen=True)
class Owed:
    """What one institution owes one merchant, in fen, and how it came to that."""

    received: int
    refunded: int
    fee: int
    owed: int


def ledger_of(running: Running, merchant_id: int) -> dict[str, Owed]:
    """By acquirer, from the portal's transfers."""
    with psycopg.connect(running.database_url("portal_staff")) as connection:
        rows = connection.execute(
            "SELECT kind, debit, credit, amount FROM transfers WHERE merchant_id = %s", (merchant_id,)
        ).fetchall()
    found = {}
    for acquirer in ("wechat", "jdpay"):
        sums = {
            kind: sum(
                amount for k, debit, credit, amount in rows if k == kind and f"clearing:{acquirer}" in (debit, credit)
            )
            for kind in ("payment", "fee", "refund_arrived", "fee_returned")
        }
        fee = sums["fee"] - sums["fee_returned"]
        owed = sums["payment"] - sums["refund_arrived"] - fee
        found[acquirer] = Owed(sums["payment"], sums["refund_arrived"], fee, owed)
    return found


def books_of(running: Running, numbers: Mapping[str, str], day: str) -> dict[str, Owed]:
    """By acquirer, from the institutions' own books; `numbers` are the sub-merchant numbers by acquirer."""
    totals = running.books(day)["totals"]
    return {
        "wechat": _owed(totals["wechat"].get(numbers["wechat"])),
        "jdpay": _owed(totals["jd"].get(numbers["jdpay"])),
    }


def sub_merchants(running: Running, merchant_id: int) -> dict[str, str]:
    """The merchant's number at each acquirer."""
    with psycopg.connect(running.database_url("portal_staff")) as connection:
        rows = connection.execute(
            "SELECT acquirer, sub_merchant_no FROM contracts WHERE merchant_id = %s", (merchant_id,)
        )
        return dict(rows.fetchall())


def merchant_named(running: Running, name: str) -> int:
    """The merchant's number by his shop's name."""
    with psycopg.connect(running.database_url("portal_staff")) as connection:
        row = connection.execute("SELECT merchant_id FROM merchants WHERE name = %s", (name,)).fetchone()
    assert row is not None, f"no merchant named {name}"
    return int(row[0])


def rows(running: Running, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Whatever a test wants to see of the database."""
    with psycopg.connect(running.database_url("portal_staff")) as connection:
        return connection.execute(query, values).fetchall()


def _owed(total: Mapping[str, int] | None) -> Owed:
    if total is None:
        return Owed(0, 0, 0, 0)
    return Owed(total["received"], total["refunded"], total["fee"] - total["fee_returned"], total["owed"])
