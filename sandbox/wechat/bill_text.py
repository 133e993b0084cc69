"""How WeChat Pay writes a bill: columns, escapes, and money in yuan (partner docs 4013080599, 4013080600).

UTF-8 with a byte order mark, lines ended by CRLF. Header lines are plain; every value has a backtick before it, so that
a spreadsheet leaves long numbers alone.
"""

from collections.abc import Iterable, Mapping

BOM = "\ufeff"
LINE_END = "\r\n"

_PAYMENT = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额"
)
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_GOODS = "商品名称,商户数据包,手续费,费率,订单金额"
_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
TRADE_COLUMNS = {
    "ALL": f"{_PAYMENT},{_REFUND},{_GOODS},申请退款金额,费率备注".split(","),
    "SUCCESS": f"{_PAYMENT},{_GOODS},费率备注".split(","),
    "REFUND": f"{_PAYMENT},退款申请时间,退款成功时间,{_REFUND},{_GOODS},申请退款金额,费率备注".split(","),
}
TRADE_SUMMARIES = {
    "ALL": _SUMMARY.split(","),
    "SUCCESS": ["总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"],
    "REFUND": _SUMMARY.split(","),
}
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,"
    "业务凭证号"
).split(",")
FUND_SUMMARY = ["资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"]

_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    ",": "\\ ",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\ue000": "\\ ",
    "\x1a": "\\\x1a",
}
_OF_PAYMENTS = str.maketrans({**_ESCAPES, "'": "\\'", "`": "\\`"})
_OF_REFUNDS = str.maketrans({**_ESCAPES, "`": "\\140"})
_OF_FUNDS = str.maketrans({"\n": "\\n", "\r": "\\r", "\x01": " "})


def header(columns: Iterable[str], *, first: bool = False) -> str:
    """A header line; the first one of a file carries the byte order mark."""
    return (BOM if first else "") + ",".join(columns) + LINE_END


def line(columns: Iterable[str], values: Mapping[str, str]) -> str:
    """A line of values."""
    return ",".join(f"`{values[name]}" for name in columns) + LINE_END


def yuan(fen: int) -> str:
    """1234 fen as `12.34`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fee(fen: int) -> str:
    """Fees have five decimals in the files, two in their description: 5 fen as `0.05000`."""
    return yuan(fen) + "000"


def of_payment(text: str) -> str:
    """Free text of the merchant on a payment's line."""
    return text.translate(_OF_PAYMENTS)


def of_refund(text: str) -> str:
    """The same on a refund's line; two signs are written otherwise."""
    return text.translate(_OF_REFUNDS)


def of_fund(text: str) -> str:
    """Remark and voucher of a fund-flow bill."""
    return text.translate(_OF_FUNDS)
