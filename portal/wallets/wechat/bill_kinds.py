"""What the lines of a trade bill and of a fund bill mean, in our words.

Sources: partner docs 4013080599 (trades), 4013080600 (funds).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from portal.wallets.bills import BillUnreadable, FundLine, LineKind, TradeLine, TradeSummary
from portal.wallets.port import Acquirer, PaymentState, RefundState, Wallet
from portal.wallets.wechat import words
from portal.wallets.wechat.bill_lines import Bill, Layout, Row

_BEFORE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额"
).split(",")
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态".split(",")
_AFTER = "商品名称,商户数据包,手续费,费率,订单金额".split(",")
_TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额".split(",")
_SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
_PAYMENT_TOTALS = ("总交易单数", "应结订单总金额", "手续费总金额", "订单总金额")

ALL = Layout((*_BEFORE, *_REFUND, *_AFTER, "申请退款金额", "费率备注"), tuple(_TOTALS), _SUMS)
SUCCESS = Layout((*_BEFORE, *_AFTER, "费率备注"), _PAYMENT_TOTALS, {name: _SUMS[name] for name in _PAYMENT_TOTALS[1:]})
REFUND = Layout(
    (*_BEFORE, "退款申请时间", "退款成功时间", *_REFUND, *_AFTER, "申请退款金额", "费率备注"), tuple(_TOTALS), _SUMS
)
FUNDS = Layout(
    tuple(
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,"
        "备注,业务凭证号".split(",")
    ),
    tuple("资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额".split(",")),
    loose="备注",
)
# The collecting merchant's place when nobody collected for a provider (4013080599).
_NO_SUB_MERCHANT = "0"
_NOTHING = ("", "0")
_FEES = "手续费总金额"


def read_trades(file: BinaryIO) -> Iterator[TradeLine | TradeSummary]:
    """The lines of a trade bill, then its sums. Whoever reads must not believe a line before the last one came.

    Raises BillUnreadable.
    """
    bill = Bill(file, (ALL, SUCCESS, REFUND))
    count = 0
    sums = dict.fromkeys(bill.layout.sums, Decimal(0))
    for row in bill.rows():
        count += 1
        for total, column in bill.layout.sums.items():
            sums[total] += row.yuan(column)
        yield _trade(row)
    if bill.total.count("总交易单数") != count:
        raise BillUnreadable(f"{count} lines, but it says {bill.total.count('总交易单数')}", line=bill.total.number)
    for total, found in sums.items():
        _compare(bill.total, total, found)
    yield TradeSummary(
        count=count,
        amount=bill.total.fen("订单总金额"),
        refunded=bill.total.fen("申请退款总金额") if "申请退款总金额" in sums else 0,
        fee=bill.total.yuan(_FEES) * 100,
    )


def read_funds(file: BinaryIO) -> Iterator[FundLine]:
    """The lines of a fund bill, checked against its sums when the last was read. Raises BillUnreadable."""
    bill = Bill(file, (FUNDS,))
    counts = {"收入": 0, "支出": 0}
    sums = {"收入": Decimal(0), "支出": Decimal(0)}
    for row in bill.rows():
        way = row.values["收支类型"]
        if way not in counts:
            raise BillUnreadable("neither in nor out", line=row.number)
        counts[way] += 1
        sums[way] += row.yuan("收支金额(元)")
        yield _fund(row, 1 if way == "收入" else -1)
    total = bill.total
    for name, count in (("资金流水总笔数", sum(counts.values())), *((f"{way}笔数", counts[way]) for way in counts)):
        if total.count(name) != count:
            raise BillUnreadable(f"{name}: {count} lines, but it says {total.count(name)}", line=total.number)
    for way, found in sums.items():
        _compare(total, f"{way}金额", found)


def _trade(row: Row) -> TradeLine:
    kind = words.BILL_LINES.get(row.values["交易状态"])
    if kind is None or (kind is not LineKind.PAYMENT and "退款状态" not in row.values):
        raise BillUnreadable(f"交易状态 {row.values['交易状态']}", line=row.number)
    if row.values["货币种类"] != "CNY":
        raise BillUnreadable(f"货币种类 {row.values['货币种类']}", line=row.number)
    paid = kind is LineKind.PAYMENT
    amount, payer_amount = _paid(row) if paid else _given_back(row)
    collector = row.values["特约商户号"]
    return TradeLine(
        acquirer=Acquirer.WECHAT,
        kind=kind,
        sub_merchant_no=row.values["商户号"] if collector == _NO_SUB_MERCHANT else collector,
        order_no=row.values["商户订单号"],
        transaction_id=row.values["微信订单号"],
        at=row.moment("交易时间"),
        amount=amount,
        payer_amount=payer_amount,
        fee=row.yuan("手续费") * 100,
        state=PaymentState.SUCCESS.value if paid else _refund_state(row),
        wallet=Wallet.UNKNOWN if row.values["用户标识"] in _NOTHING else Wallet.WECHAT,
        refund_no=None if paid else row.values["商户退款单号"],
        wallet_refund_no=None if paid else row.values["微信退款单号"],
        description=row.text("商品名称"),
    )


def _paid(row: Row) -> tuple[int, int]:
    """The order, and what the payer gave: the order less every coupon, whoever paid for it."""
    amount = row.fen("订单金额")
    return amount, amount - row.fen("代金券金额")


def _given_back(row: Row) -> tuple[int, int]:
    """What was asked back, and what the payer got: 退款金额 leaves out unfunded coupons, but not the funded ones."""
    return row.fen("申请退款金额"), row.fen("退款金额") - row.fen("充值券退款金额")


def _refund_state(row: Row) -> str:
    """The state when the bill was made; a revocation is told without one."""
    said = row.values["退款状态"]
    if not said and words.BILL_LINES[row.values["交易状态"]] is LineKind.REVOCATION:
        return RefundState.SUCCESS.value
    state = words.BILL_REFUND_STATES.get(said)
    if state is None:
        raise BillUnreadable(f"退款状态 {said}", line=row.number)
    return state.value


def _fund(row: Row, sign: int) -> FundLine:
    return FundLine(
        at=row.moment("记账时间"),
        business=row.values["业务名称"],
        kind=row.values["业务类型"],
        amount=sign * row.fen("收支金额(元)"),
        balance=row.fen("账户结余(元)"),
        flow_no=row.values["资金流水单号"],
        business_no=row.values["微信支付业务单号"],
        remark=row.text("备注"),
        voucher_no=row.text("业务凭证号"),
        is_payout=sign < 0 and row.values["业务类型"] == words.FUND_PAYOUT,
    )


def _compare(total: Row, name: str, found: Decimal) -> None:
    """Sums of money are exact; those of fees are right to their own last decimal, for five may be summed up to two."""
    said = total.yuan(name)
    if said == found:
        return
    last_decimal = Decimal(1).scaleb(int(said.as_tuple().exponent))
    if name != _FEES or abs(found - said) >= last_decimal:
        raise BillUnreadable(f"{name}: the lines make {found}, but it says {said}", line=total.number)
