"""Suspend a code and start it again: a page that says what follows, then the act."""

from http import HTTPStatus

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.codes import operations, words
from portal.codes.queries import CodeRow
from portal.codes.rules import Fact, State, after
from portal.codes.views.blueprint import blueprint, own_portal_code
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard
from portal.values.errors import NotAllowedNow


@blueprint.get("/codes/<int:code_id>/suspend")
@guard(Audience.OWNER)
def suspend(code_id: int) -> ResponseReturnValue:
    return _ask(own_portal_code(code_id), Fact.SUSPENDED, "codes/suspend.html")


@blueprint.post("/codes/<int:code_id>/suspend")
@guard(Audience.OWNER)
def suspend_now(code_id: int) -> ResponseReturnValue:
    return _change(own_portal_code(code_id), Fact.SUSPENDED, _("已停用。顾客现在扫这张码付不了。"))


@blueprint.get("/codes/<int:code_id>/start")
@guard(Audience.OWNER)
def start(code_id: int) -> ResponseReturnValue:
    return _ask(own_portal_code(code_id), Fact.STARTED, "codes/start.html")


@blueprint.post("/codes/<int:code_id>/start")
@guard(Audience.OWNER)
def start_now(code_id: int) -> ResponseReturnValue:
    return _change(own_portal_code(code_id), Fact.STARTED, _("已启用。顾客现在扫这张码能付款。"))


def _ask(code: CodeRow, fact: Fact, template: str) -> ResponseReturnValue:
    if after(State(code.state), fact) is None:
        return _too_late(code.code_id, code.state)
    return render_template(template, code=code)


def _change(code: CodeRow, fact: Fact, done: str) -> ResponseReturnValue:
    try:
        with database().transaction(merchant=code.merchant_id) as open_transaction:
            operations.change(
                open_transaction,
                merchant_id=code.merchant_id,
                code_id=code.code_id,
                fact=fact,
                now=now(),
                actor=current_user.actor,
            )
    except NotAllowedNow as problem:
        return _too_late(code.code_id, problem.reason.removeprefix("code_"))
    flash(done, "ok")
    return redirect(url_for("codes.page", code_id=code.code_id), HTTPStatus.SEE_OTHER)


def _too_late(code_id: int, state: str) -> ResponseReturnValue:
    _kind, word = words.state_words(state)
    flash(_("这张码现在的状态是“%(state)s”，没有改动。", state=word), "warn")
    return redirect(url_for("codes.page", code_id=code_id), HTTPStatus.SEE_OTHER)
