"""The payer's pages: `/c/<code>` and `/o/<order>`."""

import secrets
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.codes import queries as codes
from portal.codes.queries import CodeRow
from portal.payments import counter, flows, queries
from portal.payments.queries import PaymentRow
from portal.plumbing.web import Audience, database, guard, keyring, wallets
from portal.values.errors import InvalidReference
from portal.values.references import Kind, merchant_of, read_code
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer

blueprint = Blueprint("payments", __name__)
# A wallet's cashier has the payer's browser post here: no form token of ours, but a signature of the wallet's.
returns = Blueprint("returns", __name__)


@blueprint.get("/c/<code>")
@guard(Audience.PAYER)
def pay(code: str) -> ResponseReturnValue:
    found = _portal_code(code)
    if found is None:
        return render_template("payments/no_such_code.html", typed=code), HTTPStatus.NOT_FOUND
    if code != found.number:
        return redirect(url_for("payments.pay", code=found.number), HTTPStatus.PERMANENT_REDIRECT)
    return counter.amount_page(counter.stand_at(found, None))


@blueprint.post("/c/<code>")
@guard(Audience.PAYER)
def pay_amount(code: str) -> ResponseReturnValue:
    found = _portal_code(code)
    if found is None:
        return render_template("payments/no_such_code.html", typed=code), HTTPStatus.NOT_FOUND
    return counter.take_amount(counter.stand_at(found, None))


@blueprint.get("/o/<number>/wechat")
@guard(Audience.PAYER)
def wechat_login(number: str) -> ResponseReturnValue:
    """WeChat sends the payer back here with a code for his openid; only the browser that left may return."""
    order, code = _order(number)
    word = session.pop(counter.state_key(number), "")
    if order.state not in ("created", "paying"):
        return redirect(url_for("payments.result", number=number))
    if not word or not secrets.compare_digest(word, request.args.get("state", "")):
        return render_template("payments/scan_again.html", code=code), HTTPStatus.FORBIDDEN
    try:
        payer = wallets()[Acquirer.WECHAT].payer_id_of(request.args.get("code", ""))
    except WalletError:
        return render_template("payments/scan_again.html", code=code), HTTPStatus.BAD_GATEWAY
    back = counter.starting_page(code, order.share_token)
    return counter.open_in_wallet(merchant_id=order.merchant_id, number=number, code=code, payer_id=payer, back=back)


@blueprint.get("/o/<number>")
@guard(Audience.PAYER)
def result(number: str) -> ResponseReturnValue:
    order, code = _order(number)
    return render_template("payments/result.html", order=order, code=code)


@returns.post("/o/<number>")
@guard(Audience.PAYER)
def come_back(number: str) -> ResponseReturnValue:
    """Back from a cashier: perhaps ask the wallet at once; the result page says what is known."""
    order, _ = _order(number)
    flows.came_back(counter.parties(), merchant_id=order.merchant_id, payment_no=number, fields=request.form.to_dict())
    return redirect(url_for("payments.result", number=number), HTTPStatus.SEE_OTHER)


def _portal_code(text: str) -> CodeRow | None:
    try:
        number = read_code(text)
    except InvalidReference:
        return None
    with database().transaction() as open_transaction:
        owner = codes.whose(open_transaction, number)
    if owner is None:
        return None
    merchant_id, code_id = owner
    with database().transaction(merchant=merchant_id) as open_transaction:
        return codes.code(open_transaction, merchant_id, code_id)


def _order(number: str) -> tuple[PaymentRow, CodeRow]:
    try:
        merchant_id = merchant_of(number, kind=Kind.ORDER, key=keyring().reference_key)
    except InvalidReference:
        abort(404)
    with database().transaction(merchant=merchant_id) as open_transaction:
        order = queries.payment(open_transaction, merchant_id, number)
        code = codes.code(open_transaction, merchant_id, order.code_id) if order and order.code_id else None
    if order is None or code is None:
        abort(404)
    return order, code
