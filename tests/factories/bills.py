"""Bills as the wallets write them (docs/wallets), a line for each thing that happened."""

from dataclasses import dataclass
from datetime import datetime

from portal.values.day import in_shanghai
from portal.wallets.wechat.bill_kinds import ALL


@dataclass(frozen=True)
class Line:
    """A payment, or with `refund_no` a refund. Amounts in fen."""

    order_no: str
    amount: int
    at: datetime
    merchant_no: str
    refund_no: str = ""
    state: str = "SUCCESS"
    transaction_no: str = "4200000000"
    openid: str = "o1"


def wechat_bill(*lines: Line, count: int | None = None, more: int = 0) -> bytes:
    """A bill of all merchants. `count` and `more` make its sums lie."""
    paid = sum(line.amount for line in lines if not line.refund_no) + more
    back = sum(line.amount for line in lines if line.refund_no)
    sums = {
        "总交易单数": str(len(lines) if count is None else count),
        "应结订单总金额": _yuan(paid),
        "退款总金额": _yuan(back),
        "充值券退款总金额": "0.00",
        "手续费总金额": "0.00",
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
            "0.00",
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
