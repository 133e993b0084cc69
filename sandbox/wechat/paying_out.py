"""What a sub-merchant has received by midnight goes to its bank the next morning at six: a withdrawal by the system.

Nothing tells the provider but the sub-merchant's fund-flow bill. An account that the bank did not verify is not paid
out to; its money waits.
"""

import sqlite3
from datetime import date, timedelta

from sandbox import clock
from sandbox.store import Store
from sandbox.wechat.fund_bill import balance_before
from sandbox.wechat.times import day_bounds, day_of, number_of_day

AFTER_MIDNIGHT_SECONDS = 6 * 3600


def pay_out_due(store: Store) -> None:
    """Pay out every day whose next morning has come, one transaction a day."""
    while True:
        with store.reading() as connection:
            day = _next_day(connection)
        if day is None:
            return
        with store.writing() as connection:
            if _next_day(connection) == day:
                pay_out(connection, day)


def advance(connection: sqlite3.Connection) -> None:
    """The same inside a `writing()` block, all days at once."""
    while (day := _next_day(connection)) is not None:
        pay_out(connection, day)


def pay_out(connection: sqlite3.Connection, day: date) -> None:
    """The withdrawals of one Beijing day."""
    midnight = day_bounds(day)[1]
    accounts = connection.execute("SELECT * FROM wechat_accounts WHERE verify_result <> 'VERIFY_FAIL'").fetchall()
    for account in accounts:
        amount = balance_before(connection, account["sub_mchid"], midnight)
        if amount > 0:
            at = midnight + AFTER_MIDNIGHT_SECONDS
            words = f"自动提现至{account['account_bank']}尾号{account['number_masked'][-4:]}"
            connection.execute(
                "INSERT INTO wechat_withdrawals (sub_mchid, day, number, amount, account, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (account["sub_mchid"], day.isoformat(), number_of_day("1120", 28, at), amount, words, at),
            )
    connection.execute("DELETE FROM wechat_settled_days")
    connection.execute("INSERT INTO wechat_settled_days (day) VALUES (?)", (day.isoformat(),))


def _next_day(connection: sqlite3.Connection) -> date | None:
    """The first day that is not paid out although it should be, None when all are."""
    last = connection.execute("SELECT day FROM wechat_settled_days").fetchone()
    if last is not None:
        day = date.fromisoformat(last["day"]) + timedelta(days=1)
    else:
        first = connection.execute("SELECT min(paid_at) FROM wechat_orders WHERE paid_at IS NOT NULL").fetchone()[0]
        if first is None:
            return None
        day = day_of(first)
    return day if clock.now(connection) >= day_bounds(day)[1] + AFTER_MIDNIGHT_SECONDS else None
