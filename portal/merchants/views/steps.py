"""One step of the application: a topic a page, kept as it is filled in."""

from dataclasses import fields
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import operations, queries, words
from portal.merchants.forms import AccountForm, LicenceForm, PersonForm, ShopForm, StepForm, tidy
from portal.merchants.queries import ApplicationRow
from portal.merchants.rules import (
    EDITABLE,
    STEP_DOCUMENTS,
    Answers,
    Step,
    is_done,
    masked_account,
    masked_id_number,
)
from portal.merchants.views.application import opened, render_whole
from portal.merchants.views.blueprint import blueprint
from portal.merchants.views.pictures import take_pictures
from portal.plumbing.web import Audience, database, guard, keyring
from portal.values.errors import NotAllowedNow

_FORMS: dict[Step, type[StepForm]] = {
    Step.LICENCE: LicenceForm,
    Step.PERSON: PersonForm,
    Step.ACCOUNT: AccountForm,
    Step.SHOP: ShopForm,
}
_ANSWERS = frozenset(entry.name for entry in fields(Answers))


@blueprint.route("/application/<any(licence, person, account, shop):step>", methods=["GET", "POST"])
@guard(Audience.OWNER)
def step(step: str) -> ResponseReturnValue:
    """One step's page."""
    this = Step(step)
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.newest_application(session, merchant_id)
    if found is None or found.state not in EDITABLE:
        return _not_now(words.REFUSAL_WORDS["not_editable"] if found else "")
    given = opened(found)
    if this is Step.ACCOUNT and not given.legal_person:
        return _not_now(_("结算账户要和经营者同名，请先填身份证"))
    form = _form(this, given)
    if form.is_submitted():
        try:
            if _save(this, form, found, given):
                return redirect(_next(this, found))
        except NotAllowedNow as refusal:
            return _not_now(words.REFUSAL_WORDS[refusal.reason])
        with database().transaction(merchant=merchant_id) as session:
            found = queries.application(session, merchant_id, found.application_id) or found
    return render_template(
        f"merchants/step_{this}.html",
        form=form,
        answers=opened(found),
        returned=found.reason if found.step == this else "",
        back_to_check="check" in request.args,
        words=words,
    )


def _form(this: Step, given: Answers) -> StepForm:
    """The step's form with what was given before, save for the sensitive numbers: those are only shown masked."""
    prefilled = {name: getattr(given, name) for name in _ANSWERS - {"id_number", "account_number", "documents"}}
    form = _FORMS[this](data=prefilled)
    if this is Step.PERSON and given.id_number and tidy(form.legal_person.data) == given.legal_person:
        form.kept = {"id_number": masked_id_number(given.id_number)}
    if this is Step.ACCOUNT and given.account_number:
        form.kept = {"account_number": masked_account(given.account_number)}
    return form


def _save(this: Step, form: StepForm, row: ApplicationRow, given: Answers) -> bool:
    """Keep the pictures in any case, the answers when all of them are right."""
    fine = form.validate()
    pictures = take_pictures(form, row, STEP_DOCUMENTS[this], there=given.documents)
    if not fine or not pictures:
        return False
    changes: dict[str, Any] = {
        name: value for name, value in form.data.items() if name in _ANSWERS and not (name in form.kept and not value)
    }
    if changes.get("id_forever"):
        changes["id_valid_until"] = None
    with database().transaction(merchant=row.merchant_id) as session:
        operations.save_answers(
            session,
            keyring(),
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            step=this,
            changes=changes,
        )
    return True


def _next(this: Step, row: ApplicationRow) -> str:
    """After a change from the check page back there; else the next step that is open, or the list."""
    with database().transaction(merchant=row.merchant_id) as session:
        now_is = queries.application(session, row.merchant_id, row.application_id) or row
    given = opened(now_is)
    todo = [later for later in Step if not is_done(later, given)]
    if "check" in request.args and not todo:
        return url_for("merchants.check")
    after = [later for later in todo if list(Step).index(later) > list(Step).index(this)]
    return url_for("merchants.step", step=after[0]) if after else url_for("merchants.application")


def _not_now(notice: Any) -> ResponseReturnValue:
    if request.method == "GET":
        return redirect(url_for("merchants.application"))
    return render_whole(notice=notice), 409
