"""审核: the applications that wait, the longest waiting first, and a look at the one that is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import queries as merchants
from portal.merchants import words as merchant_words
from portal.merchants.queries import ApplicationRow, QueueRow, WalletApplicationRow
from portal.merchants.rules import Answers, State
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, staff_database
from portal.staff import queries
from portal.staff.rules import Check, Sign, checks, hours_and_minutes, is_late
from portal.staff.views.blueprint import blueprint, opened
from portal.staff.words import STATE_WORDS
from portal.values.day import business_date

PAGE = 12


@dataclass(frozen=True)
class Line:
    """One line of the queue. `waited` is hours and minutes, empty once it is decided."""

    row: QueueRow
    application: ApplicationRow
    answers: Answers
    standings: Mapping[str, WalletApplicationRow]
    checks: tuple[Check, ...]
    waited: str
    late: bool

    @property
    def doubts(self) -> list[Check]:
        return [check for check in self.checks if check.sign is not Sign.OK]

    @property
    def key(self) -> str:
        return f"{self.row.merchant_id}-{self.row.application_id}"


@blueprint.get("")
@guard(Audience.STAFF)
def home() -> ResponseReturnValue:
    return redirect(url_for("staff.queue"))


@blueprint.get("/applications")
@guard(Audience.STAFF)
def queue() -> ResponseReturnValue:
    """The list shows shop names and findings only, so looking at it is not yet looking at anybody's papers."""
    state, region, number = _asked()
    moment = now()
    with staff_database().transaction() as session:
        count = merchants.queue_length(session, state=state, region=region)
        number = min(number, max(1, -(-count // PAGE)))
        rows = merchants.application_queue(session, state=state, region=region, skip=(number - 1) * PAGE, most=PAGE)
        waiting = queries.waiting(session, now=moment)
        mine = queries.decided_today(session, current_user.person.user_id, now=moment)
        regions = queries.regions(session, state)
        whole = queries.whole(session, [(row.merchant_id, row.application_id) for row in rows])
        standings = queries.standings(session, [row.merchant_id for row in rows])
    lines = [_line(row, whole[row.merchant_id, row.application_id], standings.get(row.merchant_id, {})) for row in rows]
    at = _chosen(lines, request.args.get("at", ""))
    return render_template(
        "staff/queue.html",
        lines=lines,
        at=at,
        state=state,
        region=region,
        page=number,
        count=count,
        first=(number - 1) * PAGE + 1,
        more=number * PAGE < count,
        waiting=waiting,
        longest=hours_and_minutes(moment - waiting.since) if waiting.since else "",
        mine=mine,
        states_options=[(str(known), word) for known, (_sign, word) in STATE_WORDS.items()],
        city_options=[("", _("全部")), *((code, merchant_words.CITIES.get(code, code)) for code in regions)],
        names=merchant_words,
    )


def _asked() -> tuple[State, str, int]:
    """The view as the address says it; what makes no sense is left out."""
    wanted = request.args.get("state", "")
    state = State(wanted) if wanted in [str(known) for known in STATE_WORDS] else State.SUBMITTED
    region = request.args.get("city", "")
    number = request.args.get("page", 1, type=int)
    return state, region if region in merchant_words.CITIES else "", min(max(1, number), 10_000)


def _line(row: QueueRow, application: ApplicationRow, standings: Mapping[str, WalletApplicationRow]) -> Line:
    answers, moment = opened(application), now()
    waits = row.state is State.SUBMITTED and row.submitted_at is not None
    since: Any = row.submitted_at
    return Line(
        row=row,
        application=application,
        answers=answers,
        standings=standings,
        checks=checks(answers, today=business_date(moment)),
        waited=hours_and_minutes(moment - since) if waits else "",
        late=waits and is_late(since, moment),
    )


def _chosen(lines: list[Line], key: str) -> int | None:
    """The place of the chosen line; the first one where none or an unknown one is named."""
    places = [place for place, line in enumerate(lines) if line.key == key]
    return places[0] if places else (0 if lines else None)
