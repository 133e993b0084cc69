"""The owner's receipts, and the page on which anybody checks that one is real."""

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.events import queries as feed
from portal.merchants import queries as merchants
from portal.payments import queries as payments
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now
from portal.plumbing.pages import day_words
from portal.plumbing.web import Audience, database, guard, keyring
from portal.receipts import queries, story
from portal.receipts.queries import DaySum
from portal.receipts.rules import Filter, Sums, read_filter, standing, sums
from portal.receipts.words import FILTER_WORDS, count_words, standing_words
from portal.refunds import queries as refunds
from portal.refunds.words import GIVER_WORDS, STATE_WORDS
from portal.settlement import days as settled
from portal.settlement import queries as settlement
from portal.settlement.stages import Stand
from portal.settlement.words import stand_words
from portal.values.day import business_date
from portal.values.errors import InvalidReference
from portal.values.references import Kind, merchant_of

blueprint = Blueprint("receipts", __name__)

SEES_SHEETS = ("owner", "manager")


@dataclass(frozen=True)
class Day:
    """One day of the list; each receipt with the sign and word beside it."""

    title: str
    sum: DaySum
    # Where its sealed sheet is, and how that stands; empty before it is sealed and for those who may not see it.
    sheet: str
    stand: tuple[str, str]
    rows: list[tuple[PaymentRow, tuple[str, str]]]


@blueprint.get("/receipts")
@guard(Audience.MEMBER)
def receipts() -> ResponseReturnValue:
    merchant_id, chosen = current_user.merchant_id, read_filter(request.args.get("show"))
    with database().transaction(merchant=merchant_id) as session:
        page = queries.page(
            session, merchant_id, chosen=chosen, before=request.args.get("before"), after=request.args.get("after")
        )
        days = sorted({row.business_date for row in page.rows if row.business_date}, reverse=True)
        totals = queries.day_sums(session, merchant_id, days, chosen=chosen)
        states = refunds.open_states(session, merchant_id, [row.payment_no for row in page.rows])
        whole = chosen is Filter.ALL and current_user.role in SEES_SHEETS
        sealed = _sealed(session, merchant_id, days) if whole else {}
        ever = bool(page.rows) or queries.exists(session, merchant_id)
        last = feed.last_seq(session, merchant_id)
    listed = [
        Day(
            _title(day),
            totals.get(day, DaySum(0, 0)),
            url_for("settlement.sheet", day=day.isoformat()) if day in sealed else "",
            stand_words(sealed[day]) if day in sealed else ("", ""),
            [(row, standing_words(row, states.get(row.payment_no))) for row in rows],
        )
        for day, rows in groupby(page.rows, key=lambda row: row.business_date or business_date(row.created_at))
    ]
    return render_template(
        "receipts/list.html",
        days=listed,
        page=page,
        chosen=chosen,
        filters=FILTER_WORDS,
        count_words=count_words,
        ever=ever,
        last=last,
        sees_sheets=current_user.role in SEES_SHEETS,
        first=not (request.args.get("before") or request.args.get("after")),
    )


def _sealed(session: Session, merchant_id: int, listed: list[date]) -> dict[date, Stand]:
    rows = settlement.sheets(session, merchant_id, listed[-1], listed[0]) if listed else []
    return settled.stands(session, merchant_id, rows)


def _title(day: date) -> str:
    """今天 周日, 昨天 周六, 11月20日 周五."""
    near = (business_date(now()) - day).days in (0, 1)
    return f"{day_words(day)} {format_date(day, 'EEE')}" if near else day_words(day)


@blueprint.get("/receipts/<number>")
@guard(Audience.MEMBER)
def receipt(number: str) -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        paid = payments.payment(session, merchant_id, number)
        if paid is None or paid.paid_at is None:
            abort(404)
        asked = refunds.of_payment(session, merchant_id, number)
        states = refunds.open_states(session, merchant_id, [number])
        happenings = feed.about(session, merchant_id, [number, *(refund.refund_no for refund in asked)])
        last = feed.last_seq(session, merchant_id)
        code = codes.code(session, merchant_id, paid.code_id) if paid.code_id is not None else None
    parts = _sums(paid)
    return render_template(
        "receipts/receipt.html",
        paid=paid,
        code=code,
        parts=parts,
        refunds=asked,
        refund_words=STATE_WORDS,
        giver=GIVER_WORDS[paid.wallet],
        sign=standing_words(paid, states.get(number)),
        story=story.tell(paid, parts, asked, happenings, today=business_date(now())),
        day=format_date(paid.business_date, _("M月d日 EEE")),
        last=last,
    )


@blueprint.get("/v/<number>")
@guard(Audience.PAYER)
def verify(number: str) -> ResponseReturnValue:
    """Shop, time, amount and state of a receipt; never who paid it."""
    found = _shown(number)
    if found is None:
        return render_template("receipts/no_such_receipt.html"), HTTPStatus.NOT_FOUND
    paid, shop = found
    kind = standing(amount=paid.amount, refunded=paid.refunded, refund_reserved=paid.refund_reserved, open_refund=None)
    return render_template("receipts/verify.html", paid=paid, shop=shop, standing=kind)


def _shown(number: str) -> tuple[PaymentRow, str] | None:
    try:
        merchant_id = merchant_of(number, kind=Kind.ORDER, key=keyring().reference_key)
    except InvalidReference:
        return None
    with database().transaction(merchant=merchant_id) as session:
        paid = payments.payment(session, merchant_id, number)
        if paid is None:
            return None
        code = codes.code(session, merchant_id, paid.code_id) if paid.code_id is not None else None
        owner = merchants.merchant(session, merchant_id)
    return paid, code.shop_name if code else owner.name if owner else ""


def _sums(paid: PaymentRow) -> Sums:
    return sums(
        amount=paid.amount,
        payer_amount=paid.payer_amount,
        parts=[(str(part["paid_by"]), int(part["amount"])) for part in paid.promotions],
        fee=paid.fee,
        fee_returned=paid.fee_returned,
        refunded=paid.refunded,
    )
