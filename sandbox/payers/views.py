"""`/payers`: the people who pay, for scripts. Everything is JSON, all amounts are fen."""

import sqlite3
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request

from sandbox import clock
from sandbox.payers import cards, reductions, subsidies, telling
from sandbox.payers.accounts import WALLETS, NoSuchThing, account
from sandbox.payers.quotas import LEVELS
from sandbox.store import Store

DEMO = "demo"
HISTORY = 50
_LONGEST_NAME = 40

blueprint = Blueprint("payers", __name__, url_prefix="/payers")

Answer = Response | tuple[Response, int]


class BadWish(ValueError):
    """The script's own mistake; the text says which."""


def set_up(app: Flask) -> None:
    """The demo payer is there from the start."""
    store: Store = app.extensions["store"]
    with store.writing() as connection:
        for wallet in WALLETS:
            account(connection, DEMO, wallet)


@blueprint.before_request
def refuse_foreign_pages() -> None:
    """A page of another site, open in the same browser, may not spend anything here."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)


@blueprint.get("")
def show_payers() -> Answer:
    """Everybody who has paid or was asked for."""
    with _store().reading() as connection:
        rows = connection.execute("SELECT DISTINCT payer FROM payer_accounts ORDER BY payer").fetchall()
    return jsonify({"payers": [row["payer"] for row in rows]})


@blueprint.get("/<payer>")
def show_payer(payer: str) -> Answer:
    """Both wallets of a person, and his subsidies."""

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        now = clock.now(connection)
        return {
            "payer": payer,
            "wallets": {wallet: telling.told_account(connection, payer, wallet, now) for wallet in WALLETS},
            "subsidies": telling.told_subsidies(connection, payer),
        }

    return _done(payer, answer)


@blueprint.get("/<payer>/subsidies")
def show_subsidies(payer: str) -> Answer:
    """What was granted for which deed."""
    return _done(payer, lambda connection: telling.told_subsidies(connection, payer))


@blueprint.post("/<payer>/subsidies")
def grant(payer: str) -> Answer:
    """`{"deed": ...}`: as if he had just done it. `now` is what it brought, 0 when it was counted before."""
    deed = str(wish().get("deed", ""))

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        brought = subsidies.grant(connection, payer, deed, clock.now(connection))
        return {"now": brought, **telling.told_subsidies(connection, payer)}

    return _done(payer, answer)


@blueprint.get("/<payer>/<wallet>")
def show_account(payer: str, wallet: str) -> Answer:
    """One wallet of a person."""
    return _done(payer, lambda connection: _told(connection, payer, wallet_named(wallet)))


@blueprint.post("/<payer>/<wallet>")
def change_account(payer: str, wallet: str) -> Answer:
    """Any of `level`, `balance`, `source`, `next_reduction` (fen), `reduction`: all that are given change, or none."""
    plain, values = wallet_named(wallet), wish()

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        account(connection, payer, plain)
        for name, value in values.items():
            if name not in _CHANGES:
                raise BadWish(f"{name}: one of {', '.join(_CHANGES)}")
            _CHANGES[name](connection, payer, plain, value)
        return _told(connection, payer, plain)

    return _done(payer, answer)


@blueprint.get("/<payer>/<wallet>/history")
def show_history(payer: str, wallet: str) -> Answer:
    """Payments, refunds and subsidies, newest first, 50 at most."""
    plain = wallet_named(wallet)
    return _done(payer, lambda connection: {"entries": telling.told_history(connection, payer, plain, HISTORY)})


@blueprint.post("/<payer>/<wallet>/cards")
def bind(payer: str, wallet: str) -> Answer:
    """`{"bank", "kind": "debit" | "credit", "number", "money"}`: a new card, `money` on it unless said 10,000 yuan."""
    plain, values = wallet_named(wallet), wish()
    money = whole("money", values.get("money", cards.FIRST_MONEY))

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        card = cards.bind(
            connection,
            payer,
            plain,
            bank=str(values.get("bank", "")),
            kind=str(values.get("kind", "")),
            number=str(values.get("number", "")),
            money=money,
        )
        return telling.told_card(card)

    return _done(payer, answer, 201)


@blueprint.post("/<payer>/<wallet>/cards/<card>")
def act(payer: str, wallet: str, card: str) -> Answer:
    """`{"act": "use" | "expire" | "renew" | "remove"}`, and `{"money": fen}` for what is on it."""
    plain, values = wallet_named(wallet), wish()
    wanted = values.get("act")

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        account(connection, payer, plain).card(card)
        if "money" in values:
            _set_money(connection, payer, plain, card, values["money"])
        if wanted is not None:
            if wanted not in cards.ACTS:
                raise BadWish(f"act: one of {', '.join(cards.ACTS)}")
            cards.ACTS[wanted](connection, payer, plain, card)
        return _told(connection, payer, plain)

    return _done(payer, answer)


@blueprint.delete("/<payer>/<wallet>/cards/<card>")
def remove(payer: str, wallet: str, card: str) -> Answer:
    """Unbind a card."""
    plain = wallet_named(wallet)

    def answer(connection: sqlite3.Connection) -> dict[str, Any]:
        cards.remove(connection, payer, plain, card)
        return _told(connection, payer, plain)

    return _done(payer, answer)


def wallet_named(name: str) -> str:
    """`wechat`, `jdpay` or, for short, `jd`."""
    return {"jd": "jdpay"}.get(name, name)


def wish() -> dict[str, Any]:
    """The members of the request's JSON object, or the fields of its form. Raises BadWish."""
    if not request.is_json:
        return request.form.to_dict()
    values = request.get_json(silent=True)
    if not isinstance(values, dict):
        raise BadWish("the body is no JSON object")
    return values


