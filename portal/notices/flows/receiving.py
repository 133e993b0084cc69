"""A wallet tells: verify the raw bytes, find the merchant, store and apply, commit, and only then say yes."""

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.notices import operations, ordinary
from portal.notices.flows.settling import mismatch_of, settle_later, settle_now
from portal.notices.operations import Letter, Paper, Reading
from portal.notices.rules import (
    BUDGET_SECONDS,
    PAGES_ASK_SECONDS,
    PLATFORM,
    State,
    asked_at_once,
    can_be_kept,
    replay_key,
)
from portal.payments.flows import Parties
from portal.plumbing.clock import real_now as clock_real_now
from portal.wallets.errors import NoticeRejected
from portal.wallets.port import Acquirer, Notice

log = logging.getLogger("portal.notices")


class Answered(NamedTuple):
    """What the sender hears, and the outcome that is counted."""

    status: int
    media_type: str
    body: str
    outcome: str


@dataclass(frozen=True)
class Budget:
    """The seconds that a notice may take in all, by the monotonic clock."""

    began: float
    ask_seconds: float = PAGES_ASK_SECONDS

    @property
    def ends_at(self) -> float:
        return self.began + BUDGET_SECONDS

    @property
    def leaves_time_to_ask(self) -> bool:
        """Whether the wallet can still be asked before the sender stops waiting for us."""
        return time.monotonic() + self.ask_seconds <= self.ends_at


def receive(
    parties: Parties,
    *,
    acquirer: Acquirer,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    real_now: datetime | None = None,
    ask_seconds: float = PAGES_ASK_SECONDS,
) -> Answered:
    """Take a notice in. A 2xx is answered only after the commit; an exception means try again.

    `real_now` judges how fresh the signature is; `now` is the moment of business; `ask_seconds` is what a question to
    the wallet may take. Raises SQLAlchemyError when the database does not do its part within the budget.
    """
    budget, wallet = Budget(time.monotonic(), ask_seconds), parties.wallets[acquirer]
    try:
        notice = wallet.read_notice(
            headers=headers,
            body=body,
            now=real_now or clock_real_now(),
            keys_of=lambda number: _keys_of(parties, acquirer, number, budget),
        )
        if not can_be_kept(notice):
            raise NoticeRejected("unreadable")
    except NoticeRejected as rejection:
        log.info("notice rejected", extra={"acquirer": acquirer, "reason": rejection.reason, "probe": rejection.probe})
        outcome = "probe" if rejection.probe else rejection.reason
        return Answered(*wallet.notice_reply(accepted=False, reason=rejection.reason), outcome)
    paper = operations.paper_of(
        notice,
        body_sealed=sealed(parties, acquirer, replay_key(notice), body),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    owner, reading = _take_in(parties, notice, paper, budget, now)
    waits = reading is not None and reading.state is State.WAITING and asked_at_once(reading.reason)
    if waits and budget.leaves_time_to_ask:
        reading = settle_now(parties, owner, acquirer, paper.notice_id, ends_at=budget.ends_at) or reading
    speak_of(acquirer, owner, reading)
    return Answered(*wallet.notice_reply(accepted=True), outcome_of(reading))


def sealed(parties: Parties, sender: str, notice_id: str, body: bytes) -> str:
    """The raw message as the inbox keeps it."""
    place = f"inbox_notices|body|{sender}-{notice_id}"
    return parties.keyring.seal(body.decode("utf-8", errors="replace"), place=place)


def speak_of(sender: str, owner: int, reading: Reading | None) -> None:
    """Somebody must look at what fits nothing."""
    if reading is not None and reading.state in (State.ORPHAN, State.QUARANTINED):
        log.warning("notice needs a look", extra={"sender": sender, "merchant": owner, "reason": reading.reason})


def outcome_of(reading: Reading | None) -> str:
    """The word under which a message that was accepted is counted."""
    return "replayed" if reading is None else str(reading.state)


def _take_in(
    parties: Parties, notice: Notice, paper: Paper, budget: Budget, now: datetime
) -> tuple[int, Reading | None]:
    """Whose contract got the money decides; the number is checked against it, never trusted instead of it."""
    if notice.payment is not None:
        booked_for = ordinary.take(parties.database, parties.keyring, answer=notice.payment, paper=paper, now=now)
        if booked_for is not None:
            return booked_for, Reading(State.APPLIED)
    payer = notice.payment.payer_id if notice.payment is not None else None
    with parties.database.transaction(ends_at=budget.ends_at) as session:
        owner = PLATFORM
        if paper.sub_merchant_no:
            owner = merchants.enter_contract(session, paper.acquirer, paper.sub_merchant_no, otherwise=PLATFORM)
        else:
            parties.database.enter(session, PLATFORM)
        letter = Letter(
            notice=notice,
            paper=paper,
            payer_blind=parties.keyring.blind(payer, kind="payer") if payer else None,
            mismatch=mismatch_of(parties, paper.about, paper.subject, owner),
            reference_key=parties.keyring.reference_key,
        )
        reading = operations.take_in(session, merchant_id=owner, letter=letter, now=now)
        if reading is not None and reading.state is State.WAITING:
            settle_later(
                session, owner, Acquirer(paper.acquirer), paper.notice_id, reason=reading.reason, rung=0, now=now
            )
    return owner, reading


def _keys_of(parties: Parties, acquirer: Acquirer, number: str, budget: Budget) -> Mapping[str, str] | None:
    with parties.database.transaction(ends_at=budget.ends_at) as session:
        owner = merchants.enter_contract(session, acquirer, number, otherwise=PLATFORM)
        row = None if owner == PLATFORM else merchants.contracts(session, owner).get(acquirer)
    if row is None or row.sub_merchant_no != number:
        return None
    return open_contract(parties.keyring, merchant_id=owner, row=row).keys
