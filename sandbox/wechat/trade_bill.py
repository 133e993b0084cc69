"""The trade bill of a day, line by line: payments by success, refunds by acceptance (partner docs 4013080599).

It is a snapshot of the next morning at nine: asked for later, the same bytes come. A bill can be wrong on purpose;
what is wrong with it was decided when it was asked for.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from sandbox.wechat import bill_text
from sandbox.wechat.times import bill_time, day_bounds

SNAPSHOT_SECONDS = 9 * 3600
LINE_FAULTS = ("bill_missing_line", "bill_changed_amount", "bill_duplicate_line")
_ORDER = (
    "o.sp_appid, o.sp_mchid, o.sub_mchid, o.device_id, o.transaction_id, o.out_trade_no, o.payer_openid,"
    " o.trade_type, o.bank_type, o.description, o.attach, o.total, o.payer_total, o.fee, m.rate_bp"
)
_PAYMENTS = (
    f"SELECT 'payment' AS kind, o.paid_at AS at, o.out_trade_no AS number, {_ORDER}, l.amount AS lie,"  # noqa: S608
    " NULL AS refund_id, NULL AS out_refund_no, NULL AS refund, NULL AS payer_refund, NULL AS fee_back,"
    " NULL AS abnormal_at, NULL AS success_at, NULL AS closed_at FROM wechat_orders o"
    " JOIN wechat_merchants m USING (sub_mchid)"
    " LEFT JOIN wechat_lies l ON l.number = o.out_trade_no"
    " WHERE o.paid_at >= ?1 AND o.paid_at < ?2 AND ?3 IN ('', o.sub_mchid)"
)
_REFUNDS = (
    f"SELECT 'refund' AS kind, r.accepted_at AS at, r.out_refund_no AS number, {_ORDER}, l.amount AS lie,"  # noqa: S608
    " r.refund_id, r.out_refund_no, r.refund, r.payer_refund, r.fee_back, r.abnormal_at, r.success_at, r.closed_at"
    " FROM wechat_refunds r"
    " JOIN wechat_orders o USING (out_trade_no) JOIN wechat_merchants m ON m.sub_mchid = o.sub_mchid"
    " LEFT JOIN wechat_lies l ON l.number = r.out_refund_no"
    " WHERE r.accepted_at >= ?1 AND r.accepted_at < ?2 AND ?3 IN ('', o.sub_mchid)"
)
_SELECTS = {
    "ALL": f"{_PAYMENTS} UNION ALL {_REFUNDS} ORDER BY at, number",
    "SUCCESS": f"{_PAYMENTS} ORDER BY at, number",
    "REFUND": f"{_REFUNDS} ORDER BY at, number",
}

# The summary's columns, and the columns of the lines that they add up.
_SUMMED = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}


@dataclass(frozen=True)
class Wish:
    """Which bill. `faults` maps a fault's name to the number of the line it is about, "" for the first line."""

    day: date
    kind: str = "ALL"
    sub_mchid: str = ""
    faults: dict[str, str] = field(default_factory=dict)


@dataclass
class _Sums:
    count: int = 0
    amounts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SUMMED.values(), 0))

    def add(self, numbers: dict[str, int]) -> None:
        self.count += 1
        for name in self.amounts:
            self.amounts[name] += numbers[name]


def exists(connection: sqlite3.Connection, wish: Wish) -> bool:
    """Whether anything happened on that day."""
    return connection.execute(_SELECTS[wish.kind] + " LIMIT 1", _values(wish)).fetchone() is not None


def lines(connection: sqlite3.Connection, wish: Wish) -> Iterator[str]:
    """The whole file, a line at a time."""
    columns, sums = bill_text.TRADE_COLUMNS[wish.kind], _Sums()
    yield bill_text.header(columns, first=True)
    for row, copies, more in _chosen(connection, wish):
        numbers = _amounts(row, more)
        values = _texts(row, wish.day) | {name: bill_text.yuan(fen) for name, fen in numbers.items()}
        values["手续费"] = bill_text.fee(numbers["手续费"])
        for _ in range(copies):
            sums.add(numbers)
            yield bill_text.line(columns, values)
    summary = bill_text.TRADE_SUMMARIES[wish.kind]
    yield bill_text.header(summary)
    yield bill_text.line(summary, _summed(sums, "bill_wrong_summary" in wish.faults))


