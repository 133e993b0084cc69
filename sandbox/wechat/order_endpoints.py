"""The endpoints of orders, refunds and applications."""

from sandbox.wechat import applyments, arriving, media, orders, placing, refunds
from sandbox.wechat.fields import query_text, refuse_other_provider
from sandbox.wechat.gate import Call
from sandbox.wechat.order_rules import MCHID
from sandbox.wechat.place import NUMBER, Answer, Place, Table

_PICTURE, _VIDEO = "/v3/merchant/media/upload", "/v3/merchant/media/video_upload"
UPLOADS = (_PICTURE, _VIDEO)
_ORDERS = "/v3/pay/partner/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_APPLYMENTS = "/v3/applyment4sub/applyment"


def _jsapi(place: Place, call: Call, _: str) -> Answer:
    return _placed(place, call, "JSAPI")


def _native(place: Place, call: Call, _: str) -> Answer:
    return _placed(place, call, "NATIVE")


def _h5(place: Place, call: Call, _: str) -> Answer:
    return _placed(place, call, "MWEB")


def _placed(place: Place, call: Call, trade_type: str) -> Answer:
    return 200, placing.place(place.connection, place.keys, call.mchid, trade_type, call.body, place.sandbox_url)


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


def _abnormal_refund(place: Place, call: Call, number: str) -> Answer:
    return 200, arriving.send_elsewhere(place.connection, place.keys, call.key_id, number, call.body)


def _upload(place: Place, call: Call, _: str) -> Answer:
    return 200, media.take(place.connection, call.body, call.file)


def _upload_video(place: Place, call: Call, _: str) -> Answer:
    return 200, media.take(place.connection, call.body, call.file, is_video=True)


def _apply(place: Place, call: Call, _: str) -> Answer:
    return 200, applyments.submit(place.connection, place.keys, call.key_id, call.body)


def _applyment_by_code(place: Place, call: Call, number: str) -> Answer:
    return 200, applyments.find(place.connection, "business_code", number, place.sandbox_url)


def _applyment_by_id(place: Place, call: Call, number: str) -> Answer:
    return 200, applyments.find(place.connection, "applyment_id", number, place.sandbox_url)


TABLE: Table = (
    ("POST", f"{_ORDERS}/jsapi", _jsapi),
    ("POST", f"{_ORDERS}/native", _native),
    ("POST", f"{_ORDERS}/h5", _h5),
    ("GET", f"{_ORDERS}/id/{NUMBER}", _order_by_transaction),
    ("GET", f"{_ORDERS}/out-trade-no/{NUMBER}", _order_by_out_trade_no),
    ("POST", f"{_ORDERS}/out-trade-no/{NUMBER}/close", _close),
    ("POST", _REFUNDS, _refund),
    ("GET", f"{_REFUNDS}/{NUMBER}", _refund_by_number),
    ("POST", f"{_REFUNDS}/{NUMBER}/apply-abnormal-refund", _abnormal_refund),
    ("POST", _PICTURE, _upload),
    ("POST", _VIDEO, _upload_video),
    ("POST", f"{_APPLYMENTS}/", _apply),
    ("GET", f"{_APPLYMENTS}/business_code/{NUMBER}", _applyment_by_code),
    ("GET", f"{_APPLYMENTS}/applyment_id/{NUMBER}", _applyment_by_id),
)
