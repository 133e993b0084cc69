"""The phone for scripts, and what its own pages ask in the background. Everything answers JSON."""

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from sandbox.payers import subsidies
from sandbox.phone import codes, phones, reading, sheets, stalls, story, tills, ways
from sandbox.phone.codes import Kind, Scan
from sandbox.phone.paying import Outcome, Payer
from sandbox.phone.wording import unreadable

blueprint = Blueprint("phone_api", __name__, url_prefix="/api")

Answer = Response | tuple[Response, int]


class BadRequest(ValueError):
    """The script's own mistake; the text says which."""


@blueprint.errorhandler(BadRequest)
def bad_request(problem: BadRequest) -> Answer:
    return jsonify({"error": str(problem)}), 400


@blueprint.errorhandler(reading.Unreadable)
def not_read(problem: reading.Unreadable) -> Answer:
    return jsonify({"error": unreadable(problem), "reason": problem.reason, "texts": list(problem.texts)}), 422


@blueprint.post("/scan")
def scan() -> Answer:
    """`{"text", "kind", "opens"}` of a `file` (multipart) or a `text`."""
    wallet = _wallet(_values())
    seen = scanned(wallet)
    return jsonify({"text": seen.text, "kind": seen.kind.value, "opens": seen.opens})


@blueprint.post("/pay")
def pay() -> Answer:
    """The whole way from the code to the wallet's answer."""
    values = _values()
    wallet = _wallet(values)
    outcome = values.get("outcome", "pay")
    if outcome not in ("pay", "refuse"):
        raise BadRequest("outcome: pay or refuse")
    amount = _amount(values)
    seen = scanned(wallet)
    phone = phones.current()
    payer = Payer(phones.store(), phones.browser(wallet), phone.id, pays=outcome == "pay")
    granted = _granted(phone.payer)
    if (seen.kind is Kind.PORTAL or seen.opens) and amount is None:
        raise BadRequest("amount: whole fen")
    if seen.kind is Kind.PORTAL:
        done = payer.pay(seen.text, amount or 0)
    elif seen.kind in stalls.KINDS and seen.opens:
        done = payer.pay_static(phone, wallet, seen.text, amount or 0)
        phones.change(address=done.page or "")
    elif seen.kind is Kind.WECHAT_ORDER and wallet == "wechat":
        done = payer.pay_code(seen.text)
    else:
        done = Outcome("unpayable", f"{wallet} cannot pay a code of kind {seen.kind.value}")
    subsidy = _granted(phone.payer) - granted
    told = {"wallet": wallet, "text": seen.text, "kind": seen.kind.value, "way": phone.way, "subsidy": subsidy}
    return jsonify({**asdict(done), **told})


@blueprint.post("/bridge")
def bridge() -> Answer:
    """A page inside WeChat called `getBrandWCPayRequest`: the sheet to show, or why WeChat shows none."""
    values = request.get_json(silent=True)
    params = values.get("params") if isinstance(values, dict) else None
    if not isinstance(params, dict):
        raise BadRequest("params: an object")
    try:
        sheet = sheets.for_bridge(phones.store(), phones.current().id, params)
    except tills.CannotPay as problem:
        return jsonify({"error": str(problem)}), 422
    return jsonify({"sheet": asdict(sheet)})


@blueprint.post("/sheet/<sheet_id>")
def decide(sheet_id: str) -> Answer:
    """The tap on the sheet: `{"outcome": "pay" | "refuse"}`."""
    outcome = _values().get("outcome")
    if outcome not in ("pay", "refuse"):
        raise BadRequest("outcome: pay or refuse")
    try:
        sheet = sheets.decide(phones.store(), phones.current().id, sheet_id, pays=outcome == "pay")
    except tills.CannotPay as problem:
        return jsonify({"error": str(problem)}), 422
    return jsonify({"sheet": asdict(sheet)})


def scanned(wallet: str) -> Scan:
    """Read the code of this request, begin a run with it, keep its picture. Raises BadRequest, Unreadable."""
    values = _values()
    upload = request.files.get("file")
    text, picture = str(values.get("text") or ""), None
    if upload is not None and upload.filename:
        text, picture = reading.read(upload.read())
    if not text.strip():
        raise BadRequest("file or text: a code to scan")
    if len(text) > codes.LONGEST:
        raise BadRequest("text: too long for a code")
    seen = codes.read(text, phones.places(wallet))
    if seen.kind in stalls.KINDS:
        seen = _of_stall(seen)
    way = _way(values)
    phones.change(wallet=wallet, picture=picture or reading.drawn(seen.text), address=seen.opens or "", way=way)
    with phones.store().writing() as connection:
        story.begin(connection, phones.current().id, wallet=wallet, text=seen.text, kind=seen.kind.value)
    return seen


def _of_stall(seen: Scan) -> Scan:
    """A static code opens the wallet's own amount page, if anybody is known behind it."""
    with phones.store().reading() as connection:
        holder = stalls.holder_of(connection, seen.text)
    return replace(seen, opens=url_for("phone.stall.ask", code=seen.text)) if holder else seen


def _way(values: dict[str, Any]) -> str:
    """By which of the three ways the scanner was opened; without a word, as it stands."""
    phone = phones.current()
    wish = str(values.get("way") or phone.way)
    if wish not in ways.WAYS:
        raise BadRequest(f"way: one of {', '.join(ways.WAYS)}")
    try:
        return ways.checked(phone, wish)
    except ways.NoShortcut as problem:
        raise BadRequest("way: there is no shortcut on this phone's desktop") from problem


def _granted(payer: str) -> int:
    with phones.store().reading() as connection:
        return subsidies.total(connection, payer)


def _values() -> dict[str, Any]:
    """The fields of a form or the members of a JSON object."""
    if not request.is_json:
        return request.form.to_dict()
    values = request.get_json(silent=True)
    if not isinstance(values, dict):
        raise BadRequest("the body is no JSON object")
    return values


def _wallet(values: dict[str, Any]) -> str:
    wallet = phones.wallet_named(str(values.get("wallet", "")))
    if wallet is None:
        raise BadRequest("wallet: wechat or jdpay")
    return wallet


def _amount(values: dict[str, Any]) -> int | None:
    amount = values.get("amount")
    if amount is None or isinstance(amount, bool):
        return None
    try:
        return int(str(amount))
    except ValueError as problem:
        raise BadRequest("amount: whole fen") from problem
