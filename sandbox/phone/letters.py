"""Wallet messages inside WeChat: transfers by merchants that wait for the receiver's own yes, and those he took."""

import sqlite3
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.payers.views import Answer, wish
from sandbox.phone import phones
from sandbox.phone.wallets import moment
from sandbox.phone.wording import yuan
from sandbox.wechat import transfers

TAKEN = 10

blueprint = Blueprint("letters", __name__)


@blueprint.get("/app/wechat/messages")
def show() -> str:
    """What waits, oldest first, and what was taken last."""
    return _page()


@blueprint.post("/app/wechat/messages")
def confirm() -> AnyResponse | tuple[str, int]:
    """The receiver takes one."""
    try:
        _confirm(request.form.get("package_info", ""))
    except transfers.CannotConfirm as problem:
        return _page(str(problem)), 409
    return redirect(url_for(".show"), 303)


@blueprint.get("/api/messages")
def tell() -> Answer:
    """`{"waiting": [...], "taken": [...]}`: transfers as the wallet shows them, amounts in fen."""
    payer = phones.current().payer
    with phones.store().reading() as connection:
        return jsonify({"waiting": waiting(connection, payer), "taken": _taken(connection, payer)})


@blueprint.post("/api/messages")
def confirm_by_script() -> Answer:
    """`{"package_info": ...}`: take that transfer."""
    try:
        return jsonify(_confirm(str(wish().get("package_info", ""))))
    except transfers.CannotConfirm as problem:
        return jsonify({"error": str(problem)}), 409


def waiting(connection: sqlite3.Connection, payer: str) -> list[dict[str, Any]]:
    """What this person may take now."""
    return transfers.waiting_for(connection, _openids(connection, payer))


def _confirm(package_info: str) -> dict[str, object]:
    payer = phones.current().payer
    with phones.store().writing() as connection:
        known = transfers.by_package(connection, package_info)
        mine = known is not None and known["openid"] in _openids(connection, payer)
        openid = str(known["openid"]) if known and mine else ""
        return transfers.confirm(connection, package_info=package_info, openid=openid)


def _taken(connection: sqlite3.Connection, payer: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT t.transfer_bill_no, t.amount, t.remark, t.updated_at AS at FROM wechat_transfers t"
        " JOIN wechat_openids o USING (openid) WHERE o.payer = ? AND t.state = 'SUCCESS'"
        " ORDER BY t.updated_at DESC LIMIT ?",
        (payer, TAKEN),
    )
    return [dict(row) for row in rows]


def _openids(connection: sqlite3.Connection, payer: str) -> list[str]:
    rows = connection.execute("SELECT openid FROM wechat_openids WHERE payer = ?", (payer,))
    return [row["openid"] for row in rows]


def _page(problem: str = "") -> str:
    payer = phones.current().payer
    with phones.store().reading() as connection:
        return render_template(
            "phone/letters.html",
            waiting=waiting(connection, payer),
            taken=_taken(connection, payer),
            problem=problem,
            moment=moment,
            yuan=yuan,
        )
