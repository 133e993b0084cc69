"""Aggregate pay's addresses: /jd/apipayx (apipayx.jd.com) and /jd/payx (payx.jd.com)."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox import faults
from sandbox.jd import aggregate, faulty, notices, orders, refunds
from sandbox.jd.envelope import Request, open_request, refused, sealed
from sandbox.jd.refusals import Refusal
from sandbox.keys import Keys
from sandbox.store import Store

LARGEST_BODY = 64 * 1024
_OTHER_WALLETS = ("MicroMessenger/", "AlipayClient/")

blueprint = Blueprint("api", __name__)

Answer = Callable[[Any, Request], dict[str, Any]]


@blueprint.before_request
def limit_body() -> None:
    """Nothing that aggregate pay takes is larger."""
    request.max_content_length = LARGEST_BODY


@blueprint.post("/apipayx/m/unifiedOrder")
def unified_order() -> Response:
    """Place an order; `payInfo` is the cashier's address, to which the payer's browser is sent."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        order = aggregate.place(connection, asked)
        return {**notices.payment_facts(order), "payInfo": _address("jd.cashier.show", order["token"])}

    return _answered(answer)


@blueprint.post("/payx/getScanUrl")
def get_scan_url() -> Response:
    """A code for one order: `scanUrl` is the text of a QR code."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        order = aggregate.place_scanned(connection, asked)
        return {"resultCode": "SUCCESS", **_numbers(order), "scanUrl": _address("jd.api.scanned", order["token"])}

    return _answered(answer)


@blueprint.get("/payx/scan/<token>")
def scanned(token: str) -> AnyResponse | tuple[str, int]:
    """Somebody scanned it: a JD app goes on to the cashier, any other wallet is told which one to take."""
    if any(mark in request.headers.get("User-Agent", "") for mark in _OTHER_WALLETS):
        return render_template("jd/wrong_wallet.html"), 403
    return redirect(url_for("jd.cashier.show", token=token), 303)


@blueprint.post("/apipayx/m/querytrade")
def query_trade() -> Response:
    """What became of an order."""
    return _answered(
        lambda connection, asked: aggregate.facts(
            connection, orders.known(connection, asked.merchant_no, asked.number("outTradeNo"))
        )
    )


@blueprint.post("/apipayx/m/refund")
def refund() -> Response:
    """Take a refund; it arrives later."""
    return _answered(aggregate.refund)


@blueprint.post("/apipayx/m/queryrefund")
def query_refund() -> Response:
    """What became of a refund."""
    return _answered(
        lambda connection, asked: aggregate.refund_facts(
            connection, refunds.known(connection, asked.merchant_no, asked.number("outRefundNo"))
        )
    )


@blueprint.post("/apipayx/m/pay")
def pay() -> Response:
    """A code that the payer shows: not part of this agent's contract."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        raise Refusal("PRODUCT_NOT_OPEN", "pay")

    return _answered(answer)


def _answered(answer: Answer) -> Response:
    """Open the request, let `answer` act in one transaction, seal what it says or why not."""
    keys: Keys = current_app.extensions["keys"]
    try:
        with _store().reading() as connection:
            asked = open_request(connection, request.get_data(), system_id=keys.jd_system_id)
    except Refusal as refusal:
        return jsonify(refused(refusal, None))
    return faults.around(
        _store(),
        faults.Call("jd", faulty.operation(request.path), faulty.numbers(asked.fields)),
        faults.Answers(
            act=lambda: _acted(answer, asked),
            refuse=lambda: jsonify(refused(faulty.REFUSED, asked)),
            fail=faulty.broken,
            spoil=faulty.spoil,
        ),
    )


def _acted(answer: Answer, asked: Request) -> Response:
    try:
        with _store().writing() as connection:
            told = answer(connection, asked)
    except Refusal as refusal:
        return jsonify(refused(refusal, asked))
    return jsonify(sealed(asked.merchant, told, version=asked.version))


def _numbers(order: Any) -> dict[str, Any]:
    return {"outTradeNo": order["out_trade_no"], "tradeNo": order["trade_no"]}


def _address(endpoint: str, token: str) -> str:
    return str(current_app.config["SANDBOX_URL"]) + url_for(endpoint, token=token)


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
