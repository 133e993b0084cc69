"""Refunds: ask for one, check it, see what became of it, and the list of all."""

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.events import queries as feed
from portal.payments import queries as payments
from portal.plumbing.web import Audience, database, guard
from portal.refunds import asking, queries
from portal.refunds.rules import State, payer_gets
from portal.refunds.words import GIVER_WORDS, STATE_WORDS

blueprint = Blueprint("refunds", __name__)

_PAGE = 30


@blueprint.get("/receipts/<number>/refund")
@guard(Audience.MEMBER)
def ask(number: str) -> ResponseReturnValue:
    return asking.ask_page(asking.case(number))


@blueprint.post("/receipts/<number>/refund")
@guard(Audience.MEMBER)
def answers(number: str) -> ResponseReturnValue:
    return asking.take_answers(asking.case(number))


@blueprint.get("/receipts/<number>/refund/check")
@guard(Audience.MEMBER)
def check(number: str) -> ResponseReturnValue:
    return asking.check_page(asking.case(number))


@blueprint.post("/receipts/<number>/refund/check")
@guard(Audience.MEMBER)
def confirm(number: str) -> ResponseReturnValue:
    return asking.confirm(asking.case(number))


@blueprint.get("/refunds")
@guard(Audience.MEMBER)
def refunds() -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    before = request.args.get("before")
    with database().transaction(merchant=merchant_id) as session:
        listed = queries.newest(session, merchant_id, most=_PAGE + 1, before=before)
        last = feed.last_seq(session, merchant_id)
    older = listed[_PAGE - 1].refund.refund_no if len(listed) > _PAGE else None
    return render_template(
        "refunds/list.html", listed=listed[:_PAGE], older=older, before=before, last=last, words=STATE_WORDS
    )


@blueprint.get("/refunds/<number>")
@guard(Audience.MEMBER)
def refund(number: str) -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.refund(session, merchant_id, number)
        paid = payments.payment(session, merchant_id, found.payment_no) if found else None
        last = feed.last_seq(session, merchant_id)
    if found is None or paid is None:
        abort(404)
    to_payer = found.payer_amount
    if to_payer is None:
        to_payer = payer_gets(
            amount=found.amount, payer_amount=paid.payer_amount or paid.amount, order_amount=paid.amount
        )
    return render_template(
        "refunds/refund.html",
        refund=found,
        paid=paid,
        to_payer=to_payer,
        last=last,
        state=State(found.state),
        giver=GIVER_WORDS[paid.wallet],
    )
