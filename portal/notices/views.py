"""Where wallets send their notices: no session, no form token, no redirect; the signature is everything."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from portal.notices import books, flows, queries
from portal.notices.counting import Tally
from portal.notices.flows import Answered
from portal.notices.rules import ALONE_ASK_SECONDS, BODY_MOST, INTERCONNECT, PAGES_ASK_SECONDS
from portal.payments.flows import Parties
from portal.plumbing.clock import now, real_now
from portal.plumbing.web import Audience, database, guard, interconnect, keyring, settings, staff_database, wallets
from portal.wallets.port import Acquirer

log = logging.getLogger("portal.notices")

blueprint = Blueprint("notices", __name__, url_prefix="/notify")
# Served by the notices' own process alone, which no proxy leads strangers to but for `/notify/`.
meter = Blueprint("meter", __name__)

NOT_NOW = "not_now"
_NO_ANSWER = ("text/plain", "")


@blueprint.post("/wechat")
@guard(Audience.WALLET)
def wechat() -> Response:
    return _receive(Acquirer.WECHAT)


@blueprint.post("/jdpay")
@guard(Audience.WALLET)
def jdpay() -> Response:
    return _receive(Acquirer.JDPAY)


@blueprint.post("/interconnect")
@guard(Audience.WALLET)
def routed() -> Response:
    """Messages of the clearing institution's stand-in; not there where no such source is set up."""
    source = interconnect()
    if source is None:
        return Response(status=HTTPStatus.NOT_FOUND, content_type="text/plain")
    return _answer(
        INTERCONNECT,
        lambda raw: flows.receive_routed(
            _parties(), source, headers=dict(request.headers.items()), body=raw, now=now(), real_now=real_now()
        ),
        lambda: source.notice_reply(accepted=False, reason=NOT_NOW),
    )


@meter.get("/metrics")
@guard(Audience.EVERYONE)
def metrics() -> Response:
    """The counters, and how the ledger does, as Prometheus reads them."""
    tally().write(database())
    with database().transaction() as session:
        found = queries.counts(session)
    with staff_database().transaction() as session:
        ledger = books.measured(session, now=now())
    lines = ["# TYPE yima_notices_total counter"]
    lines += [
        f'yima_notices_total{{sender="{sender}",outcome="{outcome}"}} {number}'
        for (sender, outcome), number in sorted(found.items())
    ]
    return Response("\n".join([*lines, *ledger, ""]), content_type="text/plain; version=0.0.4")


def tally() -> Tally:
    """This process's counters."""
    made: Tally = current_app.extensions.setdefault("notice_tally", Tally())
    return made


def _receive(acquirer: Acquirer) -> Response:
    alone = settings().process == "notices"
    return _answer(
        acquirer,
        lambda raw: flows.receive(
            _parties(),
            acquirer=acquirer,
            headers=dict(request.headers.items()),
            body=raw,
            now=now(),
            real_now=real_now(),
            ask_seconds=ALONE_ASK_SECONDS if alone else PAGES_ASK_SECONDS,
        ),
        lambda: wallets()[acquirer].notice_reply(accepted=False, reason=NOT_NOW),
    )


def _answer(sender: str, take: Callable[[bytes], Answered], not_now: Callable[[], tuple[int, str, str]]) -> Response:
    """Read the body within its limit, have it taken in, count what became of it."""
    # One byte more than may come: a body without a told length is cut there, and then seen to be too long.
    request.max_content_length = BODY_MOST + 1
    try:
        raw = request.get_data(cache=False)
        answered = _too_large() if len(raw) > BODY_MOST else take(raw)
    except HTTPException as unreadable:
        code = unreadable.code or HTTPStatus.BAD_REQUEST
        answered = _too_large() if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else Answered(code, *_NO_ANSWER, "cut")
    except SQLAlchemyError:
        log.exception("a notice could not be written down; the sender sends it again")
        answered = Answered(*not_now(), NOT_NOW)
    # Whoever was told "not now" has waited long enough for a database in trouble.
    tally().add(sender, answered.outcome, database=None if answered.outcome == NOT_NOW else database())
    return Response(answered.body, status=answered.status, content_type=answered.media_type)


def _too_large() -> Answered:
    return Answered(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, *_NO_ANSWER, "too_large")


def _parties() -> Parties:
    return Parties(database(), keyring(), wallets(), settings().notify_base)
