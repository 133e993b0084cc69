"""One application beside its pictures, and what a reviewer decides on it."""

from http import HTTPStatus
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity import queries as people
from portal.identity.rules import StaffRole
from portal.merchants import operations
from portal.merchants import queries as merchants
from portal.merchants import words as merchant_words
from portal.merchants.queries import ApplicationRow
from portal.merchants.rules import State, Step
from portal.merchants.views.pictures import picture_response
from portal.plumbing.clock import now
from portal.plumbing.storage import documents
from portal.plumbing.web import Audience, guard, keyring, settings, staff_database
from portal.staff import queries
from portal.staff.forms import ReturnForm
from portal.staff.operations import note_application_view, note_document_view
from portal.staff.rules import checks, forbids, hours_and_minutes
from portal.staff.views.blueprint import APPLICATION, blueprint, has_role, opened
from portal.staff.words import DOCUMENT_TABS, DRAFT_WORDS, REFUSAL_WORDS, STATE_WORDS
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.wallets.applications import Document


@blueprint.get(APPLICATION)
@guard(Audience.STAFF)
def application(merchant_id: int, application_id: int) -> ResponseReturnValue:
    with staff_database().transaction(merchant=merchant_id) as session:
        row = _existing(merchants.application(session, merchant_id, application_id))
    return _page(row, ReturnForm())


@blueprint.get(f"{APPLICATION}/pictures/<document>")
@guard(Audience.STAFF)
def picture(merchant_id: int, application_id: int, document: str) -> ResponseReturnValue:
    """One picture, decrypted for this answer only. Nobody sees it before the look is written down."""
    with staff_database().transaction(merchant=merchant_id) as session:
        row = _existing(merchants.application(session, merchant_id, application_id))
        name = row.plain.get("documents", {}).get(document)
        if name is None:
            abort(404)
        note_document_view(
            session,
            merchant_id=merchant_id,
            application_id=application_id,
            document=document,
            actor=current_user.actor,
            now=now(),
        )
    response = picture_response(documents(settings(), keyring()), name, document)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post(APPLICATION)
@guard(Audience.STAFF, StaffRole.REVIEWER)
def decide(merchant_id: int, application_id: int) -> ResponseReturnValue:
    with staff_database().transaction(merchant=merchant_id) as session:
        row = _existing(merchants.application(session, merchant_id, application_id))
    form = ReturnForm()
    try:
        if request.form.get("decision") == "approve":
            return _approve(row)
        if not form.validate():
            return _page(row, form), HTTPStatus.UNPROCESSABLE_ENTITY
        return _return(row, form)
    except NotAllowedNow as refusal:
        if refusal.reason == "not_submitted":
            return _decided_by_somebody_else(merchant_id, application_id, form), HTTPStatus.CONFLICT
        return _page(row, form, problem=REFUSAL_WORDS[refusal.reason]), HTTPStatus.FORBIDDEN


def _existing(row: ApplicationRow | None) -> ApplicationRow:
    """404 for one that does not exist and for one the owner has never handed in."""
    if row is None or row.submitted_at is None:
        abort(404)
    return row


def _approve(row: ApplicationRow) -> ResponseReturnValue:
    against = forbids(checks(opened(row), today=business_date(now())))
    if against and row.state is State.SUBMITTED:
        problem = _("自动核对有 %(count)s 项不符，不能通过", count=against)
        return _page(row, ReturnForm(), problem=problem), HTTPStatus.UNPROCESSABLE_ENTITY
    with staff_database().transaction(merchant=row.merchant_id) as session:
        operations.approve_application(
            session,
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            actor=current_user.actor,
            now=now(),
        )
    flash(_("%(shop)s通过了，正在交给微信支付和京东支付", shop=row.plain.get("shop_name", "")), "ok")
    return redirect(url_for("staff.queue"))


def _return(row: ApplicationRow, form: ReturnForm) -> ResponseReturnValue:
    with staff_database().transaction(merchant=row.merchant_id) as session:
        operations.return_application(
            session,
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            reason=form.reason.data,
            step=Step(form.step.data) if form.step.data else None,
            actor=current_user.actor,
            now=now(),
        )
    flash(_("%(shop)s退回了，店主看到您写的原因", shop=row.plain.get("shop_name", "")), "ok")
    return redirect(url_for("staff.queue"))


def _page(row: ApplicationRow, form: ReturnForm, *, problem: Any = "") -> str:
    """The application's page; that it was looked at is written down before anything of it is shown."""
    given, moment = opened(row), now()
    found = checks(given, today=business_date(moment))
    person = current_user.person
    with staff_database().transaction(merchant=row.merchant_id) as session:
        note_application_view(
            session,
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            actor=current_user.actor,
            now=moment,
        )
        waits = row.state is State.SUBMITTED
        place = queries.place(session, row) if waits else None
        seen = queries.seen_documents(
            session,
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            documents=[*DOCUMENT_TABS],
            user_id=person.user_id,
        )
        own = merchants.member_role(session, row.merchant_id, person.user_id) is not None
        decider = people.person(session, row.decided_by) if row.decided_by else None
        standings = queries.standings(session, [row.merchant_id]).get(row.merchant_id, {})
    return render_template(
        "staff/application.html",
        row=row,
        given=given,
        form=form,
        problem=problem,
        checks=found,
        against=forbids(found),
        place=place,
        seen=seen,
        own=own,
        decider=decider,
        standings=standings,
        document=_document(given.documents),
        tabs=DOCUMENT_TABS,
        waited=hours_and_minutes(moment - row.submitted_at) if waits and row.submitted_at else "",
        may_decide=has_role(StaffRole.REVIEWER),
        state=STATE_WORDS.get(row.state, DRAFT_WORDS),
        names=merchant_words,
    )


def _document(there: Any) -> str:
    """The picture to show: the one the address names, else the first there is."""
    wanted = request.args.get("document", "")
    if wanted in there:
        return wanted
    return next((str(document) for document in DOCUMENT_TABS if document in there), str(Document.LICENCE))


def _decided_by_somebody_else(merchant_id: int, application_id: int, form: ReturnForm) -> str:
    with staff_database().transaction(merchant=merchant_id) as session:
        row = _existing(merchants.application(session, merchant_id, application_id))
        decider = people.person(session, row.decided_by) if row.decided_by else None
    return render_template(
        "staff/decided.html",
        row=row,
        decider=decider,
        typed=form.reason.data or "",
        state=STATE_WORDS.get(row.state, DRAFT_WORDS),
    )
