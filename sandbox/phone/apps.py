"""The phone's desktop, the wallets' first pages, and in JD Finance the search and the activity behind it."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.payers import reductions, subsidies
from sandbox.payers.accounts import account
from sandbox.phone import letters, phones, ways
from sandbox.phone.addresses import WALLETS
from sandbox.phone.wording import deed_name, source_name, wallet_name, yuan

blueprint = Blueprint("apps", __name__)


@blueprint.get("/home")
def home() -> str:
    """The desktop: an icon for each app, and the shortcut once it is there."""
    phone = phones.current()
    return render_template("phone/home.html", phone=phone, wallets=WALLETS, wallet_name=wallet_name)


@blueprint.get("/app/<wallet>")
def app(wallet: str) -> str:
    """The first page of a wallet's app."""
    if wallet not in WALLETS:
        abort(404)
    phone = phones.current()
    with phones.store().writing() as connection:
        holder = account(connection, phone.payer, wallet)
        waiting = len(letters.waiting(connection, phone.payer)) if wallet == "wechat" else 0
    return render_template(
        "phone/app.html", wallet=wallet, name=wallet_name(wallet), source=source_name(holder), waiting=waiting
    )


@blueprint.get("/app/jdpay/search")
def search() -> str:
    """What a search inside JD Finance finds: the activity, or nothing."""
    query = request.args.get("q", "").strip()[:80]
    return render_template("phone/search.html", query=query, found=ways.finds_activity(query), names=ways.ACTIVITY)


@blueprint.get("/app/jdpay/activity")
def activity() -> str:
    """Scan Code Payment Discount: what it gives, what was granted so far, and its three buttons."""
    phone = phones.current()
    with phones.store().writing() as connection:
        rules = reductions.rules(connection, phone.payer, "jdpay")
        deeds = subsidies.every(connection, phone.payer)
        granted = subsidies.total(connection, phone.payer)
    return render_template(
        "phone/activity.html",
        phone=phone,
        rules=rules,
        deeds=deeds,
        granted=granted,
        most=subsidies.MOST,
        most_off=reductions.MOST,
        coupon=None if any(rule.upcoming for rule in rules) else (ways.COUPON_OFF, ways.COUPON_FROM),
        just=request.args.get("just", type=int),
        did=request.args.get("did", ""),
        deed_name=deed_name,
        yuan=yuan,
    )


@blueprint.post("/app/jdpay/shortcut")
def add_shortcut() -> AnyResponse:
    """Put the scanner on the desktop; the first time it brings its subsidy."""
    phone = phones.change(shortcut=True)
    reward = ways.reward(phones.store(), phone, "shortcut")
    return redirect(url_for(".activity", did="shortcut", just=reward.now), 303)


@blueprint.post("/app/jdpay/share")
def share() -> AnyResponse:
    """Tell friends; the first time it brings its subsidy."""
    reward = ways.reward(phones.store(), phones.current(), "share")
    return redirect(url_for(".activity", did="share", just=reward.now), 303)


@blueprint.post("/app/jdpay/coupon")
def take_coupon() -> AnyResponse:
    """A reduction for the next payment, one at a time."""
    ways.take_coupon(phones.store(), phones.current().payer)
    return redirect(url_for(".activity"), 303)
