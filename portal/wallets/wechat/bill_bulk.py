"""A whole trade bill as one query, for millions of lines: the same lines that `bill_kinds` reads one by one.

Only for a bill in which every line is as plain as nearly all are: a payment or a refund, in yuan with two decimals.
What is anything else is told as `odd`; the bill is then read line by line, by the reader that knows what to say of it.
"""

import codecs
from pathlib import Path

from portal.wallets.bills import BulkSum, BulkTrades
from portal.wallets.wechat import words
from portal.wallets.wechat.bill_kinds import ALL
from portal.wallets.wechat.bill_lines import MOST_LINE_BYTES

_PIECE = 1024 * 1024
_UTF8 = codecs.getincrementaldecoder("utf-8")
# Fees may have five decimals of a yuan, everything else has two.
_FEE_DECIMALS = 5
# The column of each sum in the query, its unit as a power of ten of a yuan.
_SUMS = {
    "应结订单总金额": ("settled", 2),
    "退款总金额": ("returned", 2),
    "充值券退款总金额": ("recharge", 2),
    "手续费总金额": ("fee", _FEE_DECIMALS),
    "订单总金额": ("ordered", 2),
    "申请退款总金额": ("asked", 2),
}
_COLUMNS = {
    "written": "交易时间",
    "provider": "商户号",
    "collector": "特约商户号",
    "transaction_id": "微信订单号",
    "order_no": "商户订单号",
    "payer": "用户标识",
    "word": "交易状态",
    "currency": "货币种类",
    "settled": "应结订单金额",
    "coupon": "代金券金额",
    "refund_no": "商户退款单号",
    "returned": "退款金额",
    "recharge": "充值券退款金额",
    "refund_word": "退款状态",
    "fee": "手续费",
    "ordered": "订单金额",
    "asked": "申请退款金额",
}
_AMOUNTS = ("settled", "coupon", "returned", "recharge", "ordered", "asked")

# Clocks in China have stood still since 1992. The first column keeps the mark that begins every value.
_QUERY = """
SELECT row_number() OVER () AS line, CASE word WHEN 'SUCCESS' THEN 'payment' ELSE 'refund' END AS kind,
    CASE collector WHEN '0' THEN provider ELSE collector END AS sub_merchant_no, order_no, transaction_id, refund_no,
    epoch_us(wall) - 28800000000 AS moment,
    CASE word WHEN 'SUCCESS' THEN ordered ELSE asked END AS amount,
    CASE word WHEN 'SUCCESS' THEN ordered - coupon ELSE returned - recharge END AS payer_amount,
    CASE word WHEN 'SUCCESS' THEN 'success' ELSE refund_state END AS state,
    CASE WHEN payer IN ('', '0') THEN 'unknown' ELSE 'wechat' END AS wallet,
    settled, returned, recharge, fee, ordered, asked,
    NOT coalesce(
        plain AND currency = 'CNY' AND wall >= TIMESTAMP '1992-01-01'
        AND length(written) = 20 AND '`' || CAST(wall AS VARCHAR) = written
        AND (word = 'SUCCESS' OR (word = 'REFUND' AND refund_state IS NOT NULL)), false
    ) AS odd
FROM (
    SELECT written, TRY_CAST(substr(written, 2) AS TIMESTAMP) AS wall, provider, collector, transaction_id,
        order_no, payer, word, currency, refund_no, CASE refund_word {states} END AS refund_state,
        {amounts}, {fee} AS fee, {plain} AS plain
    FROM (SELECT {columns} FROM read_csv(
        '{file}', header = false, skip = 1, auto_detect = false, delim = ',`', quote = '', escape = '',
        new_line = '\\r\\n', ignore_errors = true, max_line_size = {longest}, columns = {{{shape}}}
    ))
)
"""
_AMOUNT = "CASE {0} WHEN '0.00' THEN 0 ELSE CAST(TRY_CAST({0} AS DECIMAL(15, 2)) * 100 AS BIGINT) END"
_PLAIN_AMOUNT = "({0} = '0.00' OR CAST(TRY_CAST({0} AS DECIMAL(15, 2)) AS VARCHAR) = {0})"
_FEE = "CAST(TRY_CAST(fee AS DECIMAL(18, 5)) * 100000 AS BIGINT)"
_PLAIN_FEE = (
    "(CAST(TRY_CAST(fee AS DECIMAL(15, 2)) AS VARCHAR) = fee OR CAST(TRY_CAST(fee AS DECIMAL(18, 5)) AS VARCHAR) = fee)"
)


def bulk_of(bill: Path) -> BulkTrades | None:
    """None where heading, sums or the number of lines are not what they have to be."""
    found = _frame(bill)
    if found is None:
        return None
    count, said = found
    sums = []
    for total, (column, decimals) in _SUMS.items():
        written = _units(said[total], decimals)
        if written is None:
            return None
        # Sums of fees are right to their own last decimal (see bill_kinds), all others are exact.
        spare = 10 ** (decimals - len(said[total].partition(".")[2])) - 1 if column == "fee" else 0
        sums.append(BulkSum(column, written - spare, written + spare))
    return BulkTrades(_query(bill), count, tuple(sums))


def _frame(bill: Path) -> tuple[int, dict[str, str]] | None:
    """How many lines stand between the heading and the sums, and the sums; nothing may stand anywhere else."""
    with bill.open("rb") as file:
        heading = file.readline(MOST_LINE_BYTES).decode("utf-8-sig", "replace")
        file.seek(0)
        ends, decoder = 0, _UTF8()
        try:
            while piece := file.read(_PIECE):
                ends += piece.count(b"\n")
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
        file.seek(max(0, file.tell() - MOST_LINE_BYTES))
        tail = file.read().decode("utf-8", "replace").split("\r\n")
    if heading != ",".join(ALL.columns) + "\r\n" or len(tail) < 3:
        return None
    names, values, end = tail[-3:]
    numbers = values[1:].split(",`")
    if names != ",".join(ALL.totals) or values[:1] != "`" or end or len(numbers) != len(ALL.totals):
        return None
    said = dict(zip(ALL.totals, numbers, strict=True))
    return (ends - 3, said) if said["总交易单数"] == str(ends - 3) else None


def _units(written: str, decimals: int) -> int | None:
    """An amount in yuan with at most so many decimals, in units of its last."""
    whole, _, part = written.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit() and part.isascii() and part.isdigit() and len(part) <= decimals):
        return None
    found = int(whole + part.ljust(decimals, "0"))
    return -found if written.startswith("-") else found


def _query(bill: Path) -> str:
    places = {name: f"c{ALL.columns.index(column)}" for name, column in _COLUMNS.items()}
    plain = [_PLAIN_AMOUNT.format(name) for name in _AMOUNTS]
    return _QUERY.format(
        states=" ".join(f"WHEN '{word}' THEN '{state}'" for word, state in words.BILL_REFUND_STATES.items()),
        amounts=", ".join(f"{_AMOUNT.format(name)} AS {name}" for name in _AMOUNTS),
        fee=_FEE,
        plain=" AND ".join([*plain, _PLAIN_FEE]),
        columns=", ".join(f"coalesce({place}, '') AS {name}" for name, place in places.items()),
        file=str(bill).replace("'", "''"),
        longest=MOST_LINE_BYTES,
        shape=", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(ALL.columns))),
    )
