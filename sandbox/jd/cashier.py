"""JD's cashier, which the phone opens inside the JD Finance app: whom, how much, from what, and the payer's tap.

The price, what JD takes off and what the payer gives stand on the page before the tap; so does the reason when his
card, his balance or his quota does not let him pay. Another card can be chosen there, which then pays from now on.
`X-Sandbox-Payer`, set by the phone's server side only, says who he is.
"""

import sqlite3
from dataclasses import dataclass, replace

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox import clock
from sandbox.jd import merchants, moments, orders
from sandbox.jd.v2 import words
from sandbox.jd.v2.envelope import returned
from sandbox.keys import Keys
from sandbox.language import say
from sandbox.payers import cards, money
from sandbox.payers.accounts import BALANCE, Account, NoSuchThing, account
from sandbox.store import Store

PAYER_HEADER = "X-Sandbox-Payer"
PAYER = "demo"
WALLET, INSTITUTION = "jdpay", "jd"
# In the browser's return 0 is success, unlike in notices (two implementers of V2.0).
RETURN_SUCCESS = "0"
MOST_FEN = 5_000_000

blueprint = Blueprint("cashier", __name__, url_prefix="/cashier")


@dataclass(frozen=True)
class Till:
    """What the page shows besides the order. Amounts in fen; `problem` is why it was, or would be, refused.

    `sources` are what the payer can pay from, by id; `source` is the one that will pay.
    """

    payer_total: int
    coupon: int
    coupon_name: str
    card: str
    source: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    typed: str = ""


@blueprint.get("/<token>")
def show(token: str) -> str:
    """The page: before the tap, and after it as the receipt."""
    with _store().writing() as connection:  # a payer nobody has seen yet gets his account here
        order = orders.by_token(connection, token) or abort(404)
        till = _till(connection, order)
    return _page(order, till)


@blueprint.post("/<token>")
def confirm_or_leave(token: str) -> Response | str | tuple[str, int]:
    """The payer's tap. Paying twice pays once: the second tap sees the result of the first."""
    if request.form.get("action") != "pay":
        return redirect(url_for("jd.cashier.show", token=token, left=1), 303)
    with _store().writing() as connection:
        order = orders.by_token(connection, token) or abort(404)
        till = _till(connection, order)
        typed = request.form.get("amount", "")[:12]
        total = order["total"] or _fen(typed)
    if total is None:
        wrong = say("请输入 0.01 到 50000 元之间的金额", "Type an amount between 0.01 and 50000 yuan")
        return _page(order, _refused(till, wrong, typed)), 422
    try:
        with _store().writing() as connection:
            _pay(connection, token, total)
    except (money.CannotPay, cards.BadCard) as problem:
        return _page(order, _refused(till, say(str(problem), problem.english), typed)), 422
    except NoSuchThing:
        abort(400)
    except orders.CannotPay:
        pass  # it was paid or has run out meanwhile; the page says which
    return redirect(url_for("jd.cashier.show", token=token), 303)


def _pay(connection: sqlite3.Connection, token: str, total: int) -> None:
    order = orders.payable(connection, token)
    if source := request.form.get("source", ""):
        cards.use(connection, _payer(), WALLET, source)
    paid = money.settle(
        connection,
        payer=_payer(),
        wallet=WALLET,
        institution=INSTITUTION,
        number=order["trade_no"],
        total=total,
        static_code=bool(order["typed"]),
        now=clock.now(connection),
    )
    orders.pay(connection, token=token, paid=paid, total=total)


def _till(connection: sqlite3.Connection, order: sqlite3.Row) -> Till:
    if orders.state_of(order) == "FINISH":
        coupon = order["coupon"] + order["merchant_coupon"]
        return Till(order["payer_total"], coupon, order["coupon_name"], order["card"])
    offer = money.offer(
        connection,
        payer=_payer(),
        wallet=WALLET,
        total=order["total"],
        static_code=bool(order["typed"]),
        now=order["seen_at"],
    )
    holder = account(connection, _payer(), WALLET)
    useful = [card.id for card in holder.in_use if card.state == "bound" or card.id == holder.source]
    till = Till(
        offer.payer_total,
        offer.reduction,
        offer.name,
        offer.card,
        holder.source,
        tuple((source, _source_words(holder, source)) for source in (*useful, BALANCE)),
    )
    if order["typed"] or not offer.problem:
        return till
    return replace(till, problem=say(str(offer.problem), offer.problem.english))


def _source_words(holder: Account, source: str) -> str:
    name = say(holder.source_name(source), holder.source_english(source))
    expired = source != BALANCE and holder.card(source).state == "expired"
    return name + say("（已过期）", " (expired)") if expired else name


def _refused(till: Till, problem: str, typed: str) -> Till:
    return replace(till, problem=problem, typed=typed, source=request.form.get("source") or till.source)


def _page(order: sqlite3.Row, till: Till) -> str:
    state = orders.state_of(order)
    return render_template(
        "jd/cashier.html",
        order=order,
        till=till,
        state=state,
        paid_at=moments.iso(order["paid_at"])[:19].replace("T", " ") if order["paid_at"] else "",
        back=_way_back(order) if state == "FINISH" and order["return_url"] else None,
        amount=money.yuan,
    )


def _way_back(order: sqlite3.Row) -> dict[str, str]:
    """The form that takes the payer's browser back to the shop, V2.0 only."""
    keys: Keys = current_app.extensions["keys"]
    with _store().reading() as connection:
        merchant = merchants.find(connection, order["merchant_no"], merchants.OWN)
    if merchant is None:
        raise LookupError(order["merchant_no"])
    fields = {
        "tradeNum": order["out_trade_no"],
        "amount": str(order["total"]),
        "currency": words.CURRENCY,
        "tradeTime": order["trade_time"],
        "note": order["note"],
        "status": RETURN_SUCCESS,
    }
    return returned(merchant, fields, keys.jd_key)


def _fen(text: str) -> int | None:
    """`12.5` or `12.50` yuan as fen; None for anything else."""
    whole, point, part = text.strip().partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(part) > 2 or (point and not part):
        return None
    fen = int(whole or "0") * 100 + int(part.ljust(2, "0"))
    return fen if 0 < fen <= MOST_FEN else None


def _payer() -> str:
    return request.headers.get(PAYER_HEADER, "")[:64] or PAYER


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
