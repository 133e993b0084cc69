"""WeixinJSBridge.invoke('getBrandWCPayRequest', ...): what the WeChat app checks before it asks for the password."""

import sqlite3
from collections.abc import Mapping

from sandbox import clock
from sandbox.keys import Keys
from sandbox.wechat.orders import NotPayable, by_prepay, refuse_unpayable
from sandbox.wechat.signing import bridge_text, verifies

NAMES = ("appId", "timeStamp", "nonceStr", "package", "signType", "paySign")


def read(connection: sqlite3.Connection, keys: Keys, params: Mapping[str, object]) -> dict[str, object]:
    """The order a page wants paid, after judging the page's signature (partner docs 4012738519, 4012365870).

    The answer is `orders.by_prepay`: `prepay_id`, `out_trade_no`, `sub_mchid`, `merchant_name`, `description`, `total`
    (fen), `state`, `sp_openid` and more; pass its `prepay_id` to `orders.pay`. Raises NotPayable with the text the
    wallet shows: a parameter is missing or no text, the signature is wrong, or the order cannot be paid.
    """
    for name in NAMES:
        if not isinstance(params.get(name), str) or not params[name]:
            raise NotPayable(f"缺少参数 {name}")
    values = {name: str(params[name]) for name in NAMES}
    if values["signType"] != "RSA":
        raise NotPayable("signType须为RSA")
    if not (values["timeStamp"].isascii() and values["timeStamp"].isdigit()):
        raise NotPayable("timeStamp须为秒级时间戳")
    text = bridge_text(values["appId"], values["timeStamp"], values["nonceStr"], values["package"])
    if not verifies(keys.wechat_merchant_key, text, values["paySign"]):
        raise NotPayable("支付验证签名失败")
    name, _, prepay_id = values["package"].partition("=")
    if name != "prepay_id":
        raise NotPayable("package须为prepay_id=...")
    order = by_prepay(connection, prepay_id)
    if order["sp_appid"] != values["appId"]:
        raise NotPayable("appId与下单时的不一致")
    refuse_unpayable(order, clock.now(connection))
    return order
