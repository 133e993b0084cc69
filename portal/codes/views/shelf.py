"""All codes of the shop, and a new one."""

from datetime import timedelta
from http import HTTPStatus

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from portal.codes import flows, queries, words
from portal.codes.forms import NewCodeForm
from portal.codes.plates import printing
from portal.codes.views.blueprint import blueprint, is_owner
from portal.merchants import queries as merchants
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard, settings
from portal.values.errors import Refused

# A form sent twice within this time is a double tap: the code it made is shown, not an error.
_DOUBLE_TAP = timedelta(seconds=60)


@blueprint.get("/codes")
@guard(Audience.MEMBER)
def index() -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as open_transaction:
        codes = queries.codes(open_transaction, merchant_id)
        contracts = merchants.contracts(open_transaction, merchant_id)
        held = merchants.restrictions(open_transaction, merchant_id, now=now()).get("receive")
    if any(code.number for code in codes):
        printing.warm_up()
    rows = [(code.code_id, words.row_words(code)) for code in codes]
    return render_template("codes/index.html", rows=rows, can_open=bool(contracts), held=held, owner=is_owner())


@blueprint.get("/codes/new")
@guard(Audience.OWNER)
def new() -> ResponseReturnValue:
    if not _may_open():
        return render_template("codes/not_yet.html"), HTTPStatus.CONFLICT
    printing.warm_up()
    return render_template("codes/new.html", form=_form())


@blueprint.post("/codes")
@guard(Audience.OWNER)
def create() -> ResponseReturnValue:
    if not _may_open():
        return render_template("codes/not_yet.html"), HTTPStatus.CONFLICT
    form = _form()
    if not form.validate_on_submit():
        return render_template("codes/new.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        code_id = flows.open_portal_code(
            database(),
            merchant_id=current_user.merchant_id,
            shop_id=form.shop.data,
            name=form.name.data,
            portal_url=settings().portal_url,
            now=now(),
            actor=current_user.actor,
        )
    except Refused as problem:
        made = _made_just_now(problem)
        if made is not None:
            return redirect(url_for("codes.page", code_id=made), HTTPStatus.SEE_OTHER)
        form.name.errors = [words.name_problem(problem)]
        return render_template("codes/new.html", form=form), HTTPStatus.CONFLICT
    return redirect(url_for("codes.page", code_id=code_id), HTTPStatus.SEE_OTHER)


def _may_open() -> bool:
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        return bool(merchants.contracts(open_transaction, current_user.merchant_id))


def _form() -> NewCodeForm:
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        shops = merchants.shops(open_transaction, current_user.merchant_id)
        first = not queries.codes(open_transaction, current_user.merchant_id)
    form = NewCodeForm(data={"name": _("柜台") if first else "", "shop": shops[0].shop_id})
    form.shop.choices = [SelectChoice(shop.shop_id, shop.name) for shop in shops]
    return form


def _made_just_now(problem: Refused) -> int | None:
    if problem.reason != "name_taken":
        return None
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        twin = queries.code(open_transaction, current_user.merchant_id, int(str(problem.facts["code_id"])))
    if twin is None or twin.number is None or now() - twin.created_at > _DOUBLE_TAP:
        return None
    return twin.code_id
