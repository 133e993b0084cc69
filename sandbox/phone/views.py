"""`/phone`: a phone on the desk. The left side is the phone, the right side tells what each party does."""

import json
from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.language import say
from sandbox.payers.accounts import account
from sandbox.phone import (
    api,
    api_people,
    apps,
    codes,
    drawing,
    letters,
    lines,
    phones,
    reading,
    sheets,
    stall_views,
    stalls,
    story,
    tills,
    wallets,
    ways,
    web,
)
from sandbox.phone.addresses import HOME, WALLETS
from sandbox.phone.codes import Kind
from sandbox.phone.wording import kind_name, source_name, unreadable, wallet_name, yuan
from sandbox.sms import messages

RECORDS = 3
_OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)

blueprint = Blueprint("phone", __name__, url_prefix="/phone")
for part in (web, api, api_people, apps, wallets, stall_views, letters):
    blueprint.register_blueprint(part.blueprint)


def set_up(app: Flask) -> None:
    """Nothing happens by itself on a phone."""


@blueprint.after_request
def protect(response: Response) -> Response:
    """Every page has a policy; those shown by the browser bring their own."""
    response.headers.setdefault("Content-Security-Policy", _OWN_POLICY)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    return phones.remember(response)


@blueprint.get("")
def desk() -> str:
    """The whole page. `?wallet=` opens another app, `?tab=home|app|scan|sms` another screen, `?way=` the scanner."""
    phone = phones.current()
    wallet, tab, way = (request.args.get(name, "") for name in ("wallet", "tab", "way"))
    if wallet in WALLETS and wallet != phone.wallet:
        phone = phones.change(wallet=wallet, address="")
    if tab in ("home", "app", "scan") and phone.address:
        phone = phones.change(address="")
    screens = {
        "sms": url_for(".inbox"),
        "home": url_for(".apps.home"),
        "app": url_for(".apps.app", wallet=phone.wallet),
    }
    screen = screens.get(tab) or phone.address or url_for(".scan", way=way if way in ways.WAYS else None)
    return render_template(
        "phone/desk.html", phone=phone, tab=tab if tab in screens else "scan", screen=screen, **_steps()
    )


@blueprint.get("/steps")
def steps() -> str:
    """The right side alone, for the page's own script."""
    return render_template("phone/_steps.html", **_steps())


@blueprint.get("/scan")
def scan() -> AnyResponse | str:
    """The scanner, ready. `?way=` says by which of the three ways it was opened."""
    try:
        phones.change(way=ways.checked(phones.current(), request.args.get("way", "scan")))
    except ways.NoShortcut:
        return redirect(url_for(".apps.activity"), 303)
    return _scanner()


@blueprint.post("/scan")
def scanned() -> AnyResponse | tuple[str, int]:
    """A picture, a PDF or a text: opens what the wallet would open."""
    phone = phones.current()
    try:
        seen = api.scanned(phone.wallet)
    except reading.Unreadable as problem:
        return _scanner(problem=unreadable(problem)), 422
    except api.BadRequest:
        return _scanner(
            problem=say("请选一张图片，或者写下码的内容。", "Choose a picture or type the code's text.")
        ), 422
    if seen.kind is Kind.WECHAT_ORDER and phone.wallet == "wechat":
        return redirect(url_for(".native", code=seen.text), 303)
    if seen.opens is None:
        return _scanner(problem=_cannot_open(phone.wallet, seen)), 422
    return redirect(seen.opens, 303)


@blueprint.get("/native")
def native() -> AnyResponse:
    """A scanned Native code: WeChat's sheet, without any page of the shop."""
    try:
        sheet = sheets.for_code(phones.store(), phones.current().id, request.args.get("code", ""))
    except tills.CannotPay as problem:
        return _stopped(str(problem))
    return redirect(url_for(".sheet", sheet_id=sheet.id), 303)


