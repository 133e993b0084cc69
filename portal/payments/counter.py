"""The counter where a payer stands: which page he gets for a code, and what happens when he posts an amount.

Both the plate's address and a merchant's sharing page lead here.
"""

import secrets
from dataclasses import dataclass
from http import HTTPStatus

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.codes.queries import CodeRow
from portal.merchants import queries as merchants
from portal.merchants.queries import ContractRow
from portal.payments import flows, operations
from portal.payments.flows import Parties
from portal.payments.forms import amount_words, read_amount, read_note
from portal.payments.rules import ROADS, App, Road, recognise
from portal.plumbing.clock import now
from portal.plumbing.formkeys import FORM_KEY_MOST, new_form_key
from portal.plumbing.web import database, keyring, settings, wallets
from portal.values.errors import InvalidAmount, NotAllowedNow, Refused
from portal.values.references import spoken_code
from portal.wallets.errors import WalletError, WalletRefused
from portal.wallets.port import OpeningKind


@dataclass(frozen=True)
class Stand:
    """A code that somebody has opened, the app he opened it with, and what may be paid there."""

    code: CodeRow
    share_token: str | None
    app: App
    road: Road | None
    contract: ContractRow | None
    receiving: bool
    others: tuple[str, ...]

    @property
    def wallet(self) -> str:
        return str(self.road.wallet) if self.road else ""

    @property
    def plate(self) -> str:
        return spoken_code(self.code.number) if self.code.number else ""


def parties() -> Parties:
    """This request's services, as a conversation with a wallet wants them."""
    return Parties(database(), keyring(), wallets(), settings().notify_base)


def stand_at(code: CodeRow, share_token: str | None) -> Stand:
    """Look at a code with the eyes of the app that opened it."""
    app = recognise(request.user_agent.string)
    road = ROADS.get(app)
    with database().transaction(merchant=code.merchant_id) as open_transaction:
        contracts = merchants.contracts(open_transaction, code.merchant_id)
        held = merchants.restrictions(open_transaction, code.merchant_id, now=now())
    return Stand(
        code=code,
        share_token=share_token,
        app=app,
        road=road,
        contract=contracts.get(road.acquirer) if road else None,
        receiving=code.state == "active" and "receive" not in held,
        others=tuple(sorted(contracts)),
    )


def amount_page(stand: Stand) -> ResponseReturnValue:
    """What the payer sees first: the shop's name and an amount to type, or why he cannot pay here."""
    refusal = _refusal(stand)
    return refusal if refusal is not None else _form(stand)


def take_amount(stand: Stand) -> ResponseReturnValue:
    """The payer posted an amount: create the order once, then lead him into his wallet."""
    refusal = _refusal(stand)
    if refusal is not None or stand.road is None or stand.contract is None:
        return refusal or amount_page(stand)
    typed, note, key = request.form.get("amount", ""), request.form.get("note", ""), request.form.get("key", "")
    try:
        amount, words = read_amount(typed), read_note(note)
    except InvalidAmount as problem:
        return _form(stand, typed=typed, note=note, error=amount_words(problem)), HTTPStatus.UNPROCESSABLE_ENTITY
    except Refused:
        long = _("备注最多 30 个字")
        return _form(stand, typed=typed, note=note, error=long), HTTPStatus.UNPROCESSABLE_ENTITY
    if not 0 < len(key) <= FORM_KEY_MOST:
        return _form(stand, typed=typed, note=note, error=_("请再点一次付款")), HTTPStatus.BAD_REQUEST
    try:
        number = _create(stand, stand.road, stand.contract, amount=amount, note=words, key=key)
    except Refused:
        fresh = _("您改了金额，请再点一次付款")
        return _form(stand, typed=typed, note=note, error=fresh), HTTPStatus.CONFLICT
    return _lead_on(stand, stand.road, number)


def open_in_wallet(
    *, merchant_id: int, number: str, code: CodeRow, payer_id: str | None, back: str
) -> ResponseReturnValue:
    """Place the order with its wallet and hand the payer over to it. `back` is where he may try once more."""
    try:
        opening = flows.open_payment(
            parties(),
            merchant_id=merchant_id,
            payment_no=number,
            shop_name=code.shop_name,
            payer_id=payer_id,
            payer_ip=request.remote_addr or "127.0.0.1",
            now=now(),
            return_url=f"{settings().portal_url}{url_for('payments.result', number=number)}",
        )
    except NotAllowedNow:
        return redirect(url_for("payments.result", number=number))
    except WalletRefused as refusal:
        page = render_template("payments/refused.html", code=code, back=back, words=refusal.message)
        return page, HTTPStatus.CONFLICT
    except WalletError:
        page = render_template("payments/confirming.html", code=code, number=number)
        return page, HTTPStatus.SERVICE_UNAVAILABLE
    if opening.kind is OpeningKind.REDIRECT and opening.url is not None:
        return redirect(opening.url, HTTPStatus.SEE_OTHER)
    if opening.kind is OpeningKind.FORM:
        return render_template("payments/form.html", code=code, opening=opening, number=number)
    return render_template("payments/bridge.html", code=code, bridge=dict(opening.bridge), number=number)


def state_key(number: str) -> str:
    """Under which the browser's own cookie keeps the login's one-time word."""
    return f"login:{number}"


def _lead_on(stand: Stand, road: Road, number: str) -> ResponseReturnValue:
    word = secrets.token_urlsafe(16)
    login = wallets()[road.acquirer].payer_login_url(
        return_url=f"{settings().portal_url}{url_for('payments.wechat_login', number=number)}", state=word
    )
    if login is None:
        return open_in_wallet(
            merchant_id=stand.code.merchant_id, number=number, code=stand.code, payer_id=None, back=request.path
        )
    session[state_key(number)] = word
    return redirect(login, HTTPStatus.SEE_OTHER)


def _create(stand: Stand, road: Road, contract: ContractRow, *, amount: int, note: str, key: str) -> str:
    with database().transaction(merchant=stand.code.merchant_id) as open_transaction:
        return operations.create_order(
            open_transaction,
            merchant_id=stand.code.merchant_id,
            code_id=stand.code.code_id,
            share_token=stand.share_token,
            road=road,
            sub_merchant_no=contract.sub_merchant_no,
            fee_rate_bp=contract.fee_rate_bp,
            amount=amount,
            note=note,
            form_key=key,
            reference_key=keyring().reference_key,
            now=now(),
        )


def _form(stand: Stand, *, typed: str = "", note: str = "", error: str = "") -> str:
    return render_template("payments/amount.html", stand=stand, key=new_form_key(), typed=typed, note=note, error=error)


def _refusal(stand: Stand) -> ResponseReturnValue | None:
    """The page that says why nothing can be paid here, with a way out; None when paying is possible."""
    if not stand.receiving or not stand.others:
        return render_template("payments/stopped.html", stand=stand), HTTPStatus.FORBIDDEN
    if stand.road is None or stand.contract is None:
        return render_template("payments/elsewhere.html", stand=stand)
    return None


def starting_page(code: CodeRow, share_token: str | None) -> str:
    """Where an order began: the sharing page it came through, or the plate's own."""
    if share_token is not None:
        return f"/r/{share_token}"
    return url_for("payments.pay", code=code.number) if code.number else "/"