def number_in(connection: sqlite3.Connection, wish: Wish, number: str) -> str | None:
    """The line that goes by `number` (an order's or a refund's, ours or WeChat's), None when there is none."""
    start, end = day_bounds(wish.day)
    row = connection.execute(
        "SELECT out_trade_no AS number FROM wechat_orders WHERE ?1 IN (out_trade_no, transaction_id)"
        " AND paid_at >= ?2 AND paid_at < ?3 AND ?4 IN ('', sub_mchid)"
        " UNION ALL SELECT out_refund_no FROM wechat_refunds WHERE ?1 IN (out_refund_no, refund_id)"
        " AND accepted_at >= ?2 AND accepted_at < ?3 AND ?4 IN ('', sub_mchid)",
        (number, start, end, wish.sub_mchid),
    ).fetchone()
    return None if row is None else str(row["number"])


def _chosen(connection: sqlite3.Connection, wish: Wish) -> Iterator[tuple[sqlite3.Row, int, int]]:
    """Every row with how often it is written and by how many fen it lies."""
    cursor = connection.execute(_SELECTS[wish.kind], _values(wish))
    for position, row in enumerate(cursor):
        hit = {name for name, number in wish.faults.items() if number == row["number"] or not (number or position)}
        copies = 0 if "bill_missing_line" in hit else 2 if "bill_duplicate_line" in hit else 1
        yield row, copies, int("bill_changed_amount" in hit)


def _values(wish: Wish) -> tuple[float, float, str]:
    return (*day_bounds(wish.day), wish.sub_mchid)


def _amounts(row: sqlite3.Row, more: int) -> dict[str, int]:
    """Fen of every money column."""
    if row["kind"] == "payment":
        total = (row["total"] if row["lie"] is None else row["lie"]) + more
        coupons = row["total"] - row["payer_total"]
        return _money(应结订单金额=total, 代金券金额=coupons, 手续费=row["fee"], 订单金额=total)
    refund = (row["refund"] if row["lie"] is None else row["lie"]) + more
    coupons = row["refund"] - row["payer_refund"]
    return _money(退款金额=refund, 充值券退款金额=coupons, 手续费=-row["fee_back"], 申请退款金额=refund)


def _money(**known: int) -> dict[str, int]:
    names = ("应结订单金额", "代金券金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
    return {name: known.get(name, 0) for name in names}


def _texts(row: sqlite3.Row, day: date) -> dict[str, str]:
    is_refund = row["kind"] == "refund"
    escaped = bill_text.of_refund if is_refund else bill_text.of_payment
    values = {
        "交易时间": bill_time(row["at"]),
        "公众账号ID": row["sp_appid"],
        "商户号": row["sp_mchid"],
        "特约商户号": row["sub_mchid"],
        "设备号": escaped(row["device_id"] or ""),
        "微信订单号": row["transaction_id"],
        "商户订单号": row["out_trade_no"],
        "用户标识": row["payer_openid"] or "",
        "交易类型": row["trade_type"],
        "交易状态": "REFUND" if is_refund else "SUCCESS",
        "付款银行": row["bank_type"],
        "货币种类": "CNY",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款类型": "",
        "退款状态": "",
        "商品名称": escaped(row["description"]),
        "商户数据包": escaped(row["attach"] or ""),
        "费率": f"{bill_text.yuan(row['rate_bp'])}%",
        "费率备注": "",
    }
    return values | _refund_texts(row, day) if is_refund else values


def _refund_texts(row: sqlite3.Row, day: date) -> dict[str, str]:
    """As the refund stood when the bill was made, whatever became of it since."""
    taken_at = day_bounds(day)[1] + SNAPSHOT_SECONDS
    state = "PROCESSING"
    for name, column in (("CHANGE", "abnormal_at"), ("FAIL", "closed_at"), ("SUCCESS", "success_at")):
        if row[column] is not None and row[column] <= taken_at:
            state = name
    return {
        "退款申请时间": bill_time(row["at"]),
        "退款成功时间": bill_time(row["success_at"]) if state == "SUCCESS" else "",
        "微信退款单号": row["refund_id"],
        "商户退款单号": row["out_refund_no"],
        "退款类型": "ORIGINAL",
        "退款状态": state,
    }


def _summed(sums: _Sums, is_wrong: bool) -> dict[str, str]:
    told = {name: bill_text.yuan(sums.amounts[column]) for name, column in _SUMMED.items()}
    told["手续费总金额"] = bill_text.fee(sums.amounts["手续费"])
    return told | {"总交易单数": str(sums.count + int(is_wrong))}
