"""The application as a whole: its list of tasks, the check before handing in, and how it goes on."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import answers as halves
from portal.merchants import operations, queries, words
from portal.merchants.forms import SubmitForm
from portal.merchants.queries import ApplicationRow
from portal.merchants.rules import EDITABLE, FAILED, WALLET_MOVES, Answers, State, Step, is_done, open_steps
from portal.merchants.views.blueprint import blueprint
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard, keyring
from portal.values.errors import NotAllowedNow

_OTHER_STEPS = 2


@blueprint.get("/application")
@guard(Audience.OWNER)
def application() -> ResponseReturnValue:
    """The tasks while it is being filled in, the progress once it is handed in."""
    return render_whole()


@blueprint.post("/application")
@guard(Audience.OWNER)
def start() -> ResponseReturnValue:
    """Begin an application. While one is open that one is shown, and why no other can be begun."""
    merchant_id = current_user.merchant_id
    try:
        with database().transaction(merchant=merchant_id) as session:
            operations.start_application(session, keyring(), merchant_id=merchant_id, now=now())
    except NotAllowedNow as refusal:
        return render_whole(notice=words.REFUSAL_WORDS[refusal.reason]), 409
    return redirect(url_for("merchants.step", step=Step.LICENCE))


@blueprint.route("/application/check", methods=["GET", "POST"])
@guard(Audience.OWNER)
def check() -> ResponseReturnValue:
    """Check the answers, see the rates, hand in."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.newest_application(session, merchant_id)
        rates = queries.fee_terms(session, now=now())
    if found is None or found.state not in EDITABLE:
        return redirect(url_for("merchants.application"))
    given = opened(found)
    form = SubmitForm()
    if open_steps(given):
        notice = words.REFUSAL_WORDS["incomplete"]
        return (render_whole(notice=notice), 409) if form.is_submitted() else redirect(url_for("merchants.application"))
    if form.validate_on_submit():
        try:
            _hand_in(found, read_rates(form.rates.data))
        except NotAllowedNow as refusal:
            form.form_errors.append(words.REFUSAL_WORDS[refusal.reason])
        else:
            flash(_("申请交上来了，一码一般当天审核"), "done")
            return redirect(url_for("merchants.application"))
    form.rates.data = written_rates(rates)
    return render_template("merchants/check.html", form=form, answers=given, rates=rates, words=words)


def render_whole(notice: Any = "") -> str:
    """The page `/application` in whatever state it is."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.newest_application(session, merchant_id)
        standings = queries.wallet_applications(session, merchant_id)
        contracts = queries.contracts(session, merchant_id)
    if found is None or found.state in EDITABLE:
        given = opened(found) if found else Answers()
        return render_template("merchants/tasks.html", notice=notice, **_tasks(found, given))
    return render_template(
        "merchants/progress.html",
        notice=notice,
        application=found,
        standings=standings,
        contracts=contracts,
        settled=bool(standings) and not any(WALLET_MOVES[standing.state] for standing in standings.values()),
        failed=any(standing.state in FAILED for standing in standings.values()),
        words=words,
    )


def opened(row: ApplicationRow) -> Answers:
    """The answers of one application, both halves."""
    return halves.opened(
        keyring(), merchant_id=row.merchant_id, application_id=row.application_id, plain=row.plain, sealed=row.sealed
    )


def written_rates(rates: dict[str, int]) -> str:
    """Rates as the hidden field carries them: `jdpay=38 wechat=38`."""
    return " ".join(f"{acquirer}={rate}" for acquirer, rate in sorted(rates.items()))


def read_rates(text: str | None) -> dict[str, int]:
    """What `written_rates` wrote; anything else reads as no rates at all."""
    pairs = [part.partition("=") for part in (text or "").split()]
    return {name: int(rate) for name, _sign, rate in pairs if rate.isascii() and rate.isdigit() and len(rate) < 5}


def _hand_in(row: ApplicationRow, rates: dict[str, int]) -> None:
    with database().transaction(merchant=row.merchant_id) as session:
        operations.submit(
            session,
            keyring(),
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            rates=rates,
            actor=current_user.actor,
            now=now(),
        )


def _tasks(row: ApplicationRow | None, given: Answers) -> dict[str, Any]:
    """The list of tasks, how far it is done, and what the button does next."""
    todo = [step for step in Step if not is_done(step, given) or (row and row.step == step)]
    items = [_task(step, row, given) for step in Step]
    return {
        "row": row,
        "items": [{"title": _("手机号和店名"), "kind": "done"}, *items],
        "done": 1 + len(Step) - len(todo),
        "total": len(Step) + _OTHER_STEPS,
        "returned": row.reason if row and row.state is State.RETURNED and row.step is None else "",
        "next_step": todo[0] if todo else None,
        "next_word": words.STEP_WORDS[todo[0]] if todo else "",
        "next_is_change": bool(todo and row and row.step == todo[0]),
    }


def _task(step: Step, row: ApplicationRow | None, given: Answers) -> dict[str, Any]:
    task = {"title": words.STEP_WORDS[step], "href": url_for("merchants.step", step=step) if row else ""}
    if row is not None and row.step == step:
        return {**task, "kind": "bad", "second": row.reason}
    if step is Step.ACCOUNT and not given.legal_person:
        return {**task, "kind": "later", "word": _("先填身份证")}
    return {**task, "kind": "done" if is_done(step, given) else "todo"}
