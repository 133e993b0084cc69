"""The table of the partner API: which method and path leads to what."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.keys import Keys
from sandbox.wechat import applyments, media, orders, refunds
from sandbox.wechat.fields import query_text, refuse_other_provider
from sandbox.wechat.gate import Call
from sandbox.wechat.order_rules import MCHID


@dataclass(frozen=True)
class Place:
    """Where an endpoint works: the connection of a `writing()` block, the keys, and the sandbox's own address."""

    connection: sqlite3.Connection
    keys: Keys
    sandbox_url: str


Answer = tuple[int, dict | None]
Handler = Callable[[Place, Call, str], Answer]


def _jsapi(place: Place, call: Call, _: str) -> Answer:
    return 200, orders.place(place.connection, place.keys, call.mchid, "JSAPI", call.body)


def _native(place: Place, call: Call, _: str) -> Answer:
    return 200, orders.place(place.connection, place.keys, call.mchid, "NATIVE", call.body)


def _order_by_transaction(place: Place, call: Call, number: str) -> Answer:
    return _order(place, call, "transaction_id", number)


def _order_by_out_trade_no(place: Place, call: Call, number: str) -> Answer:
    return _order(place, call, "out_trade_no", number)


def _order(place: Place, call: Call, column: str, number: str) -> Answer:
    refuse_other_provider(query_text(call.query, "sp_mchid", MCHID), call.mchid)
    return 200, orders.find(place.connection, column, number, query_text(call.query, "sub_mchid", MCHID))


def _close(place: Place, call: Call, number: str) -> Answer:
    orders.close(place.connection, call.mchid, number, call.body)
    return 204, None


def _refund(place: Place, call: Call, _: str) -> Answer:
    return 200, refunds.ask(place.connection, call.body)


def _refund_by_number(place: Place, call: Call, number: str) -> Answer:
    return 200, refunds.find(place.connection, number, query_text(call.query, "sub_mchid", MCHID))


def _upload(place: Place, call: Call, _: str) -> Answer:
    return 200, media.take(place.connection, call.body, call.file)


def _apply(place: Place, call: Call, _: str) -> Answer:
    return 200, applyments.submit(place.connection, place.keys, call.key_id, call.body)


def _applyment_by_code(place: Place, call: Call, number: str) -> Answer:
    return 200, applyments.find(place.connection, "business_code", number, place.sandbox_url)


def _applyment_by_id(place: Place, call: Call, number: str) -> Answer:
    return 200, applyments.find(place.connection, "applyment_id", number, place.sandbox_url)


UPLOAD = "/v3/merchant/media/upload"
_ORDERS = "/v3/pay/partner/transactions"
_APPLYMENTS = "/v3/applyment4sub/applyment"
_NUMBER = "([^/]+)"
_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", f"{_ORDERS}/jsapi", _jsapi),
    ("POST", f"{_ORDERS}/native", _native),
    ("GET", f"{_ORDERS}/id/{_NUMBER}", _order_by_transaction),
    ("GET", f"{_ORDERS}/out-trade-no/{_NUMBER}", _order_by_out_trade_no),
    ("POST", f"{_ORDERS}/out-trade-no/{_NUMBER}/close", _close),
    ("POST", "/v3/refund/domestic/refunds", _refund),
    ("GET", f"/v3/refund/domestic/refunds/{_NUMBER}", _refund_by_number),
    ("POST", UPLOAD, _upload),
    ("POST", f"{_APPLYMENTS}/", _apply),
    ("GET", f"{_APPLYMENTS}/business_code/{_NUMBER}", _applyment_by_code),
    ("GET", f"{_APPLYMENTS}/applyment_id/{_NUMBER}", _applyment_by_id),
)


def find(method: str, path: str) -> tuple[int, Handler | None, str]:
    """(200, handler, number in the path), or (404 | 405, None, "")."""
    status = 404
    for wanted, pattern, handler in _TABLE:
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        if wanted == method:
            return 200, handler, match[1] if match.groups() else ""
        status = 405
    return status, None, ""
