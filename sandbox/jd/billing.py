"""Bills as JD makes them: a ZIP with one CSV in GBK, yuan with two decimals, from 10:00 of the next day.

The columns' positions are those that one public parser of V2.0 reads (order number 0, amount 2, pay type 3, business
4, status 5, refunded 6, times 8 and 9, refund number 10, fee 11, account 12, memos 14 and 15, bank 16, other numbers 1,
17, 18); their titles, and columns 7 and 13, are the sandbox's own (unconfirmed). The parser strips `=`, quotes and tabs
from what looks like a number, so they are written that way.

Nothing public describes a bill of aggregate pay: that it has this shape too is an assumption (unconfirmed). So is the
second file, which says what was settled for a day and when it was paid out; its shape is the sandbox's own.
"""

import csv
import io
import sqlite3
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date

from sandbox import faults
from sandbox.jd import books, moments
from sandbox.payers.money import yuan

READY_SECONDS = 34 * 3600  # 10:00 of the next day, counted from the day's midnight
PAID_OUT_SECONDS = 33 * 3600
LINES_TITLES = (
    *("商户订单号", "京东交易号", "交易金额", "支付方式", "业务类型", "交易状态", "退款金额", "优惠金额", "交易时间"),
    *("完成时间", "退款单号", "手续费", "账户名称", "商户号", "备注", "备注2", "银行", "第三方流水号", "京东流水号"),
)
SETTLED_TITLES = (
    *("账期", "商户号", "收款笔数", "收款金额", "退款金额", "商户承担优惠", "手续费", "退还手续费", "结算金额"),
    *("结算时间", "结算流水号"),
)
_LINE_FAULTS = ("bill_missing_line", "bill_duplicate_line", "bill_changed_amount")
_NUMBERS = ("number", "out_trade_no", "out_refund_no", "transaction_id")

Lines = list[dict[str, object]]


def is_ready(day: date, now: float) -> bool:
    """Whether the bills of a Beijing day can be fetched."""
    return now >= moments.day_bounds(day)[0] + READY_SECONDS


def trades(connection: sqlite3.Connection, merchant: sqlite3.Row, day: date) -> bytes:
    """The ZIP of one merchant's payments and refunds. Must run in a `writing()` block, for the faults it uses up."""
    rows: Lines = [dict(row) for row in books.entries(connection, day, merchant["merchant_no"])]
    rows = _with_faults(connection, merchant, day, rows)
    return _zip(f"{day:%Y%m%d}ordercreate_{merchant['merchant_no']}", LINES_TITLES, (_line(r, merchant) for r in rows))


def settled(connection: sqlite3.Connection, merchant: sqlite3.Row, day: date) -> bytes:
    """The ZIP that says what was settled for a day. Must run in a `writing()` block."""
    rows = books.entries(connection, day, merchant["merchant_no"])
    payments = [row for row in rows if row["kind"] == "payment"]
    returned = [row for row in rows if row["kind"] == "refund"]
    received, refunded = _sum(payments, "total"), _sum(returned, "refund")
    coupons = _sum(payments, "merchant_coupon") - _sum(returned, "merchant_coupon")
    fee, fee_back = _sum(payments, "fee"), _sum(returned, "fee")
    if faults.taken(connection, "jd", "bill_wrong_summary", _names(merchant, day)):
        received += 1
    paid_at = moments.day_bounds(day)[0] + PAID_OUT_SECONDS
    line = (
        day.isoformat(),
        merchant["merchant_no"],
        str(len(payments)),
        *(_plain(fen) for fen in (received, refunded, coupons, fee, fee_back)),
        _plain(received - refunded - coupons - fee + fee_back),
        moments.spaced(paid_at),
        f"JS{moments.written(paid_at)}{merchant['merchant_no']}",
    )
    return _zip(f"{day:%Y%m%d}settle_{merchant['merchant_no']}", SETTLED_TITLES, [line])


def is_withheld(connection: sqlite3.Connection, merchant: sqlite3.Row, day: date) -> bool:
    """Whether a fault hides this day's bill."""
    return faults.taken(connection, "jd", "bill_missing", _names(merchant, day)) is not None


def _with_faults(connection: sqlite3.Connection, merchant: sqlite3.Row, day: date, rows: Lines) -> Lines:
    """The same lines after the faults that hit this bill; a fault names a day, a merchant or one line's number."""
    for name in _LINE_FAULTS:
        numbers = [str(row[column]) for row in rows for column in _NUMBERS if row[column]]
        fault = faults.taken(connection, "jd", name, (*_names(merchant, day), *numbers)) if rows else None
        if fault is None:
            continue
        at = next((n for n, row in enumerate(rows) if fault["number"] in [row[column] for column in _NUMBERS]), 0)
        if name == "bill_missing_line":
            rows = rows[:at] + rows[at + 1 :]
        elif name == "bill_duplicate_line":
            rows = [*rows[: at + 1], *rows[at:]]
        else:
            amount = "total" if rows[at]["kind"] == "payment" else "refund"
            rows[at] = {**rows[at], amount: int(str(rows[at][amount])) + 1}
    return rows


def _names(merchant: sqlite3.Row, day: date) -> tuple[str, ...]:
    return day.isoformat(), f"{day:%Y%m%d}", str(merchant["merchant_no"])


def _line(row: dict[str, object], merchant: sqlite3.Row) -> Sequence[str]:
    refund = row["kind"] == "refund"
    amount = int(str(row["refund" if refund else "total"]))
    fee = int(str(row["fee"]))
    discount = int(str(row["coupon"])) + int(str(row["merchant_coupon"]))
    business = ("撤销" if row["revokes"] else "退款") if refund else "消费"
    return (
        _number(row["out_trade_no"]),
        _number(row["transaction_id"]),
        _plain(-amount if refund else amount),
        "京东支付",
        business,
        "成功",
        _plain(amount if refund else 0),
        _plain(-discount if refund else discount),
        moments.spaced(float(str(row["traded_at"]))),
        moments.spaced(float(str(row["booked_at"]))),
        _number(row["out_refund_no"] or ""),
        _plain(-fee if refund else fee),
        str(merchant["name"]),
        _number(merchant["merchant_no"]),
        "",
        "",
        str(row["card"]),
        "-1",
        _number(row["number"]),
    )


def _sum(rows: Iterable[sqlite3.Row], column: str) -> int:
    return sum(row[column] for row in rows)


def _plain(fen: int) -> str:
    return ("-" if fen < 0 else "") + yuan(abs(fen)).replace(",", "")


def _number(text: object) -> str:
    """Kept from becoming a number of a spreadsheet."""
    return f'="{text}"\t' if text else ""


def _zip(name: str, titles: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    table = io.StringIO(newline="")
    # QUOTE_NONE: the quotes of ="..." stand as they are. A comma inside a name would break the line, so there is none.
    writer = csv.writer(table, quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\r\n")
    writer.writerow(titles)
    for line in lines:
        writer.writerow([value.replace(",", "，").replace("\r", " ").replace("\n", " ") for value in line])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", table.getvalue().encode("gbk", "replace"))
    return packed.getvalue()