def whole(name: str, value: object) -> int:
    """A whole number of fen, not negative. Raises BadWish."""
    text = str(value).strip()
    if isinstance(value, bool | float) or not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadWish(f"{name}: whole fen, not negative")
    return int(text)


@blueprint.errorhandler(BadWish)
def bad_wish(problem: BadWish) -> Answer:
    return jsonify({"error": str(problem)}), 400


def _done(payer: str, answer: Callable[[sqlite3.Connection], dict[str, Any]], status: int = 200) -> Answer:
    """One block for reading and for writing: whoever is asked for exists from then on."""
    if not 0 < len(payer) <= _LONGEST_NAME or not payer.isprintable():
        return jsonify({"error": "payer: at most 40 characters"}), 400
    try:
        with _store().writing() as connection:
            return jsonify(answer(connection)), status
    except (NoSuchThing, subsidies.NoSuchDeed) as problem:
        return jsonify({"error": str(problem)}), 404
    except (BadWish, reductions.BadRule) as problem:
        return jsonify({"error": str(problem)}), 400
    except cards.BadCard as problem:
        return jsonify({"error": str(problem), "english": problem.english}), 422


def _told(connection: sqlite3.Connection, payer: str, wallet: str) -> dict[str, Any]:
    return telling.told_account(connection, payer, wallet, clock.now(connection))


def _set_level(connection: sqlite3.Connection, payer: str, wallet: str, value: object) -> None:
    if value not in LEVELS:
        raise BadWish("level: A, B or C")
    connection.execute("UPDATE payer_accounts SET level = ? WHERE payer = ? AND wallet = ?", (value, payer, wallet))


def _set_balance(connection: sqlite3.Connection, payer: str, wallet: str, value: object) -> None:
    connection.execute(
        "UPDATE payer_accounts SET balance = ? WHERE payer = ? AND wallet = ?",
        (whole("balance", value), payer, wallet),
    )


def _set_source(connection: sqlite3.Connection, payer: str, wallet: str, value: object) -> None:
    cards.use(connection, payer, wallet, str(value))


def _set_next(connection: sqlite3.Connection, payer: str, wallet: str, value: object) -> None:
    amount = whole("next_reduction", value)
    rule = reductions.Rule(True, amount, 0, reductions.NAMES[wallet], "wallet")
    reductions.set_rule(connection, payer, wallet, rule)


def _set_reduction(connection: sqlite3.Connection, payer: str, wallet: str, value: object) -> None:
    """`{"amount", "minimum", "name", "funder", "once"}` or null; `once` makes it one for the next payment only."""
    values = {"amount": 0} if value is None else value
    if not isinstance(values, dict):
        raise BadWish("reduction: an object or null")
    rule = reductions.Rule(
        values.get("once") is True,
        whole("amount", values.get("amount", 0)),
        whole("minimum", values.get("minimum", 0)),
        str(values.get("name") or reductions.NAMES[wallet]),
        str(values.get("funder", "wallet")),
    )
    reductions.set_rule(connection, payer, wallet, rule)


def _set_money(connection: sqlite3.Connection, payer: str, wallet: str, card: str, value: object) -> None:
    connection.execute(
        "UPDATE payer_cards SET money = ? WHERE payer = ? AND wallet = ? AND card = ?",
        (whole("money", value), payer, wallet, card),
    )


_CHANGES: dict[str, Callable[[sqlite3.Connection, str, str, object], None]] = {
    "level": _set_level,
    "balance": _set_balance,
    "source": _set_source,
    "next_reduction": _set_next,
    "reduction": _set_reduction,
}


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
