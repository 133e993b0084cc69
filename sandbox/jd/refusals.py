"""How JD's side says no.

JD publishes no list of error codes for aggregate pay, so these names are the sandbox's own; a client must not branch
on them beyond "refused". A request that cannot be trusted or read, or that contradicts an earlier one, is answered
`success: false` without a seal. A request that is in order but asks for something that cannot be is answered under
seal with `resultCode: FAIL`, so that nobody on the way can invent "there is no such order".
"""

UNSEALED = {
    "RULE_LIMIT": "业务规则限制",
    "MALFORMED_REQUEST": "报文不是约定的格式",
    "MERCHANT_NOT_FOUND": "商户号不存在",
    "MERCHANT_NOT_OPEN": "商户还没有开通聚合支付",
    "SYSTEM_ID_WRONG": "系统标识与商户不符",
    "DECRYPT_FAILED": "密文解不开，请检查 3DES 密钥",
    "SIGN_ERROR": "签名不符，请检查 MD5 密钥和参与签名的字段",
    "MERCHANT_MISMATCH": "密文里的商户号与外层不一致",
    "VERSION_NOT_SUPPORTED": "版本号不支持",
    "BUSINESS_CODE_WRONG": "业务编码应为 AGGRE",
    "PARAM_ERROR": "参数不正确",
    "ORDER_REPEATED": "商户订单号已用过，且内容不同",
    "REFUND_REPEATED": "商户退款单号已用过，且内容不同",
    "SYSTEM_ERROR": "系统异常，请稍后再试",
}
SEALED = {
    "RULE_LIMIT": "业务规则限制",
    "PI_TYPE_NOT_SUPPORTED": "沙盒的聚合支付只收京东支付（JDPAY）",
    "ORDER_PAID": "订单已支付",
    "ORDER_CLOSED": "订单已关闭",
    "ORDER_NOT_EXIST": "订单不存在",
    "ORDER_NOT_PAID": "订单没有支付，不能退款",
    "REFUND_EXCEEDS": "退款金额超过可退金额",
    "REFUND_NOT_EXIST": "退款单不存在",
    "BALANCE_NOT_ENOUGH": "商户可用余额不足，不能退款",
    "REVOKE_TOO_LATE": "只能撤销当天支付的订单，请用退款",
    "PRODUCT_NOT_OPEN": "没有开通这个产品",
}


class Refusal(Exception):
    """JD says no. `code` is one of the names above; `detail` names the field or value, never a key."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sealed = code in SEALED
        meaning = SEALED[code] if self.sealed else UNSEALED[code]
        self.description = f"{meaning}：{detail}" if detail else meaning