@blueprint.post("/sheet")
def call() -> AnyResponse:
    """A bridge call without script: the page's parameters as a form."""
    try:
        params: Any = json.loads(request.form.get("params", ""))
        sheet = sheets.for_bridge(phones.store(), phones.current().id, params if isinstance(params, dict) else {})
    except ValueError:
        abort(400)
    except tills.CannotPay as problem:
        return _stopped(str(problem))
    return redirect(url_for(".sheet", sheet_id=sheet.id, done=request.form.get("done", "")), 303)


@blueprint.get("/sheet/<sheet_id>")
def sheet(sheet_id: str) -> str:
    """The pay sheet as a page of its own."""
    found = sheets.find(phones.store(), phones.current().id, sheet_id)
    if found is None:
        abort(404)
    return render_template("phone/sheet.html", sheet=found, done=_done(), yuan=yuan)


@blueprint.post("/sheet/<sheet_id>")
def decide(sheet_id: str) -> AnyResponse:
    """The payer's tap on it."""
    try:
        found = sheets.decide(phones.store(), phones.current().id, sheet_id, pays=request.form.get("outcome") == "pay")
    except tills.CannotPay as problem:
        return _stopped(str(problem))
    if found.state == "paid":
        return redirect(url_for(".sheet", sheet_id=sheet_id, done=_done()), 303)
    return redirect(_done() or url_for(".scan"), 303)


@blueprint.get("/inbox")
def inbox() -> str:
    """The text messages of one number, which stays typed in."""
    typed = request.args.get("number", phones.current().number).strip()
    if typed != phones.current().number and len(typed) <= 20:
        phones.change(number=typed)
    with phones.store().reading() as connection:
        found = messages.inbox(connection, _e164(typed)) if typed else []
        others = list(dict.fromkeys(message["phone"] for message in messages.inbox(connection, None)))[:4]
    return render_template("phone/inbox.html", number=typed, messages=found, others=others)


@blueprint.get("/picture.png")
def picture() -> Response:
    """What the phone scanned last."""
    content = phones.last_picture()
    if content is None:
        abort(404)
    return Response(content, content_type="image/png")


def _steps() -> dict[str, Any]:
    phone = phones.current()
    with phones.store().reading() as connection:
        drawn = drawing.draw(connection, phone.id, phone.wallet)
    return {"drawing": drawn, "now": lines.clock(), "wallet": phone.wallet, "wallet_name": wallet_name}


def _scanner(problem: str = "") -> str:
    phone = phones.current()
    with phones.store().writing() as connection:
        records = story.paid(connection, phone.id, phone.wallet, RECORDS)
        holder = account(connection, phone.payer, phone.wallet)
    return render_template(
        "phone/scan.html",
        phone=phone,
        wallet_name=wallet_name(phone.wallet),
        source=source_name(holder),
        problem=problem,
        typed=request.form.get("text", ""),
        records=records,
        has_picture=bool(phones.last_picture()),
        clock=lines.clock,
        yuan=yuan,
    )


def _cannot_open(wallet: str, seen: codes.Scan) -> str:
    name, app = kind_name(seen.kind), wallet_name(wallet)
    if seen.kind in stalls.KINDS:
        return say(f"这是{name}，可是查不到收款人，付不了。", f"This is {name}, but nobody is known behind it.")
    return say(
        f"这是{name}，沙盒里的{app}打不开它。请扫一码码牌。",
        f"This is {name}. {app} in the sandbox cannot open it. Scan a Yima plate.",
    )


def _stopped(reason: str) -> AnyResponse:
    page = render_template("phone/stop.html", title=say("付不了", "Cannot be paid"), text=reason, address="")
    return Response(page, 422)


def _done() -> str:
    """Where the page goes after the sheet: only a page of the phone's browser."""
    wish = request.values.get("done", "")
    return wish if wish.startswith(f"{HOME}/") else ""


def _e164(typed: str) -> str:
    digits = "".join(sign for sign in typed if sign.isdigit())
    return f"+86{digits}" if len(digits) == 11 and digits.startswith("1") else f"+{digits}"
