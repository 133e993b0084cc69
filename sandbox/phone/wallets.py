"""A wallet's own pages on the phone: what is in it, its cards and their care, what was paid and came back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox import clock
from sandbox.language import say
from sandbox.payers import cards, history, quotas, reductions
from sandbox.payers.accounts import BALANCE, BANKS, Account, NoSuchThing, account
from sandbox.phone import phones, shops
from sandbox.phone.addresses import WALLETS
from sandbox.phone.wording import (
    balance_name,
    bank_name,
    card_name,
    deed_name,
    reduction_name,
    source_name,
    wallet_name,
    yuan,
)

ENTRIES = 50
_BEIJING = ZoneInfo("Asia/Shanghai")

blueprint = Blueprint("wallets", __name__, url_prefix="/wallet")


@blueprint.url_value_preprocessor
def refuse_other_wallets(_endpoint: str | None, values: dict[str, str] | None) -> None:
    """Two wallets there are."""
    if values is not None and values.get("wallet") not in WALLETS:
        abort(404)


@blueprint.get("/<wallet>")
def show(wallet: str) -> str:
    """Balance, cards, quota left today, reductions in force."""
    return _wallet(wallet)


@blueprint.post("/<wallet>")
def choose(wallet: str) -> AnyResponse | tuple[str, int]:
    """Which source pays from now on."""
    payer = phones.current().payer
    try:
        with phones.store().writing() as connection:
            cards.use(connection, payer, wallet, request.form.get("source", ""))
    except (NoSuchThing, cards.BadCard) as problem:
        return _wallet(wallet, problem=_said(problem)), 422
    return redirect(url_for(".show", wallet=wallet), 303)


@blueprint.get("/<wallet>/bind")
def ask_card(wallet: str) -> str:
    """The form for a new card."""
    return _form(wallet)


@blueprint.post("/<wallet>/bind")
def bind(wallet: str) -> AnyResponse | tuple[str, int]:
    """A new card, with ten thousand yuan on it; what was typed stays typed when it is wrong."""
    payer = phones.current().payer
    try:
        with phones.store().writing() as connection:
            card = cards.bind(
                connection,
                payer,
                wallet,
                bank=request.form.get("bank", ""),
                kind=request.form.get("kind", ""),
                number=request.form.get("number", ""),
                money=cards.FIRST_MONEY,
            )
    except cards.BadCard as problem:
        return _form(wallet, problem=_said(problem)), 422
    return redirect(url_for(".card", wallet=wallet, card=card.id), 303)


@blueprint.get("/<wallet>/cards/<card>")
def card(wallet: str, card: str) -> str:
    """One card and what can be done with it."""
    return _card(wallet, card)


@blueprint.post("/<wallet>/cards/<card>")
def act(wallet: str, card: str) -> AnyResponse | tuple[str, int]:
    """Let it pay, let it expire, renew it, remove it."""
    wanted = cards.ACTS.get(request.form.get("act", ""))
    if wanted is None:
        abort(400)
    payer = phones.current().payer
    try:
        with phones.store().writing() as connection:
            wanted(connection, payer, wallet, card)
    except NoSuchThing:
        abort(404)
    except cards.BadCard as problem:
        return _card(wallet, card, problem=_said(problem)), 422
    gone = wanted is cards.remove
    return redirect(url_for(".show", wallet=wallet) if gone else url_for(".card", wallet=wallet, card=card), 303)


@blueprint.get("/<wallet>/history")
def past(wallet: str) -> str:
    """Payments, refunds and subsidies, newest first."""
    payer = phones.current().payer
    with phones.store().writing() as connection:
        entries = history.entries(connection, payer, wallet, ENTRIES)
        holder = account(connection, payer, wallet)
        names = shops.names(connection, [entry.number for entry in entries])
    return render_template(
        "phone/history.html",
        wallet=wallet,
        name=wallet_name(wallet),
        entries=[(entry, source_name(holder, entry.source_id)) for entry in entries],
        names=names,
        deed_name=deed_name,
        reduction_name=reduction_name,
        moment=moment,
        yuan=yuan,
    )


def _wallet(wallet: str, problem: str = "") -> str:
    payer = phones.current().payer
    with phones.store().writing() as connection:
        now = clock.now(connection)
        holder = account(connection, payer, wallet)
        left = {source: _left(connection, holder, source, now) for source in _sources(holder)}
        rules = reductions.rules(connection, payer, wallet)
    return render_template(
        "phone/wallet.html",
        wallet=wallet,
        name=wallet_name(wallet),
        holder=holder,
        left=left,
        rules=rules,
        problem=problem,
        balance=BALANCE,
        static=quotas.STATIC,
        cap=quotas.LEVELS[holder.level],
        balance_name=balance_name(wallet),
        source=source_name(holder),
        card_name=card_name,
        reduction_name=reduction_name,
        yuan=yuan,
    )


def _sources(holder: Account) -> list[str]:
    return [BALANCE, *(card.id for card in holder.in_use)]


def _left(connection: shops.Connection, holder: Account, source: str, now: float) -> quotas.Left:
    return quotas.left(connection, payer=holder.payer, wallet=holder.wallet, source=source, grade=holder.level, now=now)


def _card(wallet: str, card_id: str, problem: str = "") -> str:
    payer = phones.current().payer
    with phones.store().writing() as connection:
        holder = account(connection, payer, wallet)
        try:
            found = holder.card(card_id)
        except NoSuchThing:
            abort(404)
        left = _left(connection, holder, card_id, clock.now(connection))
    if found.state == "removed":
        abort(404)
    return render_template(
        "phone/card.html",
        wallet=wallet,
        name=wallet_name(wallet),
        card=found,
        card_name=card_name(found),
        pays=holder.source == found.id,
        left=left,
        problem=problem,
        yuan=yuan,
    )


def _form(wallet: str, problem: str = "") -> str:
    return render_template(
        "phone/bind.html",
        wallet=wallet,
        name=wallet_name(wallet),
        banks=[(bank, bank_name(bank)) for bank in BANKS],
        kinds=[("debit", say("储蓄卡", "Debit card")), ("credit", say("信用卡", "Credit card"))],
        typed=request.form,
        problem=problem,
    )


def _said(problem: Exception) -> str:
    return say(str(problem), problem.english if isinstance(problem, cards.BadCard) else str(problem))


def moment(seconds: float) -> str:
    """A day and time in Beijing."""
    return f"{datetime.fromtimestamp(seconds, _BEIJING):%m-%d %H:%M}"
