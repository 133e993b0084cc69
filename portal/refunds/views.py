"""Refunds: ask for one, check it, decide about a clerk's, see what became of it, and the list of all."""

from http import HTTPStatus

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.events import queries as feed
from portal.identity import queries as people
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.pages import yuan
from portal.plumbing.web import Audience, database, guard
from portal.refunds import asking, flows, operations, queries
from portal.refunds.forms import LimitForm
from portal.refunds.queries import RefundRow
from portal.refunds.rules import DECIDERS, SENDS_ON, State, payer_gets
from portal.refunds.words import DECISION_WORDS, GIVER_WORDS, STATE_WORDS
from portal.values.errors import NotAllowedNow, Refused

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
        pending = [] if before else queries.pending(session, merchant_id)
        names = people.people(session, [item.refund.asked_by for item in pending if item.refund.asked_by])
        limit = queries.clerk_limit(session, merchant_id)
        last = feed.last_seq(session, merchant_id)
    older = listed[_PAGE - 1].refund.refund_no if len(listed) > _PAGE else None
    return render_template(
        "refunds/list.html",
        listed=listed[:_PAGE],
        pending=pending,
        names=names,
        limit=limit,
        older=older,
        before=before,
        last=last,
        words=STATE_WORDS,
        decides=current_user.role in DECIDERS,
    )


@blueprint.get("/refunds/limit")
@guard(Audience.OWNER)
def limit() -> ResponseReturnValue:
    with database().transaction(merchant=current_user.merchant_id) as session:
        fen = queries.clerk_limit(session, current_user.merchant_id)
    return render_template("refunds/limit.html", form=LimitForm(formdata=None, limit=yuan(fen).replace(",", "")))


@blueprint.post("/refunds/limit")
@guard(Audience.OWNER)
def set_limit() -> ResponseReturnValue:
    form = LimitForm()
    if not form.validate_on_submit():
        return render_template("refunds/limit.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        operations.set_clerk_limit(
            session, merchant_id=merchant_id, limit=form.fen, actor=current_user.actor, now=now()
        )
    flash(_("改好了，从现在起算"), "done")
    return redirect(url_for("refunds.limit"), HTTPStatus.SEE_OTHER)


@blueprint.get("/refunds/<number>")
@guard(Audience.MEMBER)
def refund(number: str) -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.refund(session, merchant_id, number)
        paid = payments.payment(session, merchant_id, found.payment_no) if found else None
        asked_by = people.person(session, found.asked_by) if found and found.asked_by else None
        decided_by = people.person(session, found.decided_by) if found and found.decided_by else None
        sent_on = any(one.kind == "refund.sent_on" for one in feed.about(session, merchant_id, [number]))
        last = feed.last_seq(session, merchant_id)
    if found is None or paid is None:
        abort(404)
    to_payer = found.payer_amount
    if to_payer is None:
        payer_amount = found.amount if found.transaction_no else paid.payer_amount or paid.amount
        to_payer = payer_gets(
            amount=found.amount,
            payer_amount=payer_amount,
            order_amount=found.amount if found.transaction_no else paid.amount,
        )
    return render_template(
        "refunds/refund.html",
        refund=found,
        paid=paid,
        to_payer=to_payer,
        asked_by=asked_by,
        decided_by=decided_by,
        decides=current_user.role in DECIDERS,
        sent_on=sent_on,
        can_send_on=paid.acquirer in SENDS_ON,
        last=last,
        state=State(found.state),
        giver=GIVER_WORDS[paid.wallet],
    )


@blueprint.post("/refunds/<number>/decision")
@guard(Audience.MANAGER)
def decide(number: str) -> ResponseReturnValue:
    """The owner's word on a clerk's refund. The second tap on a decided one only shows what became of it."""
    found, word = _of_this_shop(number), request.form.get("decision")
    if word not in ("approve", "decline"):
        abort(HTTPStatus.BAD_REQUEST)
    which = {"merchant_id": found.merchant_id, "refund_no": number, "actor": current_user.actor, "now": now()}
    try:
        if word == "approve":
            flows.approve(asking.parties(), **which)
        else:
            with database().transaction(merchant=found.merchant_id) as session:
                operations.decline(session, **which)
    except (NotAllowedNow, Refused) as problem:
        flash(str(DECISION_WORDS[problem.reason]), "bad")
    return redirect(url_for("refunds.refund", number=number), HTTPStatus.SEE_OTHER)


@blueprint.post("/refunds/<number>/bank")
@guard(Audience.MANAGER)
def send_on(number: str) -> ResponseReturnValue:
    """A stuck refund goes to the shop's own bank account, and the owner hands it over."""
    found = _of_this_shop(number)
    trouble = flows.send_on(asking.parties(), merchant_id=found.merchant_id, refund_no=number)
    if trouble:
        flash(_("还没办成：%(words)s。过一会儿再试", words=trouble), "bad")
    return redirect(url_for("refunds.refund", number=number), HTTPStatus.SEE_OTHER)


def _of_this_shop(number: str) -> RefundRow:
    with database().transaction(merchant=current_user.merchant_id) as session:
        found = queries.refund(session, current_user.merchant_id, number)
    if found is None:
        abort(404)
    return found
