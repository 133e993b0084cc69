"""What an order may contain (partner docs 4012738519 JSAPI, 4012738659 Native, 4012738604 H5)."""

from sandbox.wechat.fields import Flag, Group, Many, Number, Rule, Text

DETAIL_BYTES = 6144
OUT_TRADE_NO = Text(32, required=True, least=6, pattern=r"[0-9A-Za-z_\-|*]+")
MCHID = Text(32, required=True, pattern=r"[0-9A-Za-z]+")
NOTIFY_URL = Text(255, required=True, pattern=r"https?://[^/?#\s]+/[^?#\s]*")

_GOODS = Group(
    {
        "merchant_goods_id": Text(32, required=True),
        "wechatpay_goods_id": Text(32),
        "goods_name": Text(256),
        "quantity": Number(required=True, least=1),
        "unit_price": Number(required=True),
    }
)
_SCENE: dict[str, Rule] = {
    "payer_client_ip": Text(45, required=True, pattern=r"[0-9a-fA-F.:]+"),
    "device_id": Text(32),
    "store_info": Group(
        {"id": Text(32, required=True), "name": Text(256), "area_code": Text(32), "address": Text(512)}
    ),
}
_H5 = Group(
    {
        "type": Text(32, required=True, one_of=("Wap", "iOS", "Android")),
        "app_name": Text(64),
        "app_url": Text(128),
        "bundle_id": Text(128),
        "package_name": Text(128),
    },
    required=True,
)
_COMMON: dict[str, Rule] = {
    "sp_appid": Text(32, required=True),
    "sp_mchid": MCHID,
    "sub_appid": Text(32),
    "sub_mchid": MCHID,
    "description": Text(127, required=True),
    "out_trade_no": OUT_TRADE_NO,
    "time_expire": Text(64),
    "attach": Text(128),
    "notify_url": NOTIFY_URL,
    "goods_tag": Text(32),
    "settle_info": Group({"profit_sharing": Flag()}),
    "support_fapiao": Flag(),
    "amount": Group({"total": Number(required=True, least=1), "currency": Text(16, one_of=("CNY",))}, required=True),
    "detail": Group(
        {"cost_price": Number(), "invoice_id": Text(32), "goods_detail": Many(_GOODS, most=6000)},
    ),
    "scene_info": Group(_SCENE),
}

ORDER = {
    "JSAPI": Group(
        {**_COMMON, "payer": Group({"sp_openid": Text(128), "sub_openid": Text(128)}, required=True)},
    ),
    "NATIVE": Group(_COMMON),
    "MWEB": Group({**_COMMON, "scene_info": Group({**_SCENE, "h5_info": _H5}, required=True)}),
}
CLOSE = Group({"sp_mchid": MCHID, "sub_mchid": MCHID})
