"""Take a function away, with reason and way out, and give it back. The payer's page obeys at once."""

from http import HTTPStatus

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity.rules import StaffRole
from portal.merchants.queries import MerchantPage
from portal.merchants.rules import Function
from portal.merchants.words import FUNCTION_WORDS
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, staff_database
from portal.staff import operations
from portal.staff.forms import LiftForm, RestrictForm
from portal.staff.views.blueprint import MERCHANT, blueprint
from portal.staff.views.merchant import existing, function_rows, note_look
from portal.staff.words import REFUSAL_WORDS
from portal.values.day import day_bounds
from portal.values.errors import NotAllowedNow


@blueprint.get(f"{MERCHANT}/restrict")
@guard(Audience.STAFF, StaffRole.RISK)
def restrict(merchant_id: int) -> ResponseReturnValue:
    page = existing(merchant_id)
    form = RestrictForm(free=_free(page))
    asked = request.args.get("function")
    form.function.data = asked or next(iter(_free(page)), None)
    return _restrict_page(page, form)


@blueprint.post(f"{MERCHANT}/restrict")
@guard(Audience.STAFF, StaffRole.RISK)
def place_restriction(merchant_id: int) -> ResponseReturnValue:
    page = existing(merchant_id)
    form = RestrictForm(free=_free(page))
    if not form.validate():
        return _restrict_page(page, form), HTTPStatus.UNPROCESSABLE_ENTITY
    function, until = Function(form.function.data), form.until.data
    try:
        with staff_database().transaction(merchant=merchant_id) as session:
            operations.restrict(
                session,
                merchant_id=merchant_id,
                function=function,
                reason=form.reason.data,
                way_out=form.way_out.data,
                until=day_bounds(until)[1] if until else None,
                actor=current_user.actor,
                now=now(),
            )
    except NotAllowedNow as refusal:
        return _restrict_page(page, form, refusal), _status(refusal)
    flash(_("%(function)s已经限制，马上生效，商户看得到原因和出路", function=FUNCTION_WORDS[function]), "ok")
    return redirect(url_for("staff.merchant", merchant_id=merchant_id))


@blueprint.get(f"{MERCHANT}/lift/<function>")
@guard(Audience.STAFF, StaffRole.RISK)
def lift(merchant_id: int, function: str) -> ResponseReturnValue:
    return _lift_page(existing(merchant_id), _known(function), LiftForm())


@blueprint.post(f"{MERCHANT}/lift/<function>")
@guard(Audience.STAFF, StaffRole.RISK)
def lift_restriction(merchant_id: int, function: str) -> ResponseReturnValue:
    page, known, form = existing(merchant_id), _known(function), LiftForm()
    if not form.validate():
        return _lift_page(page, known, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        with staff_database().transaction(merchant=merchant_id) as session:
            operations.lift(
                session,
                merchant_id=merchant_id,
                function=known,
                reason=form.reason.data,
                actor=current_user.actor,
                now=now(),
            )
    except NotAllowedNow as refusal:
        return _lift_page(page, known, form, refusal), _status(refusal)
    flash(_("%(function)s恢复了，马上生效", function=FUNCTION_WORDS[known]), "ok")
    return redirect(url_for("staff.merchant", merchant_id=merchant_id))


def _restrict_page(page: MerchantPage, form: RestrictForm, refusal: NotAllowedNow | None = None) -> str:
    note_look(page.merchant.merchant_id, "restrict")
    if refusal is not None:
        form.form_errors.append(REFUSAL_WORDS[refusal.reason])
    return render_template("staff/restrict.html", page=page, form=form, functions=function_rows(page))


def _lift_page(page: MerchantPage, function: Function, form: LiftForm, refusal: NotAllowedNow | None = None) -> str:
    note_look(page.merchant.merchant_id, "lift")
    if refusal is not None:
        form.form_errors.append(REFUSAL_WORDS[refusal.reason])
    return render_template(
        "staff/lift.html",
        page=page,
        form=form,
        word=FUNCTION_WORDS[function],
        held=page.restrictions.get(function),
        row=next(row for row in function_rows(page) if row["function"] == function),
    )


def _free(page: MerchantPage) -> list[Function]:
    return [function for function in Function if function not in page.restrictions]


def _known(function: str) -> Function:
    try:
        return Function(function)
    except ValueError:
        abort(404)


def _status(refusal: NotAllowedNow) -> HTTPStatus:
    return HTTPStatus.FORBIDDEN if refusal.reason == "own_merchant" else HTTPStatus.CONFLICT
