"""The owner's sealed days: a month of them, one of them, and its paper and its table to keep."""

from datetime import date, timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import queries as merchants
from portal.plumbing.clock import now
from portal.plumbing.press import PressFailed
from portal.plumbing.web import Audience, database, guard, settings
from portal.settlement import days, queries, words
from portal.settlement.days import Day
from portal.settlement.rules import WALLETS, added
from portal.settlement.statement.paper import SEAL_IN_ADDRESS, paper_of
from portal.settlement.statement.printing import render_statement
from portal.settlement.table import csv_of
from portal.values.day import business_date

blueprint = Blueprint("settlement", __name__, url_prefix="/days")


@blueprint.get("")
@guard(Audience.MANAGER)
def month() -> ResponseReturnValue:
    """The sheets of one month, newest first; `?month=2026-11`."""
    merchant_id, first = current_user.merchant_id, _month(request.args.get("month"))
    following = _following(first)
    with database().transaction(merchant=merchant_id) as session:
        rows = queries.sheets(session, merchant_id, first, following - timedelta(days=1))
        stands = days.stands(session, merchant_id, rows)
        ends = queries.ends(session, merchant_id)
    return render_template(
        "settlement/month.html",
        first=first,
        rows=[(row, words.stand_words(stands[row.day])) for row in rows],
        total=added(row.figures.total for row in rows),
        earlier=sum(row.figures.earlier_total.owed for row in rows),
        before=_name(first - timedelta(days=1)) if ends and ends[0] < first else "",
        after=_name(following) if ends and ends[1] >= following else "",
        ever=ends is not None,
        words=words,
    )


@blueprint.get("/<day>")
@guard(Audience.MANAGER)
def sheet(day: str) -> ResponseReturnValue:
    """One sealed day; `?seal=` compares the fingerprint on a paper with the one kept here."""
    wanted = _day(day)
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = days.day(session, merchant_id, wanted)
        later = queries.told_later(session, merchant_id, [wanted])
    if found is None:
        page = render_template("settlement/none.html", day=wanted, later=later, over=wanted < _today(), words=words)
        return page, HTTPStatus.NOT_FOUND
    asked = request.args.get("seal")
    return render_template(
        "settlement/day.html",
        found=found,
        figures=found.row.figures,
        stand=words.stand_words(found.stand),
        parts=_parts(found),
        same=None if asked is None else _same(asked, found.row.seal),
        words=words,
    )


@blueprint.get("/<day>/sheet.pdf")
@guard(Audience.MANAGER)
def sheet_pdf(day: str) -> ResponseReturnValue:
    found = _own(_day(day))
    try:
        body = render_statement(paper_of(found, *_who(), portal_url=settings().portal_url))
    except PressFailed:
        return _press_down(), HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "10"}
    return _file(body, "application/pdf", f"inline; filename=yima-day-{found.row.day:%Y%m%d}.pdf")


@blueprint.get("/<day>/sheet.csv")
@guard(Audience.MANAGER)
def sheet_csv(day: str) -> ResponseReturnValue:
    found = _own(_day(day))
    shop, _address = _who()
    return _file(
        csv_of(shop, [found]), "text/csv; charset=utf-8", f"attachment; filename=yima-day-{found.row.day:%Y%m%d}.csv"
    )


def _same(asked: str, seal: str) -> bool:
    """Whether a fingerprint, whole or as much of it as stands in the code on paper, is that of the sheet."""
    plain = "".join(asked.lower().split())
    return len(plain) >= SEAL_IN_ADDRESS and seal.startswith(plain)


def _parts(found: Day) -> list[dict[str, object]]:
    """How the day's takings came, by the payer's wallet, largest first."""
    lines = found.row.figures.lines
    each = [(wallet, added(line for line in lines if line.wallet == wallet)) for wallet in WALLETS]
    parts = [(wallet, line) for wallet, line in each if line.count]
    return [
        {"wallet": wallet, "count_text": words.count_words(line.count), "fen": line.gross}
        for wallet, line in sorted(parts, key=lambda part: -part[1].gross)
    ]


def _own(wanted: date) -> Day:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = days.day(session, merchant_id, wanted)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _who() -> tuple[str, str]:
    """The shop's name, and where it is."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        shops = merchants.shops(session, merchant_id)
        owner = merchants.merchant(session, merchant_id)
    name = owner.name if owner else ""
    return (shops[0].name, shops[0].address) if shops else (name, "")


def _file(body: bytes, media_type: str, disposition: str) -> Response:
    answer = Response(body, content_type=media_type)
    answer.headers["Content-Disposition"] = disposition
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer


def _press_down() -> str:
    return render_template(
        "_layouts/error.html",
        error_kind="wait",
        error_title=_("日结单还没印好"),
        error_lines=[_("日结单暂时生成不了，请过一会儿再试。")],
        home_href=request.full_path.rstrip("?"),
        home_text=_("再试一次"),
    )


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)
    if found.isoformat() != text:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _month(text: str | None) -> date:
    """The first of the month asked for; of this month for anything that is none."""
    today = _today()
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        asked = today
    return min(asked, today).replace(day=1)


def _following(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _name(day: date) -> str:
    return url_for("settlement.month", month=f"{day:%Y-%m}")


def _today() -> date:
    return business_date(now())
