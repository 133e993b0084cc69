"""What a refund may contain (partner docs 4013080625)."""

from sandbox.wechat.fields import Group, Many, Number, Text
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
