"""JD's addresses: aggregate pay under /jd/apipayx (apipayx.jd.com), onboarding under /jd/psi (psi.jd.com), and the
payer's cashier, which the phone opens inside the JD Finance app.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox import faults
from sandbox.control import refuse_foreign_pages
from sandbox.jd import faulty, merchants, moments, notices, onboarding, orders, refunds
from sandbox.jd.envelope import Request, open_request, refused, sealed
from sandbox.jd.refusals import Refusal
from sandbox.keys import Keys
from sandbox.store import Store

blueprint = Blueprint("jd", __name__, url_prefix="/jd")


def set_up(app: Flask) -> None:
    """Make the first merchant, register JD's notices and what happens by itself after a while."""
    store, notifier = _store(app), app.extensions["notifier"]
    with store.writing() as connection:
        merchants.make_first(connection, app.extensions["keys"])
    notices.register(notifier, store)
    notifier.watch(onboarding.open_due)
    notifier.watch(lambda kept: refunds.finish_due(kept, notifier))


@blueprint.post("/apipayx/m/unifiedOrder")
def unified_order() -> Response:
    """Place an order; `payInfo` is the cashier's address, to which the payer's browser is sent."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        order = orders.place(connection, asked)
        cashier_url = current_app.config["SANDBOX_URL"] + url_for("jd.cashier", token=order["token"])
        return {**notices.payment_facts(order), "payInfo": cashier_url}

    return _answered(answer)


@blueprint.post("/apipayx/m/querytrade")
def query_trade() -> Response:
    """What became of an order."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        out_trade_no = asked.number("outTradeNo")
        order = orders.find(connection, asked.merchant_no, out_trade_no)
        if order is None:
            raise Refusal("ORDER_NOT_EXIST", out_trade_no)
        return orders.facts(connection, order)

    return _answered(answer)


@blueprint.post("/apipayx/m/refund")
def refund() -> Response:
    """Take a refund; it arrives later."""
    return _answered(lambda connection, asked: refunds.facts(connection, refunds.take(connection, asked)))


@blueprint.post("/apipayx/m/queryrefund")
def query_refund() -> Response:
    """What became of a refund."""

    def answer(connection: Any, asked: Request) -> dict[str, Any]:
        out_refund_no = asked.number("outRefundNo")
        known = refunds.find(connection, asked.merchant_no, out_refund_no)
        if known is None:
            raise Refusal("REFUND_NOT_EXIST", out_refund_no)
        return refunds.facts(connection, known)

    return _answered(answer)


@blueprint.post("/psi/merchant/enterSingle")
def enter_single() -> Response:
    """A merchant is brought in: form fields agentNo and entity, pictures as files."""
    pictures = {name: part.read() for name, part in request.files.items()}
    return _onboarded(lambda connection, keys, form: onboarding.enter(connection, keys, form, pictures))


@blueprint.post("/psi/merchant/applySingle")
def apply_single() -> Response:
    """The merchant asks for a product."""
    return _onboarded(onboarding.apply)


@blueprint.post("/psi/merchant/status/queryApplySingle")
def query_apply_single() -> Response:
    """How the merchant's products stand."""
    return _onboarded(onboarding.status)


@blueprint.post("/psi/merchant/status/queryMerchantKeys")
def query_merchant_keys() -> Response:
    """The keys of an open merchant."""
    return _onboarded(onboarding.merchant_keys)


@blueprint.get("/cashier/<token>")
def cashier(token: str) -> str:
    """The payer's page: whom, how much, and the two buttons; after paying, the result."""
    with _store(current_app).reading() as connection:
        order = orders.by_token(connection, token)
    if order is None:
        abort(404)
    paid_at = moments.iso(order["paid_at"])[:19].replace("T", " ") if order["paid_at"] else ""
    return render_template("jd/cashier.html", order=order, state=orders.state_of(order), paid_at=paid_at, amount=_yuan)


@blueprint.post("/cashier/<token>")
def confirm_or_leave(token: str) -> AnyResponse | tuple[str, int]:
    """The payer's tap. Paying twice pays once: the second tap sees the result of the first."""
    if request.form.get("action") == "pay":
        try:
            with _store(current_app).writing() as connection:
                orders.pay(connection, token=token)
        except orders.CannotPay as problem:
            if problem.reason == "unknown":
                abort(404)
        return redirect(url_for("jd.cashier", token=token), 303)
    return redirect(url_for("jd.cashier", token=token, left=1), 303)


@blueprint.get("/merchants")
def show_merchants() -> str:
    """Who is with JD and how his application stands; whoever waits can be confirmed or rejected here."""
    with _store(current_app).reading() as connection:
        return render_template("jd/merchants.html", merchants=merchants.every(connection))


@blueprint.post("/merchants/<merchant_no>/confirm")
def confirm_merchant(merchant_no: str) -> AnyResponse:
    """The merchant's own "yes, open it"."""
    refuse_foreign_pages()
    with _store(current_app).writing() as connection:
        onboarding.open_merchant(connection, merchant_no)
    return redirect(url_for("jd.show_merchants"), 303)


@blueprint.post("/merchants/<merchant_no>/reject")
def reject_merchant(merchant_no: str) -> AnyResponse:
    """JD's auditor says no."""
    refuse_foreign_pages()
    with _store(current_app).writing() as connection:
        onboarding.reject_merchant(connection, merchant_no)
    return redirect(url_for("jd.show_merchants"), 303)


def _answered(answer: Callable[[Any, Request], dict[str, Any]]) -> Response:
    """Open the request, let `answer` act in one transaction, seal what it says or why not."""
    keys: Keys = current_app.extensions["keys"]
    try:
        with _store(current_app).reading() as connection:
            asked = open_request(connection, request.get_data(), system_id=keys.jd_system_id)
    except Refusal as refusal:
        return jsonify(refused(refusal, None))
    return faults.around(
        _store(current_app),
        faults.Call("jd", faulty.operation(request.path), faulty.numbers(asked.fields)),
        faults.Answers(
            act=lambda: _acted(answer, asked),
            refuse=lambda: jsonify(refused(faulty.REFUSED, asked)),
            fail=faulty.broken,
            spoil=faulty.spoil,
        ),
    )


def _acted(answer: Callable[[Any, Request], dict[str, Any]], asked: Request) -> Response:
    try:
        with _store(current_app).writing() as connection:
            told = answer(connection, asked)
    except Refusal as refusal:
        return jsonify(refused(refusal, asked))
    return jsonify(sealed(asked.merchant, told, version=asked.version))


def _onboarded(act: Callable[[Any, Keys, Mapping[str, str]], dict[str, Any]]) -> Response:
    try:
        with _store(current_app).writing() as connection:
            told = act(connection, current_app.extensions["keys"], request.form)
    except onboarding.Rejected as problem:
        return jsonify({"code": problem.code, "message": problem.message})
    return jsonify({"code": "0000", "message": "成功", **told})


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _store(app: Flask) -> Store:
    store: Store = app.extensions["store"]
    return store
