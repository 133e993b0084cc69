"""Follow an application at a wallet until it is finished; each question asks the queue for the next one."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from portal.merchants import operations, queries
from portal.merchants.contracts import seal_keys
from portal.merchants.flows.parcel import Errand, accepted_rate, parcel
from portal.merchants.operations.decision import SEND_APPLICATION
from portal.merchants.queries import WalletApplicationRow
from portal.merchants.rules import MAY_BE_ASKED, ask_again_after
from portal.plumbing.clock import now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.wallets.applications import ApplicationAnswer, ApplicationState
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer

log = logging.getLogger("portal.merchants")

FOLLOW_APPLICATION = "merchants.follow_application"
# From here on the wallet has the pictures; they need not be read again.
_PICTURES_ARE_THERE = frozenset(
    {
        ApplicationState.AUDITING,
        ApplicationState.TO_BE_CONFIRMED,
        ApplicationState.TO_BE_SIGNED,
        ApplicationState.OPENING,
    }
)


def follow_application(tools: Tools, *, merchant_id: int, application_id: int, acquirer: str) -> None:
    """The job: ask once, note the answer, and come again while there is something to wait for."""
    errand = Errand(merchant_id, application_id, Acquirer(acquirer))
    standing = _standing(tools, errand)
    if standing is None or standing.state not in MAY_BE_ASKED:
        return
    application = parcel(tools, errand, standing, with_pictures=standing.state not in _PICTURES_ARE_THERE)
    try:
        answer = tools.wallets[errand.acquirer].application_status(application)
    except WalletError as trouble:
        log.warning("application not followed", extra={"acquirer": acquirer, "code": trouble.code})
        with tools.database.transaction(merchant=merchant_id) as session:
            defer_following(session, errand, standing, now=now())
        return
    take_in(tools, errand, answer)


def take_in(tools: Tools, errand: Errand, answer: ApplicationAnswer) -> None:
    """Write down what a wallet answered, and see to it that the next step follows."""
    if answer.state is ApplicationState.FINISHED:
        _conclude(tools, errand, answer)
        return
    moment = now()
    with tools.database.transaction(merchant=errand.merchant_id) as session:
        standing = operations.note_answer(
            session,
            merchant_id=errand.merchant_id,
            application_id=errand.application_id,
            acquirer=errand.acquirer,
            state=answer.state,
            now=moment,
            progress=answer.progress,
            sign_url=answer.sign_url,
            reasons=answer.reasons,
        )
        if standing is None:
            return
        if standing.state is ApplicationState.NOT_SENT:
            # The wallet has never heard of it: what was in doubt is now sure, and may be sent again.
            defer(session, SEND_APPLICATION, lock=errand.lock, **errand.arguments())
        elif standing.state in MAY_BE_ASKED:
            defer_following(session, errand, standing, now=moment)


def defer_following(session: Session, errand: Errand, standing: WalletApplicationRow, *, now: datetime) -> None:
    """Ask the queue to come again: soon after a change, ever more seldom while nothing moves."""
    at = now + ask_again_after(now - standing.changed_at)
    defer(session, FOLLOW_APPLICATION, lock=errand.lock, at=at, **errand.arguments())


def _conclude(tools: Tools, errand: Errand, answer: ApplicationAnswer) -> None:
    """First the lookup, in a transaction of its own and repeatable; then the contract and all that comes with it."""
    if answer.sub_merchant_no is None:
        raise ValueError(f"{errand.acquirer} finished an application without a number")
    with tools.database.transaction() as session:
        operations.claim_sub_merchant(
            session,
            acquirer=errand.acquirer,
            sub_merchant_no=answer.sub_merchant_no,
            merchant_id=errand.merchant_id,
        )
    rate = accepted_rate(tools, errand)
    sealed = seal_keys(tools.keyring, merchant_id=errand.merchant_id, acquirer=errand.acquirer, keys=answer.keys)
    with tools.database.transaction(merchant=errand.merchant_id) as session:
        operations.conclude(
            session,
            merchant_id=errand.merchant_id,
            application_id=errand.application_id,
            acquirer=errand.acquirer,
            sub_merchant_no=answer.sub_merchant_no,
            keys_sealed=sealed,
            fee_rate_bp=rate,
            progress=answer.progress,
            now=now(),
        )


def _standing(tools: Tools, errand: Errand) -> WalletApplicationRow | None:
    with tools.database.transaction(merchant=errand.merchant_id) as session:
        found = queries.wallet_applications(session, errand.merchant_id).get(errand.acquirer)
    return found if found is not None and found.application_id == errand.application_id else None
