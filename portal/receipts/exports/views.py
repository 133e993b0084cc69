"""The owner's exports: ask for one, watch it, take it."""

from collections.abc import Iterator
from http import HTTPStatus

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity.operations import count_try
from portal.identity.rules import LIMITS, Limit
from portal.plumbing.clock import now, real_now
from portal.plumbing.formkeys import new_form_key
from portal.plumbing.pages import clock_time
from portal.plumbing.storage import DocumentMissing, documents
from portal.plumbing.web import Audience, database, guard, keyring, settings
from portal.receipts.exports import operations, queries
from portal.receipts.exports.forms import ExportForm
from portal.receipts.exports.queries import ExportRow
from portal.receipts.exports.rules import UNDER_WAY, Form, State, Subject, percent
from portal.receipts.exports.words import STATE_WORDS, SUBJECT_WORDS, file_words, period_words, size_words
from portal.values.day import business_date

blueprint = Blueprint("exports", __name__, url_prefix="/receipts/export")

_LISTED = 10
_TYPES = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@blueprint.get("")
@guard(Audience.OWNER)
def index() -> ResponseReturnValue:
    today = business_date(now())
    form = ExportForm(
        None,
        today=today,
        subject=Subject.RECEIPTS,
        form=Form.XLSX,
        first=today.replace(day=1).isoformat(),
        last=today.isoformat(),
        key=new_form_key(),
    )
    return _form_page(form)


@blueprint.post("")
@guard(Audience.OWNER)
def ask() -> ResponseReturnValue:
    form = ExportForm(today=business_date(now()))
    if not form.validate():
        return _form_page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        asked = queries.of_form(session, merchant_id, form.key.data)
        again_at = None if asked else count_try(session, Limit.EXPORT_BY_MERCHANT, str(merchant_id), now=real_now())
    if again_at is not None:
        most = LIMITS[Limit.EXPORT_BY_MERCHANT].most
        form.form_errors.append(
            _("一小时最多导出 %(most)s 次，请 %(time)s 以后再来", most=most, time=clock_time(again_at))
        )
        return _form_page(form), HTTPStatus.TOO_MANY_REQUESTS
    with database().transaction(merchant=merchant_id) as session:
        export_id = operations.ask(
            session,
            merchant_id=merchant_id,
            subject=Subject(form.subject.data),
            form=Form(form.form.data),
            chosen=form.period,
            words=file_words(Subject(form.subject.data)),
            form_key=form.key.data,
            actor=current_user.actor,
            now=now(),
        )
    return redirect(url_for("exports.export", export_id=export_id), HTTPStatus.SEE_OTHER)


@blueprint.get("/<int:export_id>")
@guard(Audience.OWNER)
def export(export_id: int) -> ResponseReturnValue:
    asked = _own(export_id)
    return render_template(
        "receipts/exports/export.html",
        export=asked,
        state=_state(asked),
        under_way=asked.state in UNDER_WAY,
        percent=percent(asked.done, asked.total),
        subject=SUBJECT_WORDS[Subject(asked.subject)],
        period=period_words(asked.first_day, asked.last_day),
        size=size_words(asked.size),
    )


@blueprint.get("/<int:export_id>/file")
@guard(Audience.OWNER)
def file(export_id: int) -> ResponseReturnValue:
    """The file in its sealed parts, opened one by one on the way out."""
    asked = _own(export_id)
    if _state(asked) is not State.READY:
        return redirect(url_for("exports.export", export_id=export_id))
    store = documents(settings(), keyring())

    def parts() -> Iterator[bytes]:
        for name in asked.parts:
            yield store.get(name)

    coming = parts()
    try:
        first = next(coming, b"")
    except DocumentMissing:
        abort(HTTPStatus.NOT_FOUND)

    def whole() -> Iterator[bytes]:
        yield first
        yield from coming

    response = Response(whole(), content_type=_TYPES[Form(asked.form)])
    name = f"yima-{asked.subject}-{asked.first_day:%Y%m%d}-{asked.last_day:%Y%m%d}.{asked.form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Length"] = str(asked.size)
    return response


def _form_page(form: ExportForm) -> str:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        listed = queries.newest(session, merchant_id, most=_LISTED)
    return render_template(
        "receipts/exports/index.html",
        form=form,
        listed=[(each, STATE_WORDS[_state(each)]) for each in listed],
        subjects=SUBJECT_WORDS,
        period_words=period_words,
    )


def _own(export_id: int) -> ExportRow:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.export(session, merchant_id, export_id)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _state(asked: ExportRow) -> State:
    """As the owner sees it: over is over, whether or not the job that deletes it has come by."""
    over = asked.expires_at is not None and asked.expires_at <= now()
    return State.EXPIRED if over else State(asked.state)
