"""A sub-merchant's own printed code: the payer types the amount, WeChat makes the order itself.

Nobody placed these orders through the API, so their numbers are WeChat's. Their trade_type is NATIVE, as for any code
that the payer scans; what the real ones carry is not public.
"""

import secrets
import sqlite3

from sandbox import clock
from sandbox.payers.money import Paid
from sandbox.wechat.merchants import merchant
from sandbox.wechat.orders import BY, NotPayable, book, shown
from sandbox.wechat.times import number_of_day

PREFIX = "https://payapp.weixin.qq.com/materialqr/entry/home?id="
TRADE_TYPE = "NATIVE"
DESCRIPTION = "向商家付款"
MOST = 5_000_000  # fen; what one payment by a static code may be at most here


def open_code(connection: sqlite3.Connection, sub_mchid: str) -> str:
    """One more printed code for a sub-merchant; gives its text. Raises Refused for an unknown sub-merchant."""
    merchant(connection, sub_mchid)
    text = PREFIX + secrets.token_urlsafe(24)
    connection.execute(
        "INSERT INTO wechat_static_codes (text, sub_mchid, opened_at) VALUES (?, ?, ?)",
        (text, sub_mchid, clock.now(connection)),
    )
    return text


def by_code(connection: sqlite3.Connection, text: str) -> dict[str, str] | None:
    """`text`, `sub_mchid`, `merchant_name` of a scanned code; None when WeChat did not give it out."""
    row = connection.execute(
        "SELECT c.text, c.sub_mchid, m.name AS merchant_name FROM wechat_static_codes c"
        " JOIN wechat_merchants m USING (sub_mchid) WHERE c.text = ?",
        (text.strip(),),
    ).fetchone()
    return dict(row) if row is not None else None


def every(connection: sqlite3.Connection) -> list[dict[str, str]]:
    """All codes, oldest first."""
    rows = connection.execute(
        "SELECT c.text, c.sub_mchid, m.name AS merchant_name FROM wechat_static_codes c"
        " JOIN wechat_merchants m USING (sub_mchid) ORDER BY c.opened_at, c.rowid"
    )
    return [dict(row) for row in rows]


def new_number(connection: sqlite3.Connection) -> str:
    """The out_trade_no of the next such order: settle the payer's part under it, then call `pay` with it."""
    return number_of_day("1000", 28, clock.now(connection))


def pay(
    connection: sqlite3.Connection,
    *,
    code: str,
    amount: int,
    paid: Paid,
    openid: str | None,
    notify_url: str,
    number: str | None = None,
) -> dict[str, object]:
    """The payer scanned `code` and gave `amount` fen: an order that is born paid, and its notice.

    `number` is what `new_number` gave (and what the payer's part was settled under); without it a fresh one is made.
    A payer of another wallet has no `openid`. Must run in a `writing()` block. Gives the order as a query answers it.
    Raises NotPayable; then nothing has changed.
    """
    known = by_code(connection, code)
    if known is None:
        raise NotPayable("没有这个收款码")
    if not 1 <= amount <= MOST:
        raise NotPayable("付款金额不对")
    now = clock.now(connection)
    number = number or new_number(connection)
    connection.execute(
        "INSERT INTO wechat_orders (out_trade_no, sub_mchid, sp_mchid, sp_appid, trade_type, static_code, request,"
        " description, notify_url, total, created_at, expires_at)"
        " SELECT ?, ?, value, (SELECT value FROM keys WHERE name = 'wechat_sp_appid'), ?, ?, '', ?, ?, ?, ?, ?"
        " FROM keys WHERE name = 'wechat_sp_mchid'",
        (
            number,
            known["sub_mchid"],
            TRADE_TYPE,
            known["text"],
            f"{DESCRIPTION}（{known['merchant_name']}）",
            notify_url,
            amount,
            now,
            now + 60,
        ),
    )
    book(connection, number, openid, paid)
    return shown(connection.execute(BY["out_trade_no"], (number,)).fetchone(), now)
