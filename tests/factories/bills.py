"""Bills as the wallets write them (docs/wallets), a line for each thing that happened."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.values.day import in_shanghai
from portal.values.money import fee_of
from portal.wallets.wechat.bill_kinds import ALL, FUNDS


@dataclass(frozen=True)
class Line:
    """A payment, or with `refund_no` a refund. Amounts in fen.

    `fee` as the bill writes it in fen, negative for a refund; without one it is what 38 basis points make.
    """

    order_no: str
    amount: int
    at: datetime
    merchant_no: str
    refund_no: str = ""
    state: str = "SUCCESS"
    transaction_no: str = "4200000000"
    openid: str = "o1"
    fee: str = ""

    @property
    def told_fee(self) -> Decimal:
        """The fee in fen as the bill says it."""
        usual = int(fee_of(self.amount, 38))
        return Decimal(self.fee or (-usual if self.refund_no else usual))


@dataclass(frozen=True)
class Flow:
    """A movement on an account: `amount` fen in, or out where negative. A payout to the bank unless it says else."""

    number: str
    amount: int
    at: datetime
    kind: str = "提现"


def wechat_bill(*lines: Line, count: int | None = None, more: int = 0) -> bytes:
    """A bill of all merchants. `count` and `more` make its sums lie."""
    paid = sum(line.amount for line in lines if not line.refund_no) + more
    back = sum(line.amount for line in lines if line.refund_no)
    sums = {
        "总交易单数": str(len(lines) if count is None else count),
        "应结订单总金额": _yuan(paid),
        "退款总金额": _yuan(back),
        "充值券退款总金额": "0.00",
        "手续费总金额": _fee(sum((line.told_fee for line in lines), Decimal(0))),
        "订单总金额": _yuan(paid),
        "申请退款总金额": _yuan(back),
    }
    rows = [
        ",".join(ALL.columns),
        *(_values(_wechat(line)) for line in lines),
        ",".join(sums),
        _values(list(sums.values())),
    ]
    return "\r\n".join([*rows, ""]).encode()


def jd_bill(*lines: Line) -> bytes:
    """A bill of one merchant."""
    rows = [",".join(f"列{n}" for n in range(19)), *(",".join(_jd(line)) for line in lines)]
    return "\n".join([*rows, ""]).encode("gbk")


def _wechat(line: Line) -> list[str]:
    back = line.refund_no != ""
    values = dict.fromkeys(ALL.columns, "0.00") | {
        "交易时间": f"{in_shanghai(line.at):%Y-%m-%d %H:%M:%S}",
        "特约商户号": line.merchant_no,
        "微信订单号": line.transaction_no,
        "商户订单号": line.order_no,
        "用户标识": line.openid,
        "交易状态": "REFUND" if back else "SUCCESS",
        "货币种类": "CNY",
        "微信退款单号": "5000" if back else "0",
        "商户退款单号": line.refund_no or "0",
        "退款状态": line.state if back else "",
        "商品名称": "橙子",
        "费率": "0.38%",
        "手续费": _fee(line.told_fee),
    }
    for column in ("退款金额", "申请退款金额") if back else ("应结订单金额", "订单金额"):
        values[column] = _yuan(line.amount)
    return [values[name] for name in ALL.columns]


def _jd(line: Line) -> list[str]:
    back = line.refund_no != ""
    at = f"{in_shanghai(line.at):%Y-%m-%d %H:%M:%S}"
    return [
        *(f'="{line.order_no}"', f'="{line.transaction_no}"', _yuan(-line.amount if back else line.amount)),
        *("京东支付", "退款" if back else "消费", "成功", _yuan(line.amount if back else 0), "0.00", at, at),
        *(
            f'="{line.refund_no}"' if back else "",
            _fee(line.told_fee),
            "老周豆腐",
            f'="{line.merchant_no}"',
            "",
            "",
            "建设银行",
            "-1",
            "1",
        ),
    ]


def _values(row: list[str]) -> str:
    return ",".join(f"`{value}" for value in row)


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _fee(fen: Decimal) -> str:
    """Yuan with five decimals, as WeChat Pay writes fees."""
    return f"{fen / 100:.5f}"


def fund_bill(*flows: Flow, more: int = 0) -> bytes:
    """A fund bill of one account. `more` makes its sums lie."""
    income = sum(flow.amount for flow in flows if flow.amount > 0)
    spent = -sum(flow.amount for flow in flows if flow.amount < 0)
    sums = {
        "资金流水总笔数": str(len(flows)),
        "收入笔数": str(sum(flow.amount > 0 for flow in flows)),
        "收入金额": _yuan(income),
        "支出笔数": str(sum(flow.amount < 0 for flow in flows)),
        "支出金额": _yuan(spent + more),
    }
    rows = [
        ",".join(FUNDS.columns),
        *(_values(_flow(flow)) for flow in flows),
        ",".join(sums),
        _values(list(sums.values())),
    ]
    return "\r\n".join([*rows, ""]).encode()


def _flow(flow: Flow) -> list[str]:
    values = {
        "记账时间": f"{in_shanghai(flow.at):%Y-%m-%d %H:%M:%S}",
        "微信支付业务单号": flow.number,
        "资金流水单号": flow.number,
        "业务名称": "充值/提现" if flow.kind == "提现" else "交易",
        "业务类型": flow.kind,
        "收支类型": "收入" if flow.amount > 0 else "支出",
        "收支金额(元)": _yuan(abs(flow.amount)),
        "账户结余(元)": "0.00",
        "资金变更提交申请人": "system",
        "备注": "自动提现至招商银行尾号6210",
        "业务凭证号": flow.number,
    }
    return [values[name] for name in FUNDS.columns]
