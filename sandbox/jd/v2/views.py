"""V2.0's addresses: XML under /jd/paygate (paygate.jd.com), browser forms under /jd/h5pay and /jd/wepay."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox import faults, spoiling
from sandbox.jd.envelope import Request
from sandbox.jd.refusals import Refusal
from sandbox.jd.v2 import envelope, trading
from sandbox.keys import Keys
from sandbox.store import Store

blueprint = Blueprint("v2", __name__)

ORDER_KINDS = ("GEN", "QR")
FIXED_OR_TYPED = ("DRCT", "CUST")
_OPERATIONS = {
    "uniorder": "order",
    "query": "query",
    "queryRefund": "refund_query",
    "refund": "refund",
    "revoke": "close",
}
_NUMBERS = ("tradeNum", "oTradeNum")
# Payer-presented codes and JD's credit line belong to contracts that nobody has here.
_NOT_OPEN = ("fkmPay", "queryBaiTiaoFQ", "getUserRelation", "cancelUserRelation")

Act = Callable[[Any, Request], dict[str, Any]]


@blueprint.before_request
def limit_body() -> None:
    """Nothing that V2.0 takes is larger."""
    request.max_content_length = envelope.LARGEST_BODY


@blueprint.post("/paygate/service/uniorder")
def uniorder() -> Response:
    """Place an order: tradeType GEN for an app, QR for a code to show."""

    def act(connection: Any, asked: Request) -> dict[str, Any]:
        order = trading.place(connection, asked, ORDER_KINDS)
        code = asked.fields.get("tradeType") == trading.QR
        return trading.placed(order, asked.merchant, _cashier(order["token"]) if code else None)

    return _answered(act)


@blueprint.post("/paygate/service/query")
def query() -> Response:
    """What became of an order or of a refund."""
    return _answered(trading.query)


@blueprint.post("/paygate/service/queryRefund")
def query_refund() -> Response:
    """All refunds of an order."""
    return _answered(trading.query_refunds)


@blueprint.post("/paygate/service/refund")
def refund() -> Response:
    """Take a refund; it arrives later."""
    return _answered(trading.refund)


@blueprint.post("/paygate/service/revoke")
def revoke() -> Response:
    """Take an order back."""
    return _answered(trading.revoke)


@blueprint.post("/paygate/service/<name>")
def not_open(name: str) -> Response | tuple[str, int]:
    """What V2.0 offers besides and this contract has not."""
    if name not in _NOT_OPEN:
        return "", 404

    def act(connection: Any, asked: Request) -> dict[str, Any]:
        raise Refusal("PRODUCT_NOT_OPEN", name)

    return _answered(act)


@blueprint.post("/h5pay/jdpay/saveOrder")
@blueprint.post("/wepay/jdpay/saveOrder")
def save_order() -> AnyResponse | tuple[str, int]:
    """A browser brings an order; it goes on to the cashier."""
    return _brought(ORDER_KINDS)


@blueprint.post("/h5pay/jdpay/customerPay")
def customer_pay() -> AnyResponse | tuple[str, int]:
    """The shop's own code was scanned: the amount is the order's (DRCT), or the payer types it (CUST)."""
    return _brought(FIXED_OR_TYPED)


def _answered(act: Act) -> Response:
    """Open the request, act in one transaction, seal what is said or why not."""
    keys = _keys()
    try:
        with _store().reading() as connection:
            asked = envelope.open_request(connection, request.get_data(), keys)
    except Refusal as refusal:
        return _xml(envelope.refused(refusal, None, keys))
    return faults.around(
        _store(),
        faults.Call("jd", _operation(asked), tuple(str(asked.fields[n]) for n in _NUMBERS if asked.fields.get(n))),
        faults.Answers(
            act=lambda: _acted(act, asked),
            refuse=lambda: _xml(envelope.refused(Refusal("RULE_LIMIT"), asked, keys)),
            fail=lambda: _xml(envelope.refused(Refusal("SYSTEM_ERROR"), None, keys), 500),
            spoil=_spoilt,
        ),
    )


def _operation(asked: Request) -> str:
    name = request.path.rpartition("/")[2]
    if name == "query" and asked.fields.get("tradeType") == "1":
        return "refund_query"
    return _OPERATIONS.get(name, "")


def _acted(act: Act, asked: Request) -> Response:
    try:
        with _store().writing() as connection:
            told = act(connection, asked)
    except Refusal as refusal:
        return _xml(envelope.refused(refusal, asked, _keys()))
    return _xml(envelope.answered(asked.merchant, told, _keys()))


def _brought(kinds: tuple[str, ...]) -> AnyResponse | tuple[str, int]:
    try:
        with _store().writing() as connection:
            asked = envelope.open_form(connection, request.form, _keys())
            order = trading.place(connection, asked, kinds)
    except Refusal as refusal:
        return render_template("jd/refused.html", refusal=refusal), 400
    return redirect(url_for("jd.cashier.show", token=order["token"]), 303)


def _cashier(token: str) -> str:
    return str(current_app.config["SANDBOX_URL"]) + url_for("jd.cashier.show", token=token)


def _spoilt(answer: Response) -> Response:
    answer.set_data(spoiling.bad_signature({}, answer.get_data())[1])
    return answer


def _xml(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/xml; charset=UTF-8")


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store


def _keys() -> Keys:
    keys: Keys = current_app.extensions["keys"]
    return keys
