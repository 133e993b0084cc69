"""How WeChat's side goes wrong on purpose: which call a request is, its numbers, and the answers of a bad day."""

import re

from flask import Response, request

from sandbox.spoiling import bad_signature, probe
from sandbox.wechat.errors import Refused
from sandbox.wechat.gate import Call

REFUSED = Refused(403, "RULE_LIMIT", "业务规则限制")
BROKEN = Refused(500, "SYSTEM_ERROR", "系统异常，请使用相同参数稍后重新调用")
_OPERATIONS = (
    ("POST", r"/v3/pay/partner/transactions/(jsapi|native|h5)", "order"),
    ("GET", r"/v3/pay/partner/transactions/.+", "query"),
    ("POST", r"/v3/pay/partner/transactions/.+/close", "close"),
    ("POST", r"/v3/refund/domestic/refunds(/.+)?", "refund"),
    ("GET", r"/v3/refund/domestic/refunds/.+", "refund_query"),
    ("GET", r"/v3/(bill|billdownload)/.+", "bill"),
    ("(GET|POST)", r"/v3/fund-app/mch-transfer/.+", "transfer"),
)
_NUMBERS = ("out_trade_no", "transaction_id", "out_refund_no", "out_bill_no", "bill_date")


def operation(method: str, path: str) -> str:
    """The name a fault knows this call by, "" for what has none."""
    for verb, pattern, name in _OPERATIONS:
        if re.fullmatch(verb, method) and re.fullmatch(pattern, path):
            return name
    return ""


def numbers(number: str, call: Call) -> tuple[str, ...]:
    """Everything the call goes by: the newest number first, the one in the path last."""
    told = {**call.query, **call.body}
    known = [str(told[name]) for name in reversed(_NUMBERS) if name in told]
    return tuple(dict.fromkeys([*known, number] if number else known))


def spoil(answer: Response) -> Response:
    """The same answer with a signature that does not fit; on a GET it is one of WeChat's probes (SIGNTEST)."""
    headers = dict(answer.headers.items())
    answer.headers.update(probe(headers) if request.method == "GET" else bad_signature(headers, b"{}")[0])
    return answer
