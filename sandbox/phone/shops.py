"""Names of the shops behind orders, for the wallets' histories: as the phones saw them, else as the acquirer knows."""

import sqlite3
from collections.abc import Iterable

Connection = sqlite3.Connection

_WHERE = (
    "SELECT shop FROM phone_runs WHERE number = ? AND shop <> '' ORDER BY started_at DESC LIMIT 1",
    "SELECT m.name AS shop FROM wechat_orders o JOIN wechat_merchants m USING (sub_mchid) WHERE o.out_trade_no = ?",
    "SELECT m.short_name AS shop FROM jd_orders o JOIN jd_merchants m USING (merchant_no) WHERE o.out_trade_no = ?",
)


def names(connection: Connection, numbers: Iterable[str]) -> dict[str, str]:
    """The shop of each order number; a number that nobody can name is left out."""
    found = {number: _name(connection, number) for number in set(numbers)}
    return {number: name for number, name in found.items() if name}


def _name(connection: Connection, number: str) -> str:
    for question in _WHERE:
        row = connection.execute(question, (number,)).fetchone()
        if row is not None:
            return str(row["shop"])
    return ""
