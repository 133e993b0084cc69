"""对账: the days with what is open, and one day's sums and differences with what can be done about each."""

from datetime import date, timedelta
from http import HTTPStatus

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity.rules import StaffRole
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, staff_database
from portal.reconciliation import operations as bills
from portal.reconciliation import queries
from portal.reconciliation.queries import BatchRow, ItemRow
from portal.reconciliation.rules import BatchState, stage
from portal.staff import operations
from portal.staff.forms import DecideItemForm
from portal.staff.views.blueprint import blueprint, has_role
from portal.staff.words import REFUSAL_WORDS
from portal.values.errors import NotAllowedNow

DAYS = 31
DAY = "/reconciliation/<day>"
ITEM = f"{DAY}/<int(max=999999999999):item_id>"
# Whoever worked on a bill and has not shown a sign of life for so long works no more.
_ALIVE = timedelta(minutes=2)


@blueprint.get("/reconciliation")
@guard(Audience.STAFF)
def reconciliation() -> ResponseReturnValue:
    with staff_database().transaction() as session:
        rows = queries.days(session, most=DAYS)
    return render_template("staff/days.html", rows=rows, most=DAYS)


@blueprint.get(DAY)
@guard(Audience.STAFF)
def reconciled_day(day: str) -> ResponseReturnValue:
    return _page(_read(day), DecideItemForm())


@blueprint.post(ITEM)
@guard(Audience.STAFF, StaffRole.FINANCE)
def decide_item(day: str, item_id: int) -> ResponseReturnValue:
    """Put one difference on hold, or leave it at that; both with a reason."""
    known, form = _read(day), DecideItemForm()
    with staff_database().transaction() as session:
        item = queries.item(session, item_id)
    if item is None or item.key.day != known:
        abort(HTTPStatus.NOT_FOUND)
    if not form.validate():
        return _page(known, form, item_id), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        with staff_database().transaction() as session:
            if item.merchant_id is not None:
                operations.refuse_own(session, item.merchant_id, current_user.actor)
            act = bills.hold if form.way.data == "hold" else bills.ignore
            act(session, item_id, reason=form.reason.data, actor=current_user.actor, now=now())
    except NotAllowedNow as refusal:
        form.form_errors.append(REFUSAL_WORDS[refusal.reason])
        status = HTTPStatus.FORBIDDEN if refusal.reason == "own_merchant" else HTTPStatus.CONFLICT
        return _page(known, form, item_id), status
    flash(_("已挂账") if form.way.data == "hold" else _("已忽略，原因留在审计里"), "ok")
    return redirect(url_for("staff.reconciled_day", day=day))


@blueprint.post(f"{DAY}/close")
@guard(Audience.STAFF, StaffRole.FINANCE)
def close_day(day: str) -> ResponseReturnValue:
    known = _read(day)
    try:
        with staff_database().transaction() as session:
            bills.close_day(session, known, actor=current_user.actor, now=now())
    except NotAllowedNow as refusal:
        flash(REFUSAL_WORDS[refusal.reason], "bad")
    else:
        flash(_("已关账"), "ok")
    return redirect(url_for("staff.reconciled_day", day=day))


def _page(day: date, form: DecideItemForm, chosen: int | None = None) -> str:
    only_open = request.args.get("show", "") != "all"
    with staff_database().transaction() as session:
        rows = queries.batches(session, day)
        items = queries.items(session, day, only_open=only_open)
        sums = queries.sums(session, day)
    if not rows:
        abort(HTTPStatus.NOT_FOUND)
    at = _chosen(items, chosen or request.args.get("at", 0, type=int))
    states: dict[BatchState, int] = {}
    for row in rows:
        states[row.state] = states.get(row.state, 0) + 1
    return render_template(
        "staff/day.html",
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        batches=rows,
        state=stage(states),
        running=[row for row in rows if _is_running(row)],
        items=items,
        most=queries.ITEMS_MOST,
        sums=sums,
        at=at,
        form=form,
        only_open=only_open,
        may_decide=has_role(StaffRole.FINANCE),
    )


def _is_running(row: BatchRow) -> bool:
    return row.progress is not None and row.progress_at is not None and now() - row.progress_at < _ALIVE


def _chosen(items: list[ItemRow], wanted: int | None) -> ItemRow | None:
    return next((item for item in items if item.item_id == wanted), items[0] if items else None)


def _read(day: str) -> date:
    try:
        known = date.fromisoformat(day)
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)
    if known.isoformat() != day or not 2000 <= known.year <= 2999:
        abort(HTTPStatus.NOT_FOUND)
    return known
