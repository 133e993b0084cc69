"""Instant reductions: what a wallet takes off a payment, by a rule that holds or once for the next payment."""

import sqlite3
from dataclasses import dataclass

MOST = 3_000  # fen; the announcement's thirty yuan a payment
FUNDERS = ("wallet", "merchant", "other")
NAMES = {"wechat": "微信支付立减", "jdpay": "京东扫码付立减"}


class BadRule(ValueError):
    """The rule cannot be; the text says why."""


@dataclass(frozen=True)
class Rule:
    """`amount` fen off a payment of at least `minimum` fen; `upcoming` ones are gone after one payment."""

    upcoming: bool
    amount: int
    minimum: int
    name: str
    funder: str


def set_rule(connection: sqlite3.Connection, payer: str, wallet: str, rule: Rule) -> None:
    """Put a rule in force; an `amount` of 0 ends it. Raises BadRule."""
    if not 0 <= rule.amount <= MOST:
        raise BadRule("立减每笔最多 30 元")
    if rule.minimum < 0 or rule.funder not in FUNDERS or not rule.name.strip():
        raise BadRule("minimum >= 0, funder: wallet, merchant 或 other, name 不能空")
    end(connection, payer, wallet, upcoming=rule.upcoming)
    if rule.amount:
        connection.execute(
            "INSERT INTO payer_rules (payer, wallet, upcoming, amount, minimum, name, funder)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (payer, wallet, int(rule.upcoming), rule.amount, rule.minimum, rule.name, rule.funder),
        )


def end(connection: sqlite3.Connection, payer: str, wallet: str, *, upcoming: bool) -> None:
    """Take a rule away."""
    connection.execute(
        "DELETE FROM payer_rules WHERE payer = ? AND wallet = ? AND upcoming = ?", (payer, wallet, int(upcoming))
    )


def rules(connection: sqlite3.Connection, payer: str, wallet: str) -> list[Rule]:
    """The rules in force, the one for the next payment first."""
    rows = connection.execute(
        "SELECT * FROM payer_rules WHERE payer = ? AND wallet = ? ORDER BY upcoming DESC", (payer, wallet)
    )
    return [Rule(bool(row["upcoming"]), row["amount"], row["minimum"], row["name"], row["funder"]) for row in rows]


def due(connection: sqlite3.Connection, payer: str, wallet: str, total: int) -> tuple[Rule, int] | None:
    """The rule that this payment of `total` fen gets and how much it takes off; the payer always gives a fen."""
    for rule in rules(connection, payer, wallet):
        amount = min(rule.amount, total - 1)
        if total >= rule.minimum and amount > 0:
            return rule, amount
    return None
