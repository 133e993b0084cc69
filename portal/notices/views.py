"""Where wallets send their notices: no session, no form token, no redirect; the signature is everything."""

import logging
from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from portal.notices import flows
from portal.notices.rules import BODY_MOST
from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard, keyring, settings, wallets
from portal.wallets.port import Acquirer

log = logging.getLogger("portal.notices")

blueprint = Blueprint("notices", __name__, url_prefix="/notify")


@blueprint.post("/wechat")
@guard(Audience.WALLET)
def wechat() -> Response:
    return _receive(Acquirer.WECHAT)


@blueprint.post("/jdpay")
@guard(Audience.WALLET)
def jdpay() -> Response:
    return _receive(Acquirer.JDPAY)


def _receive(acquirer: Acquirer) -> Response:
    # One byte more than may come: a body without a told length is cut there, and then seen to be too long.
    request.max_content_length = BODY_MOST + 1
    try:
        raw = request.get_data(cache=False)
    except HTTPException as unreadable:
        return _plain(unreadable.code)
    if len(raw) > BODY_MOST:
        return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        status, media_type, body = flows.receive(
            Parties(database(), keyring(), wallets(), settings().notify_base),
            acquirer=acquirer,
            headers=dict(request.headers),
            body=raw,
            now=now(),
        )
    except SQLAlchemyError:
        log.exception("a notice could not be written down; the wallet sends it again")
        status, media_type, body = wallets()[acquirer].notice_reply(accepted=False, reason="not_now")
    return Response(body, status=status, content_type=media_type)


def _plain(status: int | None) -> Response:
    """No person reads this answer."""
    return Response(status=status, content_type="text/plain")
