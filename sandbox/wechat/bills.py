"""Asking for a bill (partner docs 4013080595 trades, 4013080596 funds, 4012760249 a sub-merchant's funds).

A day's bill is made from nine the next morning and can be fetched from ten, for three months, never for today.
"""

import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta

from sandbox import clock, faults
from sandbox.keys import Keys
from sandbox.wechat import arriving, bill_files, fund_bill, paying_out, trade_bill
from sandbox.wechat.bill_text import TRADE_COLUMNS
from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Text, query_text
from sandbox.wechat.merchants import merchant, refuse_without_product
from sandbox.wechat.order_rules import MCHID
from sandbox.wechat.times import day_bounds, day_of

READY_SECONDS = 10 * 3600  # after midnight
MONTHS = 3
DOWNLOAD = "/wechat/v3/billdownload/file"
_DAY = Text(10, pattern=r"\d{4}-\d{2}-\d{2}")
Query = Mapping[str, str]
Answer = dict[str, object]


def trades(connection: sqlite3.Connection, mchid: str, query: Query, url: str) -> Answer:
    """The trade bill of one sub-merchant, or of all of them in one file."""
    day = _day(connection, query)
    kind = _choice(query, "bill_type", tuple(TRADE_COLUMNS), "ALL")
    sub_mchid = query_text(query, "sub_mchid", MCHID) if "sub_mchid" in query else ""
    if sub_mchid:
        merchant(connection, sub_mchid)
    wish = trade_bill.Wish(day, kind, sub_mchid)
    if not trade_bill.exists(connection, wish):
        raise _nothing()
    wrong = _wrong_on_purpose(connection, wish)
    file = bill_files.Wish("trade", day.isoformat(), kind, sub_mchid, _gzip(query), wrong)
    return bill_files.offer(connection, mchid, url, file)


def funds(connection: sqlite3.Connection, mchid: str, query: Query, url: str) -> Answer:
    """The fund-flow bill of one of the provider's own accounts."""
    day = _day(connection, query)
    account = _choice(query, "account_type", ("BASIC", "OPERATION", "FEES"), "BASIC")
    if not fund_bill.provider_exists(connection, account, day):
        raise _nothing()
    return bill_files.offer(
        connection, mchid, url, bill_files.Wish("provider", day.isoformat(), account, gzip=_gzip(query))
    )


def merchant_funds(connection: sqlite3.Connection, keys: Keys, mchid: str, query: Query, url: str) -> Answer:
    """The fund-flow bill of a sub-merchant, encrypted, in one file or several."""
    sub_mchid = query_text(query, "sub_mchid", MCHID)
    refuse_without_product(connection, "FUND_BILL")
    if connection.execute("SELECT 1 FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone() is None:
        raise Refused(403, "NO_AUTH", "sub_mchid不是服务商的子商户")
    day = _day(connection, query)
    account = _choice(query, "account_type", ("BASIC", "OPERATION", "FEES", "DEPOSIT"), None)
    if _choice(query, "algorithm", ("AEAD_AES_256_GCM", "SM4_GCM"), None) == "SM4_GCM":
        raise wrong_field("algorithm", "沙盒只提供AEAD_AES_256_GCM", "SM4_GCM", location="query")
    if account != "BASIC" or not fund_bill.merchant_exists(connection, sub_mchid, day):
        raise _nothing()
    wish = bill_files.Wish("merchant", day.isoformat(), account, sub_mchid, _gzip(query))
    parts = bill_files.offer_parts(connection, mchid, url, wish, keys.wechat_merchant_key)
    return {"download_bill_count": len(parts), "download_bill_list": parts}


def _day(connection: sqlite3.Connection, query: Query) -> date:
    text = query_text(query, "bill_date", _DAY)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise wrong_field("bill_date", "不是日期", text, location="query") from None
    now = clock.now(connection)
    today = day_of(now)
    if day >= today:
        raise against_the_rules("账单日期须早于今天")
    if day < _months_before(today):
        raise against_the_rules("仅支持下载三个月以内的账单，请检查bill_date")
    if now < day_bounds(day)[1] + READY_SECONDS:
        raise Refused(400, "STATEMENT_CREATING", "账单生成中，请在次日上午10点以后再获取")
    if faults.taken(connection, "wechat", "bill_missing", (text,)):
        raise Refused(400, "STATEMENT_CREATING", "账单生成中，请间隔半小时后重试")
    arriving.advance(connection)  # the clock may just have jumped over what belongs to that day
    paying_out.advance(connection)
    return day


def _months_before(today: date) -> date:
    first = today.replace(day=1)
    for _ in range(MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=today.day - 1), following - timedelta(days=1))


def _wrong_on_purpose(connection: sqlite3.Connection, wish: trade_bill.Wish) -> dict[str, str]:
    """The faults armed for this day, or for a line of it, with the line each is about."""
    wrong: dict[str, str] = {}
    for name in (*trade_bill.LINE_FAULTS, "bill_wrong_summary"):
        armed = connection.execute(
            "SELECT DISTINCT number FROM faults WHERE institution = 'wechat' AND name = ? AND times_left > 0", (name,)
        )
        lines = {row["number"]: trade_bill.number_in(connection, wish, row["number"]) for row in armed.fetchall()}
        found = {number: line for number, line in lines.items() if line is not None}
        fault = faults.taken(connection, "wechat", name, (wish.day.isoformat(), *found))
        if fault is not None:
            wrong[name] = found.get(fault["number"], "")
    return wrong


def _gzip(query: Query) -> bool:
    return _choice(query, "tar_type", ("GZIP",), "") == "GZIP"


def _choice(query: Query, name: str, choices: tuple[str, ...], otherwise: str | None) -> str:
    """One of `choices`; `otherwise` where it may be left out."""
    if name not in query and otherwise is not None:
        return otherwise
    value = query_text(query, name, Text(32))
    if value not in choices:
        raise wrong_field(name, "枚举值不在可选范围内", value, location="query")
    return value


def _nothing() -> Refused:
    return Refused(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
