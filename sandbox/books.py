"""What each institution believes about a day, side by side: `GET /control/books?date=YYYY-MM-DD`.

JSON for programs, a page for a browser. `POST /control/books/alter` makes one booked amount lie, to prove that a
difference of one fen is noticed; the orders themselves stay as they are.
"""

import sqlite3
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import clock
from sandbox.control import asked, refuse_foreign_pages
from sandbox.interconnect import clearing
from sandbox.jd import books as jd_books
from sandbox.language import say
from sandbox.wechat import books as wechat_books

INSTITUTIONS = {"wechat": (wechat_books, "sub_mchid"), "jd": (jd_books, "merchant_no")}
SETTLES_AT = {"wechat": time(6), "jd": time(9)}  # of the next Beijing day, straight to the merchant's bank card
YEARS = range(2000, 3000)
WEEKDAYS = tuple(zip("周一 周二 周三 周四 周五 周六 周日".split(), "Mon Tue Wed Thu Fri Sat Sun".split(), strict=True))
SUMS = {
    "payment": {
        "received": "total",
        "payer_paid": "payer_total",
        "discounts": "discount",
        "merchant_discounts": "merchant_discount",
        "fee": "fee",
    },
    "refund": {
        "refunded": "refund",
        "payer_refunded": "payer_refund",
        "discounts_returned": "discount_refund",
        "merchant_discounts_returned": "merchant_discount_refund",
        "fee_returned": "fee",
    },
}

blueprint = Blueprint("books", __name__)
blueprint.before_request(refuse_foreign_pages)

Entry = dict[str, object]


def set_up(app: Flask) -> None:
    """Amounts on pages are yuan with two decimals."""
    app.jinja_env.filters["yuan"] = yuan


def yuan(fen: int) -> str:
    """1234567 fen as `12,345.67`, with a real minus sign."""
    sign, fen = ("−", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def totals(entries: Iterable[Entry], merchant: str) -> dict[str, dict[str, int]]:
    """Per merchant, in fen. owed = received - refunded - fee + fee_returned, less what he discounted himself."""
    sums: dict[str, dict[str, int]] = {}
    for entry in entries:
        one = sums.setdefault(str(entry[merchant]), {name: 0 for kind in SUMS.values() for name in kind})
        for name, field in SUMS[str(entry["kind"])].items():
            one[name] += int(str(entry[field]))
    for one in sums.values():
        discounted = one["merchant_discounts"] - one["merchant_discounts_returned"]
        one["owed"] = one["received"] - one["refunded"] - one["fee"] + one["fee_returned"] - discounted
    return sums


def with_shares(entry: Entry) -> Entry:
    """The entry with who paid what, in fen: `discount` on a payment and `discount_refund` on a refund, of each the part
    that the merchant gave himself, and `payer_refund`. An institution that tells them itself is taken at its word.
    """
    by_wallet, by_merchant = (int(str(entry.get(name, 0))) for name in ("coupon", "merchant_coupon"))
    if entry["kind"] == "payment":
        shares = {"discount": by_wallet + by_merchant, "merchant_discount": by_merchant}
    else:
        back = int(str(entry["refund"])) - by_wallet - by_merchant
        shares = {
            "payer_refund": back,
            "discount_refund": by_wallet + by_merchant,
            "merchant_discount_refund": by_merchant,
        }
    return {**shares, **entry}


def of_day(connection: sqlite3.Connection, day: date) -> dict[str, object]:
    """The books of one Beijing day, with what was paid out for it; and what the clearing institution passed on."""
    entries = {name: [with_shares(e) for e in part.books(connection, day)] for name, (part, _) in INSTITUTIONS.items()}
    sums = {name: totals(entries[name], merchant) for name, (_, merchant) in INSTITUTIONS.items()}
    now = clock.now(connection)
    is_settled = {name: now >= settling(name, day).timestamp() for name in INSTITUTIONS}
    paid_out = dict(connection.execute("SELECT sub_mchid, amount FROM wechat_withdrawals WHERE day = ?", (str(day),)))
    for number, one in sums["wechat"].items():
        one["settled"] = paid_out.get(number, 0)
    for one in sums["jd"].values():
        one["settled"] = max(0, one["owed"]) if is_settled["jd"] else 0
    return {
        "date": day.isoformat(),
        **entries,
        "totals": sums,
        "settled_at": {name: settling(name, day).isoformat() if is_settled[name] else None for name in INSTITUTIONS},
        "interconnect": clearing.books(connection, day),
    }


def settling(institution: str, day: date) -> datetime:
    """When the money of a day goes to the merchants' bank cards."""
    return datetime.combine(day + timedelta(days=1), SETTLES_AT[institution], clock.BEIJING)


@blueprint.get("/control/books")
def show() -> Response | str | tuple[str | Response, int]:
    """The books of `date`; of today by the sandbox's clock when none is given."""
    return _shown(request.args.get("date"), "", 200)


@blueprint.post("/control/books/alter")
def alter() -> AnyResponse | tuple[str | Response, int] | str:
    """`{"institution": "wechat" | "jd", "number": ..., "amount": fen}` as JSON or as a form."""
    wish = asked()
    institution, number = str(wish.get("institution")), str(wish.get("number")).strip()
    try:
        amount = int(wish.get("amount", ""))
    except (TypeError, ValueError, OverflowError):
        amount = -1
    if institution not in INSTITUTIONS or not 0 <= amount < 2**53:
        return _refused(
            400,
            "institution is wechat or jd, amount is a whole number of fen",
            say("选微信或京东；金额是整数，以分计。", "Choose WeChat or JD; the amount is a whole number of fen."),
        )
    with current_app.extensions["store"].writing() as connection:
        found = INSTITUTIONS[institution][0].alter(connection, number, amount)
    if not found:
        return _refused(
            404,
            f"{institution} has no entry {number}",
            say("这家机构的账上没有这个单号：", "This institution has no entry of the number ") + number,
        )
    if request.is_json:
        return jsonify({"institution": institution, "number": number, "amount": amount})
    return redirect(f"/control/books?date={request.form.get('date', '')}".removesuffix("?date="), 303)


def _refused(status: int, error: str, sentence: str) -> tuple[str | Response, int] | Response | str:
    if request.is_json or not request.form:
        return jsonify({"error": error}), status
    return _shown(request.form.get("date"), sentence, status)


def _shown(wish: str | None, problem: str, status: int) -> tuple[str | Response, int] | Response | str:
    with current_app.extensions["store"].reading() as connection:
        today = clock.beijing(clock.now(connection)).date()
        try:
            day = date.fromisoformat(wish) if wish else today
            if day.year not in YEARS:
                raise ValueError(wish)
        except ValueError:
            return jsonify({"error": f"date={wish} is not a day like 2026-11-21"}), 400
        books = of_day(connection, day)
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
        return jsonify(books)
    around = {"before": day - timedelta(days=1), "after": day + timedelta(days=1), "today": today}
    page = render_template(
        "books.html",
        books=books,
        day=day,
        around=around,
        settles={name: settling(name, day) for name in INSTITUTIONS},
        weekday=say(*WEEKDAYS[day.weekday()]),
        problem=problem,
        typed=request.form,
    )
    return page, status
