"""Where wallets send their notices: no session, no form token, no redirect; the signature is everything."""

from flask import Blueprint, Response, request

from portal.notices import flows
from portal.notices.rules import BODY_MOST
from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard, keyring, settings, wallets
from portal.wallets.port import Acquirer

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
    if request.content_length is None or request.content_length > BODY_MOST:
        return Response(status=413)
    status, media_type, body = flows.receive(
        Parties(database(), keyring(), wallets(), settings().portal_url),
        acquirer=acquirer,
        headers=dict(request.headers),
        body=request.get_data(cache=False),
        now=now(),
    )
    return Response(body, status=status, content_type=media_type)
