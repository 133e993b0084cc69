"""How JD's side goes wrong on purpose: which call a request is, its numbers, and the answers of a bad day."""

from collections.abc import Mapping

from flask import Response, jsonify

from sandbox.jd.envelope import refused
from sandbox.jd.refusals import Refusal
from sandbox.spoiling import bad_signature

REFUSED = Refusal("RULE_LIMIT")
_OPERATIONS = {
    "unifiedOrder": "order",
    "getScanUrl": "order",
    "querytrade": "query",
    "refund": "refund",
    "queryrefund": "refund_query",
}
_NUMBERS = ("outRefundNo", "outTradeNo", "tradeNo", "refundNo")


def operation(path: str) -> str:
    """The name a fault knows this call by, "" for what has none."""
    return _OPERATIONS.get(path.rpartition("/")[2], "")


def numbers(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Everything the call goes by, the refund's own number first."""
    return tuple(str(fields[name]) for name in _NUMBERS if fields.get(name))


def broken() -> Response:
    """JD is ill: a 500 that nobody signed."""
    answer = jsonify(refused(Refusal("SYSTEM_ERROR"), None))
    answer.status_code = 500
    return answer


def spoil(answer: Response) -> Response:
    """The same answer with a signature that does not fit."""
    _, body = bad_signature({}, answer.get_data())
    answer.set_data(body)
    return answer
