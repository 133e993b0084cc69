"""Send an application to a wallet: note the intent and commit, call, note the answer and commit."""

import logging
from datetime import timedelta

from portal.merchants import operations
from portal.merchants.flows.following import take_in
from portal.merchants.flows.parcel import Errand, parcel
from portal.merchants.operations.decision import SEND_APPLICATION
from portal.plumbing.clock import now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.wallets.applications import ApplicationAnswer, ApplicationState
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer

log = logging.getLogger("portal.merchants")

_LATER = timedelta(seconds=30)


def send_application(tools: Tools, *, merchant_id: int, application_id: int, acquirer: str) -> None:
    """The job. Run twice it does no harm: the wallet knows the reference, and a later state stops it."""
    errand = Errand(merchant_id, application_id, Acquirer(acquirer))
    with tools.database.transaction(merchant=merchant_id) as session:
        standing = operations.start_sending(
            session,
            merchant_id=merchant_id,
            application_id=application_id,
            acquirer=errand.acquirer,
            now=now(),
        )
    if standing is None:
        return
    application = parcel(tools, errand, standing)
    try:
        answer = tools.wallets[errand.acquirer].apply(application)
    except WalletUnavailable as trouble:
        log.warning("application not sent", extra={"acquirer": acquirer, "code": trouble.code})
        _not_sent(tools, errand)
        return
    except WalletUnknown as trouble:
        log.warning("application unanswered", extra={"acquirer": acquirer, "code": trouble.code})
        answer = ApplicationAnswer(ApplicationState.UNKNOWN)
    except WalletRefused as refusal:
        answer = ApplicationAnswer(ApplicationState.REJECTED, reasons=(refusal.message or refusal.code,))
    take_in(tools, errand, answer)


def _not_sent(tools: Tools, errand: Errand) -> None:
    """Nothing went out: back to where it was, and again in half a minute."""
    moment = now()
    with tools.database.transaction(merchant=errand.merchant_id) as session:
        noted = operations.note_answer(
            session,
            merchant_id=errand.merchant_id,
            application_id=errand.application_id,
            acquirer=errand.acquirer,
            state=ApplicationState.NOT_SENT,
            now=moment,
        )
        if noted is not None:
            defer(session, SEND_APPLICATION, lock=errand.lock, at=moment + _LATER, **errand.arguments())
