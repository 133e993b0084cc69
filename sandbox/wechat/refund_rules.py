"""What a refund may contain (partner docs 4013080625), and the handling of an abnormal one (4013080627)."""

import re

from sandbox.wechat.fields import Group, Many, Number, Sealed, Text
from sandbox.wechat.order_rules import MCHID, NOTIFY_URL

OUT_REFUND_NO = Text(64, required=True, pattern=r"[0-9A-Za-z_\-|*@]+")

_GOODS = Group(
    {
        "merchant_goods_id": Text(32, required=True),
        "wechatpay_goods_id": Text(32),
        "goods_name": Text(256),
        "unit_price": Number(required=True),
        "refund_amount": Number(required=True),
        "refund_quantity": Number(required=True, least=1),
    }
)
_SOURCE = Group(
    {
        "account": Text(32, required=True, one_of=("AVAILABLE", "UNAVAILABLE")),
        "amount": Number(required=True, least=1),
    }
)
REFUND = Group(
    {
        "sub_mchid": MCHID,
        "transaction_id": Text(32),
        "out_trade_no": Text(32),
        "out_refund_no": OUT_REFUND_NO,
        "reason": Text(80, in_bytes=True),
        "notify_url": Text(NOTIFY_URL.limit, pattern=NOTIFY_URL.pattern),
        "funds_account": Text(32, one_of=("AVAILABLE", "UNSETTLED")),
        "amount": Group(
            {
                "refund": Number(required=True, least=1),
                "total": Number(required=True, least=1),
                "currency": Text(16, required=True, one_of=("CNY",)),
                "from": Many(_SOURCE),
            },
            required=True,
        ),
        "goods_detail": Many(_GOODS, most=6000),
    }
)

# Banks whose debit cards an abnormal refund can be sent to, by WeChat Pay's bank types.
BANKS = {
    "CMB_DEBIT": "招商银行",
    "COMM_DEBIT": "交通银行",
    "ABC_DEBIT": "农业银行",
    "CCB_DEBIT": "建设银行",
    "ICBC_DEBIT": "工商银行",
    "BOC_DEBIT": "中国银行",
    "PAB_DEBIT": "平安银行",
    "SPDB_DEBIT": "浦发银行",
    "CITIC_DEBIT": "中信银行",
    "CEB_DEBIT": "光大银行",
    "CMBC_DEBIT": "民生银行",
    "CIB_DEBIT": "兴业银行",
    "GDB_DEBIT": "广发银行",
    "PSBC_DEBIT": "邮储银行",
    "NBCB_DEBIT": "宁波银行",
}


def _is_card(text: str) -> bool:
    return bool(re.fullmatch(r"\d{8,30}", text))


def _is_name(text: str) -> bool:
    return 2 <= len(text) <= 64


ABNORMAL = Group(
    {
        "sub_mchid": MCHID,
        "out_refund_no": OUT_REFUND_NO,
        "type": Text(32, required=True, one_of=("USER_BANK_CARD", "MERCHANT_BANK_CARD")),
        "bank_type": Text(16, one_of=tuple(BANKS)),
        "bank_account": Sealed(plausible=_is_card),
        "real_name": Sealed(plausible=_is_name),
    }
)
