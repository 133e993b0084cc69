"""Turning the clearing institution's screws: the codes it knows, what it routed, which key it signs with."""

from dataclasses import asdict

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from sandbox import clock
from sandbox.control import refuse_foreign_pages
from sandbox.interconnect import directory, notices, routing, states
from sandbox.payers.accounts import WALLETS
from sandbox.payers.money import CannotPay
from sandbox.wechat import oauth

blueprint = Blueprint("interconnect_control", __name__, url_prefix="/control")
blueprint.before_request(refuse_foreign_pages)


def set_up(_app: Flask) -> None:
    """Nothing falls due here."""


@blueprint.get("/codes")
def codes() -> Response:
    """Every static code that can be scanned, with who receives."""
    with current_app.extensions["store"].reading() as connection:
        return jsonify([asdict(holder) for holder in directory.every(connection)])


@blueprint.post("/codes")
def open_code() -> tuple[Response, int]:
    """`{"text", "holding": "other_contract" | "personal", "holder_name"}`: file one more code."""
    wish = request.get_json()
    try:
        with current_app.extensions["store"].writing() as connection:
            directory.open_code(
                connection,
                text=str(wish.get("text", "")),
                holding=str(wish.get("holding", "")),
                holder_name=str(wish.get("holder_name", "")),
                merchant_no=str(wish.get("merchant_no", "")),
                now=clock.now(connection),
            )
    except directory.CannotOpen as problem:
        return jsonify({"error": str(problem)}), 400
    return jsonify({"text": directory.canonical(str(wish["text"]))}), 201


@blueprint.post("/interconnect/pay")
def pay() -> tuple[Response, int]:
    """`{"text", "amount": fen, "wallet", "payer"}`: somebody pays a static code, without a phone."""
    wish = request.get_json()
    wallet, payer, keys = str(wish.get("wallet")), str(wish.get("payer") or "demo"), current_app.extensions["keys"]
    try:
        if wallet not in WALLETS:
            raise CannotPay("wallet is wechat or jdpay")
        with current_app.extensions["store"].writing() as connection:
            openid = oauth.openid_of(connection, keys.wechat_sp_appid, payer) if wallet == "wechat" else None
            shown = routing.pay(
                connection,
                text=str(wish.get("text", "")),
                amount=int(wish.get("amount", 0)),
                wallet=wallet,
                payer=payer,
                openid=openid,
                now=clock.now(connection),
            )
    except (CannotPay, TypeError, ValueError) as problem:
        return jsonify({"error": str(problem)}), 400
    return jsonify(shown), 201


@blueprint.get("/interconnect")
def payments() -> Response:
    """The newest routed payments with all their steps."""
    with current_app.extensions["store"].reading() as connection:
        rows = connection.execute("SELECT * FROM interconnect_payments ORDER BY rowid DESC LIMIT 100").fetchall()
        told = [{**notices.about(row), "steps": states.steps(connection, row["clearing_no"])} for row in rows]
    return jsonify(told)
