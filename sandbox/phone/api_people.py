"""The phone's people and their wallets for scripts: who holds it, the three ways in, cards, history. All JSON.

What stands at `/payers/<payer>/...` stands here too, for whoever holds this phone.
"""

from dataclasses import asdict

from flask import Blueprint, jsonify, request, url_for

from sandbox.payers import telling
from sandbox.payers import views as payers
from sandbox.payers.views import Answer, BadWish, bad_wish, wish
from sandbox.phone import phones, ways

blueprint = Blueprint("phone_people", __name__, url_prefix="/api")
blueprint.register_error_handler(BadWish, bad_wish)

_LONGEST_NAME = 40


@blueprint.get("/me")
def show_me() -> Answer:
    """Who holds this phone, what is open on it, and what JD has granted him."""
    phone = phones.current()
    with phones.store().writing() as connection:
        told = {
            "payer": phone.payer,
            "wallet": phone.wallet,
            "way": phone.way,
            "shortcut": phone.shortcut,
            "subsidies": telling.told_subsidies(connection, phone.payer),
        }
    return jsonify(told)


@blueprint.post("/me")
def hand_over() -> Answer:
    """`{"payer": name}`: somebody else holds the phone from now on."""
    name = str(wish().get("payer", "")).strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isascii() or not name.replace("-", "").isalnum():
        raise BadWish("payer: at most 40 letters, digits and hyphens")
    phones.change(payer=name)
    return show_me()


@blueprint.get("/search")
def search() -> Answer:
    """`?q=`: what JD Finance finds."""
    found = ways.finds_activity(request.args.get("q", ""))
    return jsonify({"opens": url_for("phone.apps.activity") if found else None})


@blueprint.post("/shortcut")
def add_shortcut() -> Answer:
    """The scanner goes on the desktop; `now` is the subsidy it brought."""
    phone = phones.change(shortcut=True)
    return jsonify(asdict(ways.reward(phones.store(), phone, "shortcut")))


@blueprint.post("/share")
def share() -> Answer:
    """Tell friends; `now` is the subsidy it brought."""
    return jsonify(asdict(ways.reward(phones.store(), phones.current(), "share")))


@blueprint.post("/coupon")
def take_coupon() -> Answer:
    """The activity's coupon; `taken` is false while one is waiting already."""
    return jsonify({"taken": ways.take_coupon(phones.store(), phones.current().payer)})


@blueprint.post("/open")
def open_scanner() -> Answer:
    """`{"way": "scan" | "activity" | "shortcut"}`: JD Finance's scanner, as a person would open it."""
    way = str(wish().get("way", ""))
    if way not in ways.WAYS:
        raise BadWish(f"way: one of {', '.join(ways.WAYS)}")
    try:
        phones.change(wallet="jdpay", address="", way=ways.checked(phones.current(), way))
    except ways.NoShortcut:
        return jsonify({"error": "there is no shortcut on this phone's desktop"}), 409
    return jsonify({"way": way, "opens": url_for("phone.scan", way=way)})


@blueprint.get("/wallet/<wallet>")
def show_wallet(wallet: str) -> Answer:
    return payers.show_account(phones.current().payer, wallet)


@blueprint.post("/wallet/<wallet>")
def change_wallet(wallet: str) -> Answer:
    return payers.change_account(phones.current().payer, wallet)


@blueprint.get("/wallet/<wallet>/history")
def show_history(wallet: str) -> Answer:
    return payers.show_history(phones.current().payer, wallet)


@blueprint.post("/wallet/<wallet>/cards")
def bind(wallet: str) -> Answer:
    return payers.bind(phones.current().payer, wallet)


@blueprint.post("/wallet/<wallet>/cards/<card>")
def act(wallet: str, card: str) -> Answer:
    return payers.act(phones.current().payer, wallet, card)


@blueprint.delete("/wallet/<wallet>/cards/<card>")
def remove(wallet: str, card: str) -> Answer:
    return payers.remove(phones.current().payer, wallet, card)
