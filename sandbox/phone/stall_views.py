"""The wallets' own pages for a static code: the amount, the price with its reduction, the tap, the result."""

from decimal import Decimal, InvalidOperation

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.interconnect.directory import PERSONAL
from sandbox.language import say
from sandbox.phone import codes, phones, stalls
from sandbox.phone.tills import CannotPay
from sandbox.phone.wording import acquirer_name, said, wallet_name, yuan

blueprint = Blueprint("stall", __name__, url_prefix="/stall")

_LONGEST_AMOUNT = 12


@blueprint.get("")
def ask() -> AnyResponse | tuple[str, int] | str:
    """Who is paid, and a field for the amount."""
    return _amount(request.args.get("code", "")[: codes.LONGEST])


@blueprint.post("")
def look() -> AnyResponse | tuple[str, int] | str:
    """The amount is typed; next comes the price."""
    text, typed = request.form.get("code", "")[: codes.LONGEST], request.form.get("amount", "").strip()
    fen = _fen(typed)
    if fen is None:
        problem = say("金额写成数字，最多两位小数，例如 20 或 20.50。", "Type a number such as 20 or 20.50.")
        return _amount(text, typed, problem)
    phone = phones.current()
    try:
        check = stalls.look(phone, phone.wallet, text, fen)
    except CannotPay as reason:
        return _amount(text, typed, said(reason))
    phones.change(address=url_for(".show", check_id=check.id))
    return redirect(url_for(".show", check_id=check.id), 303)


@blueprint.get("/<check_id>")
def show(check_id: str) -> str:
    """The price before the tap, and afterwards what became of it."""
    check = stalls.find(phones.current(), check_id)
    if check is None:
        abort(404)
    return _check(check)


@blueprint.post("/<check_id>")
def decide(check_id: str) -> AnyResponse | tuple[str, int]:
    """The tap."""
    phone = phones.current()
    check = stalls.find(phone, check_id)
    if check is None:
        abort(404)
    try:
        stalls.decide(phone, check_id, pays=request.form.get("outcome") == "pay")
    except CannotPay as reason:
        return _check(check, said(reason)), 422
    return redirect(url_for(".show", check_id=check_id), 303)


def _amount(text: str, typed: str = "", problem: str = "") -> AnyResponse | tuple[str, int] | str:
    with phones.store().reading() as connection:
        holder = stalls.holder_of(connection, text)
    if holder is None:
        return redirect(url_for("phone.scan"), 303)
    page = render_template(
        "phone/stall.html",
        holder=holder,
        personal=holder.holding == PERSONAL,
        wallet=phones.current().wallet,
        wallet_name=wallet_name(phones.current().wallet),
        typed=typed,
        problem=problem,
    )
    return (page, 422) if problem else page


def _check(check: stalls.Check, problem: str = "") -> str:
    return render_template(
        "phone/check.html",
        check=check,
        problem=problem or check.problem,
        wallet_name=wallet_name(check.wallet),
        payment_name=acquirer_name(check.wallet),
        acquirer=acquirer_name("wechat"),
        yuan=yuan,
    )


def _fen(typed: str) -> int | None:
    """A typed amount of yuan in fen, None for what is none."""
    try:
        fen = Decimal(typed) * 100 if typed.isascii() and len(typed) <= _LONGEST_AMOUNT else None
    except InvalidOperation:
        return None
    if fen is None or not fen.is_finite() or fen != int(fen):
        return None
    return int(fen)
