"""What each institution believes about a day, side by side: `GET /control/books?date=YYYY-MM-DD`.

JSON for programs, a page for a browser. `POST /control/books/alter` makes one booked amount lie, to prove that a
difference of one fen is noticed; the orders themselves stay as they are.
"""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import refuse_foreign_pages
from sandbox.jd import books as jd_books
from sandbox.wechat import books as wechat_books

INSTITUTIONS = {"wechat": (wechat_books, "sub_mchid"), "jd": (jd_books, "merchant_no")}
BEIJING_OFFSET = timedelta(hours=8)

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
    """Per merchant, in fen. owed = received - refunded - fee + fee_returned."""
    sums: dict[str, dict[str, int]] = {}
    for entry in entries:
        one = sums.setdefault(str(entry[merchant]), dict.fromkeys(("received", "refunded", "fee", "fee_returned"), 0))
        amount, fee = ("received", "fee") if entry["kind"] == "payment" else ("refunded", "fee_returned")
        one[amount] += int(str(entry["total" if entry["kind"] == "payment" else "refund"]))
        one[fee] += int(str(entry["fee"]))
    for one in sums.values():
        one["owed"] = one["received"] - one["refunded"] - one["fee"] + one["fee_returned"]
    return sums


def of_day(connection: sqlite3.Connection, day: date) -> dict[str, object]:
    """The books of one Beijing day."""
    entries = {name: part.books(connection, day) for name, (part, _) in INSTITUTIONS.items()}
    sums = {name: totals(entries[name], merchant) for name, (_, merchant) in INSTITUTIONS.items()}
    return {"date": day.isoformat(), **entries, "totals": sums}


@blueprint.get("/control/books")
def show() -> Response | str | tuple[str | Response, int]:
    """The books of `date`, today when none is given."""
    wish = request.args.get("date")
    try:
        day = date.fromisoformat(wish) if wish else (datetime.now(UTC) + BEIJING_OFFSET).date()
    except ValueError:
        return jsonify({"error": f"date={wish} is not a day like 2026-11-21"}), 400
    with current_app.extensions["store"].reading() as connection:
        books = of_day(connection, day)
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return render_template("books.html", books=books, day=day, one_day=timedelta(days=1))
    return jsonify(books)


@blueprint.post("/control/books/alter")
def alter() -> AnyResponse | tuple[Response, int]:
    """`{"institution": "wechat" | "jd", "number": ..., "amount": fen}` as JSON or as a form."""
    wish = request.get_json() if request.is_json else request.form
    institution, number = str(wish.get("institution")), str(wish.get("number"))
    try:
        amount = int(wish.get("amount", ""))
    except (TypeError, ValueError):
        amount = -1
    if institution not in INSTITUTIONS or amount < 0:
        return jsonify({"error": "institution is wechat or jd, amount is a whole number of fen"}), 400
    with current_app.extensions["store"].writing() as connection:
        found = INSTITUTIONS[institution][0].alter(connection, number, amount)
    if not found:
        return jsonify({"error": f"{institution} has no entry {number}"}), 404
    if request.is_json:
        return jsonify({"institution": institution, "number": number, "amount": amount})
    return redirect("/control/books", 303)
