"""The clearing institution's stand-in tells which wallet paid, or of a payment that nobody else would report.

No such source is public; its words are our own (docs/interconnect.md).
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.codes.flows import lookup_key
from portal.merchants import queries as merchants
from portal.notices import operations
from portal.notices.flows.receiving import Answered, Budget, outcome_of, sealed, speak_of
from portal.notices.operations import Paper, Reading
from portal.notices.rules import INTERCONNECT, PLATFORM, About, State
from portal.payments import operations as payments
from portal.payments.flows import Parties
from portal.payments.operations import Outcome, WalletNote
from portal.plumbing.clock import real_now as clock_real_now
from portal.wallets.errors import NoticeRejected
from portal.wallets.routed import Interconnect, RoutedKind, RoutedNotice, RoutedPayment

log = logging.getLogger("portal.notices")

_NOTED = {WalletNote.NOTED: Reading(State.APPLIED), WalletNote.KNOWN: Reading(State.IGNORED, WalletNote.KNOWN)}


class _TooEarly(Exception):
    """The acquirer's own notice is not here yet. Nothing of this one is kept: it comes again."""


def receive_routed(
    parties: Parties,
    source: Interconnect,
    *,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    real_now: datetime | None = None,
) -> Answered:
    """Take a message in. A 2xx is answered only after the commit; an exception means try again."""
    budget = Budget(time.monotonic())
    try:
        notice = source.read_notice(headers=headers, body=body, now=real_now or clock_real_now())
    except NoticeRejected as rejection:
        log.info("notice rejected", extra={"acquirer": INTERCONNECT, "reason": rejection.reason})
        return Answered(*source.notice_reply(accepted=False, reason=rejection.reason), rejection.reason)
    paper = _paper(parties, notice, body)
    try:
        owner, reading = _take_in(parties, notice.payment, paper, budget, now)
    except _TooEarly:
        return Answered(*source.notice_reply(accepted=False, reason="too_early"), "too_early")
    speak_of(INTERCONNECT, owner, reading)
    return Answered(*source.notice_reply(accepted=True), outcome_of(reading))


def _take_in(
    parties: Parties, word: RoutedPayment, paper: Paper, budget: Budget, now: datetime
) -> tuple[int, Reading | None]:
    with parties.database.transaction(ends_at=budget.ends_at) as session:
        owner, code_id = _owner(session, word)
        parties.database.enter(session, owner)
        if not operations.keep(session, merchant_id=owner, paper=paper, now=now):
            return owner, None
        reading = _apply(session, parties, owner, code_id, word, now)
        if reading != Reading(State.APPLIED):
            operations.note(
                session, merchant_id=owner, acquirer=INTERCONNECT, notice_id=paper.notice_id, reading=reading
            )
    return owner, reading


def _owner(session: Session, word: RoutedPayment) -> tuple[int, int | None]:
    """Whose payment it is: told by the contract, or, where there is none, by the code somebody linked."""
    if word.kind is RoutedKind.WALLET_TOLD:
        found = merchants.merchant_of_contract(session, word.acquirer, word.sub_merchant_no or "")
        return (PLATFORM if found is None else found), None
    return codes.whose(session, lookup_key(word.code_text)) or (PLATFORM, None)


def _apply(
    session: Session, parties: Parties, owner: int, code_id: int | None, word: RoutedPayment, now: datetime
) -> Reading:
    if word.kind is RoutedKind.WALLET_TOLD:
        if owner == PLATFORM:
            return Reading(State.ORPHAN, "unknown_sub_merchant")
        noted = payments.note_wallet(session, merchant_id=owner, word=word, now=now)
        if noted is WalletNote.NO_PAYMENT:
            raise _TooEarly
        return _NOTED.get(noted, Reading(State.QUARANTINED, noted))
    code = codes.code(session, owner, code_id) if code_id is not None else None
    if code is None:
        return Reading(State.ORPHAN, "unknown_code")
    if code.told_by != INTERCONNECT:
        return Reading(State.IGNORED, "told_by_another")
    taken = payments.book_reported(
        session,
        merchant_id=owner,
        code_id=code.code_id,
        word=word,
        reference_key=parties.keyring.reference_key,
        now=now,
    )
    if taken.outcome is Outcome.BOOKED:
        return Reading(State.APPLIED)
    known = taken.outcome is Outcome.ALREADY_BOOKED
    return Reading(State.IGNORED if known else State.QUARANTINED, taken.outcome)


def _paper(parties: Parties, notice: RoutedNotice, body: bytes) -> Paper:
    word = notice.payment
    return Paper(
        acquirer=INTERCONNECT,
        notice_id=notice.notice_id,
        kind=word.kind,
        about=About.ROUTED,
        subject=word.transaction_id,
        sub_merchant_no=(word.sub_merchant_no or "")[:32],
        transaction_no=word.transaction_id,
        body_sealed=sealed(parties, INTERCONNECT, notice.notice_id, body),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
