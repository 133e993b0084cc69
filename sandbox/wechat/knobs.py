"""What a tester turns on WeChat's side, as JSON: products, permissions, bank accounts, payers, money, codes.

`GET /wechat/desk` shows all of it. Faults that hit once are armed elsewhere (sandbox.faults); these stay as set.
"""

import sqlite3
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.store import Store
from sandbox.wechat import funds, merchants, settlement, static_codes

PERMISSIONS = ("H5", "JSAPI", "NATIVE", "REFUND")

blueprint = Blueprint("knobs", __name__, url_prefix="/desk")
Answer = Response | tuple[Response, int]


@blueprint.get("")
def show() -> Response:
    """Products of the provider, sub-merchants with permissions, balances of the own accounts, printed codes."""
    with _store().reading() as connection:
        closed = {row["name"] for row in connection.execute("SELECT name FROM wechat_products WHERE NOT open")}
        rows = connection.execute("SELECT sub_mchid, name, permissions FROM wechat_merchants ORDER BY opened_at")
        return jsonify(
            products={name: name not in closed for name in merchants.PRODUCTS},
            merchants=[dict(row) | {"permissions": row["permissions"].split()} for row in rows],
            accounts={name: funds.balance(connection, name) for name in funds.FIRST},
            codes=static_codes.every(connection),
        )


@blueprint.post("/products")
def set_products() -> Answer:
    """`{"FUND_BILL": false}`: grant or withdraw what the provider has applied for."""
    wish = _told()
    if not wish or not all(name in merchants.PRODUCTS and isinstance(value, bool) for name, value in wish.items()):
        return _wrong(f"products are {', '.join(merchants.PRODUCTS)}, each true or false")
    with _store().writing() as connection:
        for name, is_open in wish.items():
            merchants.set_product(connection, name, is_open)
    return jsonify(wish)


@blueprint.post("/merchants/<sub_mchid>")
def set_merchant(sub_mchid: str) -> Answer:
    """`{"permissions": ["JSAPI", ...]}` and `{"account_verified": false}`: what the sub-merchant may, and its bank."""
    wish = _told()
    permissions, verified = wish.get("permissions"), wish.get("account_verified")
    if permissions is not None and not (isinstance(permissions, list) and set(permissions) <= set(PERMISSIONS)):
        return _wrong(f"permissions are some of {', '.join(PERMISSIONS)}")
    if verified is not None and not isinstance(verified, bool):
        return _wrong("account_verified is true or false")
    with _store().writing() as connection:
        if connection.execute("SELECT 1 FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone() is None:
            return _wrong(f"There is no sub-merchant {sub_mchid}.", 404)
        if permissions is not None:
            connection.execute(
                "UPDATE wechat_merchants SET permissions = ? WHERE sub_mchid = ?",
                (" ".join(sorted(set(permissions))), sub_mchid),
            )
        if verified is not None:
            settlement.set_verified(connection, sub_mchid, verified)
    return jsonify(sub_mchid=sub_mchid)


@blueprint.post("/merchants/<sub_mchid>/codes")
def open_code(sub_mchid: str) -> Answer:
    """One more printed code for a sub-merchant."""
    with _store().writing() as connection:
        if connection.execute("SELECT 1 FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone() is None:
            return _wrong(f"There is no sub-merchant {sub_mchid}.", 404)
        return jsonify(text=static_codes.open_code(connection, sub_mchid))


@blueprint.post("/payers/<payer>")
def set_payer(payer: str) -> Answer:
    """`{"cancelled": true}`: the person has closed his WeChat Pay account; refunds to him are refused."""
    cancelled = _told().get("cancelled")
    if not isinstance(cancelled, bool):
        return _wrong("cancelled is true or false")
    with _store().writing() as connection:
        _cancel(connection, payer, cancelled)
    return jsonify(payer=payer, cancelled=cancelled)


@blueprint.post("/accounts/<account>")
def pay_in(account: str) -> Answer:
    """`{"amount": fen}`: top up one of the provider's accounts; a negative amount takes money out."""
    amount = _told().get("amount")
    if account not in funds.FIRST or isinstance(amount, bool) or not isinstance(amount, int) or not amount:
        return _wrong(f"account is {' or '.join(funds.FIRST)}, amount a whole number of fen")
    with _store().writing() as connection:
        if funds.balance(connection, account) + amount < 0:
            return _wrong("There is not so much on the account.")
        funds.pay_in(connection, account, amount)
        return jsonify(account=account, balance=funds.balance(connection, account))


def _cancel(connection: sqlite3.Connection, payer: str, cancelled: bool) -> None:
    connection.execute("UPDATE wechat_openids SET cancelled = ? WHERE payer = ?", (int(cancelled), payer))


def _told() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}


def _wrong(sentence: str, status: int = 400) -> Answer:
    return jsonify(error=sentence), status


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
