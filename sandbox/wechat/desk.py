"""What people see of WeChat Pay outside of their phone's sheet: the H5 cashier and the page to take a transfer.

The H5 cashier stands for https://wx.tenpay.com: opened outside of WeChat, from a page of a configured domain, within
five minutes (partner docs 4012738604, 4012085683). A transfer's page stands for the one that WeChat opens for
`requestMerchantTransfer` (merchant docs 4012716430); `/wechat/transfers` is the same for programs.
"""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import clock
from sandbox.control import refuse_foreign_pages
from sandbox.payers import money
from sandbox.store import Connection, Store
from sandbox.wechat import knobs, oauth, orders, transfers

PAYER_HEADER = "X-Sandbox-Payer"
DEFAULT_PAYER = "demo"
FROM_NOWHERE = "商家参数格式有误，请联系商家解决"  # no Referer
FROM_ELSEWHERE = "商家存在未配置的参数，请联系商家解决"  # a Referer that is not the configured domain
INSIDE_WECHAT = "请在微信外打开订单，进行支付"
Page = str | tuple[str, int]

blueprint = Blueprint("wechat_desk", __name__, url_prefix="/wechat")
blueprint.before_request(refuse_foreign_pages)
blueprint.register_blueprint(knobs.blueprint)


@blueprint.get("/cgi-bin/mmpayweb-bin/checkmweb")
def h5_cashier() -> Page:
    """The page behind an h5_url."""
    refusal = _refused_visit()
    if refusal is not None:
        return render_template("wechat/h5.html", order=None, problem=refusal), 403
    with _store().writing() as connection:
        try:
            order = orders.by_h5_url(connection, request.args.get("prepay_id", ""), request.args.get("package", ""))
            orders.refuse_unpayable(order, clock.now(connection))
        except orders.NotPayable as problem:
            return render_template("wechat/h5.html", order=None, problem=str(problem)), 400
        offer = money.offer(
            connection,
            payer=_payer(),
            wallet="wechat",
            total=int(str(order["total"])),
            static_code=False,
            now=clock.now(connection),
        )
    return render_template("wechat/h5.html", order=order, offer=offer, back=_back(), problem=offer.problem)


@blueprint.post("/cgi-bin/mmpayweb-bin/checkmweb")
def pay_h5() -> AnyResponse | Page:
    """The payer confirms; then back to where the shop wanted him, whether it has heard of the payment or not."""
    try:
        with _store().writing() as connection:
            order = _pay(connection)
    except (orders.NotPayable, money.CannotPay) as problem:
        return render_template("wechat/h5.html", order=None, problem=str(problem)), 400
    if _back():
        return redirect(_back(), 303)
    return render_template("wechat/h5.html", order=order, offer=None, back="", problem="")


@blueprint.get("/transfers")
def list_transfers() -> Response:
    """`{"transfers": [...]}`: what the payer of this phone (`?payer=`) may take now."""
    with _store().writing() as connection:
        found = transfers.waiting_for(connection, _openids(connection))
    return jsonify(transfers=found)


@blueprint.get("/transfers/<package_info>")
def show_transfer(package_info: str) -> Page:
    """The receiver's page."""
    with _store().reading() as connection:
        transfer = transfers.by_package(connection, package_info)
    return render_template("wechat/transfer.html", transfer=transfer, problem=""), 200 if transfer else 404


@blueprint.post("/transfers/<package_info>")
def confirm_transfer(package_info: str) -> AnyResponse | Page | tuple[Response, int]:
    """The receiver takes it: JSON for programs, the page for people."""
    wants_json = request.is_json or request.accept_mimetypes.best == "application/json"
    try:
        with _store().writing() as connection:
            transfer = _confirm(connection, package_info)
    except transfers.CannotConfirm as problem:
        if wants_json:
            return jsonify(error=str(problem)), 409
        with _store().reading() as connection:
            known = transfers.by_package(connection, package_info)
        return render_template("wechat/transfer.html", transfer=known, problem=str(problem)), 409
    return jsonify(transfer) if wants_json else render_template("wechat/transfer.html", transfer=transfer, problem="")


def _confirm(connection: Connection, package_info: str) -> dict[str, object]:
    known = transfers.by_package(connection, package_info)
    openid = str(known["openid"]) if known is not None else ""
    mine = openid in _openids(connection)
    return transfers.confirm(connection, package_info=package_info, openid=openid if mine else "")


def _pay(connection: Connection) -> dict[str, object]:
    order = orders.by_prepay(connection, request.args.get("prepay_id", ""))
    if order["trade_type"] != "MWEB":
        raise orders.NotPayable("没有这笔订单")
    orders.refuse_unpayable(order, clock.now(connection))
    paid = money.settle(
        connection,
        payer=_payer(),
        wallet="wechat",
        institution="wechat",
        number=str(order["out_trade_no"]),
        total=int(str(order["total"])),
        static_code=False,
        now=clock.now(connection),
    )
    openid = oauth.openid_of(connection, str(order["sp_appid"]), _payer())
    return orders.pay(connection, prepay_id=str(order["prepay_id"]), openid=openid, paid=paid)


def _refused_visit() -> str | None:
    """Why this visit is none that WeChat's cashier takes; also the usual slips of those who begin with H5."""
    if "MicroMessenger" in request.user_agent.string:
        return INSIDE_WECHAT
    came_from = urlsplit(request.headers.get("Referer", ""))
    if not came_from.netloc:
        return FROM_NOWHERE
    return None if came_from.netloc == urlsplit(current_app.config["PORTAL_URL"]).netloc else FROM_ELSEWHERE


def _back() -> str:
    """Where the shop wants the payer afterwards; only on its configured domain."""
    wish = request.args.get("redirect_url", "")
    return wish if urlsplit(wish)[:2] == urlsplit(current_app.config["PORTAL_URL"])[:2] else ""


def _openids(connection: Connection) -> list[str]:
    payer = request.args.get("payer") or _payer()
    rows = connection.execute("SELECT openid FROM wechat_openids WHERE payer = ?", (payer,))
    return [row["openid"] for row in rows]


def _payer() -> str:
    return request.headers.get(PAYER_HEADER) or DEFAULT_PAYER


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
