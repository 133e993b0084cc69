"""Where wallets send their notices: no session, no form token, no redirect; the signature is everything."""

import logging

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
    request.max_content_length = BODY_MOST
    try:
        raw = request.get_data(cache=False)
    except HTTPException as unreadable:
        # Too long, or cut off on the way: a plain status, for no person reads this answer.
        return Response(status=unreadable.code)
    try:
        status, media_type, body = flows.receive(
            Parties(database(), keyring(), wallets(), settings().portal_url),
            acquirer=acquirer,
            headers=dict(request.headers),
            body=raw,
            now=now(),
        )
    except SQLAlchemyError:
        log.exception("a notice could not be written down; the wallet sends it again")
        status, media_type, body = wallets()[acquirer].notice_reply(accepted=False, reason="not_now")
    return Response(body, status=status, content_type=media_type)
