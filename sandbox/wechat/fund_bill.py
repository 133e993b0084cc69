"""The fund-flow bills of a day: what moved on a sub-merchant's account, and on the provider's own (4013080600).

A sub-merchant's flows follow from its payments, refunds and withdrawals; fees are rows of their own. Money for a
refund leaves at acceptance, and comes back when the refund is closed. The account may go below zero here: the sandbox
lends, and the next day's money fills it.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date

from sandbox.wechat import bill_text
from sandbox.wechat.times import bill_time, day_bounds

_ORDERS = "FROM wechat_orders WHERE sub_mchid = ?1 AND paid_at >= ?2 AND paid_at < ?3"
_ACCEPTED = "FROM wechat_refunds WHERE sub_mchid = ?1 AND accepted_at >= ?2 AND accepted_at < ?3"
_CLOSED = "FROM wechat_refunds WHERE sub_mchid = ?1 AND closed_at >= ?2 AND closed_at < ?3"
_PARTS = (
    f"SELECT paid_at AS at, 1 AS step, transaction_id AS business, '交易' AS name, '交易' AS kind, total AS amount,"
    f" 'system' AS asked_by, '' AS remark, out_trade_no AS voucher {_ORDERS}",
    "SELECT paid_at, 2, transaction_id, '交易', '扣除交易手续费', -fee, 'system', '', out_trade_no"
    f" {_ORDERS} AND fee > 0",
    f"SELECT accepted_at, 3, refund_id, '退款', '退款', -refund, 'API', '', out_refund_no {_ACCEPTED}",
    "SELECT accepted_at, 4, refund_id, '退款', '退还交易手续费', fee_back, 'API', '', out_refund_no"
    f" {_ACCEPTED} AND fee_back > 0",
    f"SELECT closed_at, 5, refund_id, '退款', '退款关闭', refund, 'system', '', out_refund_no {_CLOSED}",
    "SELECT closed_at, 6, refund_id, '退款', '扣除交易手续费', -fee_back, 'system', '', out_refund_no"
    f" {_CLOSED} AND fee_back > 0",
    "SELECT at, 7, number, '充值/提现', '提现', -amount, 'system', account, number FROM wechat_withdrawals"
    " WHERE sub_mchid = ?1 AND at >= ?2 AND at < ?3",
)
_FLOWS = " UNION ALL ".join(_PARTS)


def balance_before(connection: sqlite3.Connection, sub_mchid: str, moment: float) -> int:
    """What stood on a sub-merchant's basic account at a moment, in fen."""
    total = connection.execute(f"SELECT coalesce(sum(amount), 0) FROM ({_FLOWS})", (sub_mchid, 0, moment))  # noqa: S608
    return int(total.fetchone()[0])


def merchant_exists(connection: sqlite3.Connection, sub_mchid: str, day: date) -> bool:
    """Whether anything moved on the sub-merchant's account that day."""
    found = connection.execute(f"{_FLOWS} LIMIT 1", (sub_mchid, *day_bounds(day))).fetchone()
    return found is not None


def merchant_lines(connection: sqlite3.Connection, sub_mchid: str, day: date) -> Iterator[str]:
    """The whole file of a sub-merchant's basic account, a line at a time."""
    bounds = day_bounds(day)
    rows = connection.execute(f"{_FLOWS} ORDER BY at, business, step", (sub_mchid, *bounds))
    return _lines(_with_balance(rows, balance_before(connection, sub_mchid, bounds[0])))


def provider_exists(connection: sqlite3.Connection, account: str, day: date) -> bool:
    """Whether anything moved on one of the provider's accounts that day."""
    return connection.execute(_OWN + " LIMIT 1", (account, *day_bounds(day))).fetchone() is not None


def provider_lines(connection: sqlite3.Connection, account: str, day: date) -> Iterator[str]:
    """The whole file of one of the provider's accounts, a line at a time."""
    return _lines(dict(row) for row in connection.execute(_OWN + " ORDER BY id", (account, *day_bounds(day))))


_OWN = "SELECT * FROM wechat_funds WHERE account = ? AND at >= ? AND at < ?"


def _with_balance(rows: sqlite3.Cursor, balance: int) -> Iterator[dict[str, object]]:
    for row in rows:
        balance += row["amount"]
        yield dict(row) | {"flow": f"{row['business']}{row['step']:02d}", "balance": balance}


def _lines(flows: Iterator[dict]) -> Iterator[str]:
    counts, sums = {"收入": 0, "支出": 0}, {"收入": 0, "支出": 0}
    yield bill_text.header(bill_text.FUND_COLUMNS, first=True)
    for flow in flows:
        way = "收入" if flow["amount"] > 0 else "支出"
        counts[way] += 1
        sums[way] += abs(flow["amount"])
        yield bill_text.line(bill_text.FUND_COLUMNS, _values(flow, way))
    told = {"资金流水总笔数": str(sum(counts.values()))}
    for way in counts:
        told |= {f"{way}笔数": str(counts[way]), f"{way}金额": bill_text.yuan(sums[way])}
    yield bill_text.header(bill_text.FUND_SUMMARY)
    yield bill_text.line(bill_text.FUND_SUMMARY, told)


def _values(flow: dict, way: str) -> dict[str, str]:
    return {
        "记账时间": bill_time(flow["at"]),
        "微信支付业务单号": flow["business"],
        "资金流水单号": flow["flow"],
        "业务名称": flow["name"],
        "业务类型": flow["kind"],
        "收支类型": way,
        "收支金额(元)": bill_text.yuan(abs(flow["amount"])),
        "账户结余(元)": bill_text.yuan(flow["balance"]),
        "资金变更提交申请人": flow["asked_by"],
        "备注": bill_text.of_fund(flow["remark"]),
        "业务凭证号": bill_text.of_fund(flow["voucher"]),
    }
