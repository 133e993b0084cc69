"""The provider's own accounts with WeChat Pay, from which transfers to people are paid."""

import secrets
import sqlite3
from dataclasses import dataclass

from sandbox import clock
from sandbox.wechat.times import number_of_day

FIRST = {"BASIC": 1_000_000, "OPERATION": 10_000_000}  # fen, paid in on the first day


@dataclass(frozen=True)
class Flow:
    """One movement; `amount` in fen, negative for money that leaves. `voucher` is the provider's own number."""

    account: str
    business: str
    name: str
    kind: str
    amount: int
    remark: str = ""
    voucher: str = ""
    asked_by: str = "system"


def open_accounts(connection: sqlite3.Connection) -> None:
    """Pay in the first money, once."""
    if connection.execute("SELECT 1 FROM wechat_funds LIMIT 1").fetchone() is not None:
        return
    for account, amount in FIRST.items():
        pay_in(connection, account, amount)


def pay_in(connection: sqlite3.Connection, account: str, amount: int) -> None:
    """The provider tops up an account, or, with a negative amount, takes money out of it."""
    number = number_of_day("1240", 28, clock.now(connection))
    move(connection, Flow(account, number, "充值/提现", "充值" if amount > 0 else "提现", amount, voucher=number))


def balance(connection: sqlite3.Connection, account: str) -> int:
    """What stands on an account, in fen."""
    row = connection.execute(
        "SELECT balance FROM wechat_funds WHERE account = ? ORDER BY id DESC LIMIT 1", (account,)
    ).fetchone()
    return 0 if row is None else int(row["balance"])


def move(connection: sqlite3.Connection, flow: Flow) -> None:
    """Book one movement. The caller has looked that the account can bear it."""
    now = clock.now(connection)
    connection.execute(
        "INSERT INTO wechat_funds (account, at, business, flow, name, kind, amount, balance, asked_by, remark, voucher)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            flow.account,
            now,
            flow.business,
            number_of_day("1000", 26, now) + secrets.token_hex(2),
            flow.name,
            flow.kind,
            flow.amount,
            balance(connection, flow.account) + flow.amount,
            flow.asked_by,
            flow.remark,
            flow.voucher,
        ),
    )
