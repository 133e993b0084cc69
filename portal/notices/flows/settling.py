"""Ask the wallet about a notice that waits, and book what it says instead of what the notice said.

Three kinds wait: a word that this wallet must confirm (JD), a right signature under a wrong sum, and what came before
its own order, refund or contract was here.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.notices import operations, queries
from portal.notices.operations import Reading
from portal.notices.queries import WaitingNotice
from portal.notices.rules import (
    NOT_CONFIRMED,
    NOT_OUR_NUMBER,
    PLATFORM,
    UNKNOWN_SUB_MERCHANT,
    About,
    State,
    is_last,
    wait,
)
from portal.payments.flows import Parties, parties_of
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.values.errors import InvalidReference
from portal.values.references import Kind, merchant_of
from portal.wallets.errors import WalletError, WalletRefused
from portal.wallets.port import Acquirer, Contract, PaymentAnswer, RefundAnswer

log = logging.getLogger("portal.notices")

SETTLE = "notices.settle"
_KINDS = {About.PAYMENT: Kind.ORDER, About.REFUND: Kind.REFUND}


@dataclass(frozen=True)
class _Turn:
    """One asking. `rung` is None within the notice's own request, which must end by `ends_at` (monotonic seconds)."""

    rung: int | None
    ends_at: float | None = None

    def early(self, about: str) -> bool:
        """Whether our own row may still be on its way. An order is waited for once, a refund to the end."""
        return self.rung is None or (about == About.REFUND and not is_last(self.rung))


def settle_later(
    session: Session,
    merchant_id: int,
    acquirer: Acquirer,
    notice_id: str,
    *,
    reason: str,
    rung: int,
    now: datetime,
) -> None:
    """Have a worker ask, in the transaction that knows there is something to ask."""
    defer(
        session,
        SETTLE,
        at=now + wait(rung, reason),
        merchant_id=merchant_id,
        acquirer=acquirer,
        notice_id=notice_id,
        rung=rung,
    )


def settle_now(
    parties: Parties, merchant_id: int, acquirer: Acquirer, notice_id: str, *, ends_at: float
) -> Reading | None:
    """Ask within the notice's own request. None when that failed: the worker's turn comes whatever happens here."""
    try:
        return _settle(parties, merchant_id, acquirer, notice_id, _Turn(None, ends_at))
    except (WalletError, SQLAlchemyError) as trouble:
        log.info("a notice is asked about later: %s", type(trouble).__name__, extra={"merchant": merchant_id})
        return None


def settle(tools: Tools, *, merchant_id: int, acquirer: str, notice_id: str, rung: int) -> None:
    """The job. A wallet that says no is asked again a few times; one that says nothing, for ever."""
    parties, answered = parties_of(tools), True
    try:
        reading = _settle(parties, merchant_id, Acquirer(acquirer), notice_id, _Turn(rung))
    except WalletError as trouble:
        log.info("a notice of merchant %s is not settled yet: %s", merchant_id, trouble.code)
        reading, answered = Reading(State.WAITING), False
    if reading is None or reading.state is not State.WAITING:
        return
    with parties.database.transaction(merchant=merchant_id) as session:
        if answered and is_last(rung):
            state = State.ORPHAN if reading.reason == UNKNOWN_SUB_MERCHANT else State.QUARANTINED
            last = Reading(state, reading.reason)
            operations.note(session, merchant_id=merchant_id, acquirer=acquirer, notice_id=notice_id, reading=last)
            log.warning("notice needs a look", extra={"merchant": merchant_id, "reason": reading.reason})
        else:
            settle_later(session, merchant_id, Acquirer(acquirer), notice_id, reason="", rung=rung + 1, now=clock_now())


def mismatch_of(parties: Parties, about: About | str, number: str, owner: int) -> str | None:
    """Why a number cannot be this merchant's; None when it is his."""
    kind = _KINDS.get(About(about))
    if kind is None:
        return None
    try:
        minted_for = merchant_of(number, kind=kind, key=parties.keyring.reference_key)
    except InvalidReference:
        return NOT_OUR_NUMBER
    return None if minted_for == owner else "other_merchants_number"


def _settle(parties: Parties, merchant_id: int, acquirer: Acquirer, notice_id: str, turn: _Turn) -> Reading | None:
    """What became of it now, still waiting perhaps; None when it did not wait (any more). Raises WalletError."""
    with parties.database.transaction(merchant=merchant_id, ends_at=turn.ends_at) as session:
        asked = queries.waiting(session, merchant_id, acquirer, notice_id)
        if asked is None:
            return None
        owner: int | None = merchant_id
        if merchant_id == PLATFORM:
            owner = merchants.merchant_of_contract(session, acquirer, asked.sub_merchant_no)
    if owner is None:
        return Reading(State.WAITING, UNKNOWN_SUB_MERCHANT)
    try:
        answer = _ask(parties, owner, asked, turn)
    except WalletRefused:
        return Reading(State.WAITING, NOT_CONFIRMED)
    return _write(parties, owner, asked, answer, turn)


def _ask(parties: Parties, owner: int, asked: WaitingNotice, turn: _Turn) -> PaymentAnswer | RefundAnswer:
    with parties.database.transaction(merchant=owner, ends_at=turn.ends_at) as session:
        row = merchants.contracts(session, owner).get(asked.acquirer)
    contract = Contract(Acquirer(asked.acquirer), asked.sub_merchant_no)
    if row is not None and row.sub_merchant_no == asked.sub_merchant_no:
        contract = open_contract(parties.keyring, merchant_id=owner, row=row)
    wallet = parties.wallets[contract.acquirer]
    if asked.about == About.REFUND:
        return wallet.ask_refund(contract, asked.subject)
    return wallet.ask_payment(contract, asked.subject)


def _write(
    parties: Parties, owner: int, asked: WaitingNotice, answer: PaymentAnswer | RefundAnswer, turn: _Turn
) -> Reading | None:
    """Book the answer in its owner's scope. A notice kept by the platform is marked afterwards: booking twice does
    no harm."""
    with parties.database.transaction(merchant=owner, ends_at=turn.ends_at) as session:
        here = asked.merchant_id == owner
        if here and queries.waiting(session, owner, asked.acquirer, asked.notice_id, lock=True) is None:
            return None
        reading = _book(session, parties, owner, asked, answer, turn)
        if here and reading.state is not State.WAITING:
            operations.note(
                session, merchant_id=owner, acquirer=asked.acquirer, notice_id=asked.notice_id, reading=reading
            )
    if not here and reading.state is not State.WAITING:
        with parties.database.transaction(merchant=asked.merchant_id, ends_at=turn.ends_at) as session:
            operations.note(
                session,
                merchant_id=asked.merchant_id,
                acquirer=asked.acquirer,
                notice_id=asked.notice_id,
                reading=reading,
            )
    return reading


def _book(
    session: Session,
    parties: Parties,
    owner: int,
    asked: WaitingNotice,
    answer: PaymentAnswer | RefundAnswer,
    turn: _Turn,
) -> Reading:
    early, moment = turn.early(asked.about), clock_now()
    if isinstance(answer, RefundAnswer):
        return operations.settle_refund(session, merchant_id=owner, asked=asked, answer=answer, early=early, now=moment)
    return operations.settle_payment(
        session,
        merchant_id=owner,
        asked=asked,
        answer=answer,
        payer_blind=parties.keyring.blind(answer.payer_id, kind="payer") if answer.payer_id else None,
        mismatch=mismatch_of(parties, asked.about, asked.subject, owner),
        reference_key=parties.keyring.reference_key,
        early=early,
        now=moment,
    )
