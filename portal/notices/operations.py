"""Store a signed notice and apply it, in one transaction; settle one that waited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.notices.models import InboxNotice, NoticeCount
from portal.notices.queries import WaitingNotice
from portal.notices.rules import (
    DOUBTS,
    EARLY,
    KIND_MOST,
    NOT_CONFIRMED,
    NOT_OUR_NUMBER,
    PLATFORM,
    STATIC_TRADE_TYPES,
    TO_CONFIRM,
    UNKNOWN_SUB_MERCHANT,
    About,
    State,
    about_of,
    must_be_confirmed,
    replay_key,
    subject_of,
)
from portal.payments import operations as payments
from portal.payments import queries as payment_queries
from portal.payments.operations import Outcome
from portal.refunds import operations as refunds
from portal.refunds import queries as refund_queries
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Notice, PaymentAnswer, PaymentState, RefundAnswer, RefundState

# What a first reading leaves to a question; a reading of the wallet's own answer leaves nothing but what is early.
ASKED_ABOUT = DOUBTS | EARLY


@dataclass(frozen=True)
class Paper:
    """A signed message as the inbox keeps it."""

    acquirer: str
    notice_id: str
    kind: str
    about: About
    subject: str
    sub_merchant_no: str
    transaction_no: str | None
    body_sealed: str
    body_sha256: str


@dataclass(frozen=True)
class Letter:
    """A verified notice with what is kept of it. `mismatch` is set when its number is not this merchant's."""

    notice: Notice
    paper: Paper
    payer_blind: str | None
    mismatch: str | None
    reference_key: bytes


@dataclass(frozen=True)
class Reading:
    """What became of a notice."""

    state: State
    reason: str = ""


_APPLIED = Reading(State.APPLIED)


def paper_of(notice: Notice, *, body_sealed: str, body_sha256: str) -> Paper:
    """What is kept of a notice."""
    about = notice.payment or notice.refund
    return Paper(
        acquirer=notice.acquirer,
        notice_id=replay_key(notice),
        kind=notice.kind[:KIND_MOST],
        about=about_of(notice),
        subject=subject_of(notice),
        sub_merchant_no=about.sub_merchant_no if about is not None else "",
        transaction_no=notice.payment.transaction_id if notice.payment is not None else None,
        body_sealed=body_sealed,
        body_sha256=body_sha256,
    )


def keep(session: Session, *, merchant_id: int, paper: Paper, now: datetime) -> bool:
    """Put a message into the inbox as applied. False when this very one was there before: it has had its effect."""
    stored = session.execute(
        insert(InboxNotice)
        .values(merchant_id=merchant_id, state=State.APPLIED, reason="", received_at=now, **vars(paper))
        .on_conflict_do_nothing()
        .returning(InboxNotice.notice_id)
    ).scalar_one_or_none()
    return stored is not None


def note(session: Session, *, merchant_id: int, acquirer: str, notice_id: str, reading: Reading) -> None:
    """Write down what became of a message in the inbox."""
    session.execute(
        sa.update(InboxNotice)
        .where(
            InboxNotice.merchant_id == merchant_id,
            InboxNotice.acquirer == acquirer,
            InboxNotice.notice_id == notice_id,
        )
        .values(state=reading.state, reason=reading.reason)
    )


def take_in(session: Session, *, merchant_id: int, letter: Letter, now: datetime) -> Reading | None:
    """Store the notice and apply it. None when this very notice was stored before: it has had its effect."""
    paper = letter.paper
    if not keep(session, merchant_id=merchant_id, paper=paper, now=now):
        return None
    reading = _first_reading(session, merchant_id, letter, now)
    if reading != _APPLIED:
        note(session, merchant_id=merchant_id, acquirer=paper.acquirer, notice_id=paper.notice_id, reading=reading)
    return reading


def settle_payment(
    session: Session,
    *,
    merchant_id: int,
    asked: WaitingNotice,
    answer: PaymentAnswer,
    payer_blind: str | None,
    mismatch: str | None,
    reference_key: bytes,
    early: bool,
    now: datetime,
) -> Reading:
    """Book what the wallet says, asked about the order of a notice. With `early`, our own row may still be coming."""
    if answer.state is not PaymentState.SUCCESS:
        return Reading(State.WAITING, NOT_CONFIRMED)
    letter = _Told(answer, payer_blind, mismatch, reference_key)
    reading = _book_payment(session, merchant_id, letter, EARLY if early else frozenset(), now)
    booked = reading == _APPLIED or reading.reason == Outcome.ALREADY_BOOKED
    if booked and asked.transaction_no != answer.transaction_id:
        # The order is paid, by another transaction than the notice's: what became of that one nobody has said.
        return Reading(State.QUARANTINED, NOT_CONFIRMED)
    return _with_doubt(reading, asked.reason)


def settle_refund(
    session: Session, *, merchant_id: int, asked: WaitingNotice, answer: RefundAnswer, early: bool, now: datetime
) -> Reading:
    """Book what the wallet says, asked about a refund. With `early`, our own row may still be coming."""
    if answer.state is RefundState.MISSING:
        return Reading(State.WAITING, NOT_CONFIRMED)
    reading = _book_refund(session, merchant_id, answer, EARLY if early else frozenset(), now)
    return _with_doubt(reading, asked.reason)


def count(session: Session, numbers: Mapping[tuple[str, str], int]) -> None:
    """Add to the counters, by sender and outcome."""
    for (sender, outcome), number in sorted(numbers.items()):
        statement = insert(NoticeCount).values(sender=sender, outcome=outcome, count=number)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[NoticeCount.sender, NoticeCount.outcome], set_={"count": NoticeCount.count + number}
            )
        )


@dataclass(frozen=True)
class _Told:
    answer: PaymentAnswer
    payer_blind: str | None
    mismatch: str | None
    reference_key: bytes


def _first_reading(session: Session, merchant_id: int, letter: Letter, now: datetime) -> Reading:
    notice = letter.notice
    if notice.payment is not None:
        told = _Told(notice.payment, letter.payer_blind, letter.mismatch, letter.reference_key)
        return _read_payment(session, merchant_id, told, now)
    if notice.refund is not None:
        return _read_refund(session, merchant_id, notice.refund, letter.mismatch, now)
    return Reading(State.IGNORED, "transfer" if notice.transfer is not None else "nothing_to_do")


def _read_payment(session: Session, merchant_id: int, told: _Told, now: datetime) -> Reading:
    answer = told.answer
    if answer.state is not PaymentState.SUCCESS:
        return Reading(State.IGNORED, f"payment_{answer.state}")
    if merchant_id == PLATFORM:
        return Reading(State.WAITING, UNKNOWN_SUB_MERCHANT)
    if must_be_confirmed(answer.acquirer):
        kept = payment_queries.payment(session, merchant_id, answer.order_no or "")
        known = kept is not None and (kept.transaction_no, kept.amount) == (answer.transaction_id, answer.amount)
        return Reading(State.IGNORED, Outcome.ALREADY_BOOKED) if known else Reading(State.WAITING, TO_CONFIRM)
    return _book_payment(session, merchant_id, told, ASKED_ABOUT, now)


def _book_payment(
    session: Session, merchant_id: int, told: _Told, asked_about: frozenset[str], now: datetime
) -> Reading:
    """Book what fits. What is in `asked_about` waits; all other money that does not fit goes to suspense."""
    answer, reason = told.answer, told.mismatch
    if reason == NOT_OUR_NUMBER and answer.trade_type in STATIC_TRADE_TYPES:
        taken = payments.book_static(
            session,
            merchant_id=merchant_id,
            answer=answer,
            payer_blind=told.payer_blind,
            reference_key=told.reference_key,
            now=now,
        )
        return _taken(taken.outcome, fresh=taken.fresh)
    if reason is None:
        outcome = payments.book(session, merchant_id=merchant_id, answer=answer, payer_blind=told.payer_blind, now=now)
        if outcome in asked_about:
            return Reading(State.WAITING, outcome)
        if outcome in (Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.BOOKED_ELSEWHERE):
            return _taken(outcome, fresh=outcome is not Outcome.ALREADY_BOOKED)
        reason = outcome
    fresh = payments.book_unexplained(
        session, merchant_id=merchant_id, answer=answer, reason=reason, payer_blind=told.payer_blind, now=now
    )
    return _taken(reason, fresh=fresh)


def _taken(outcome: str, *, fresh: bool) -> Reading:
    if outcome == Outcome.BOOKED:
        return _APPLIED
    if not fresh:
        return Reading(State.IGNORED, outcome)
    return Reading(State.ORPHAN if outcome == Outcome.UNKNOWN_ORDER else State.QUARANTINED, outcome)


def _read_refund(
    session: Session, merchant_id: int, answer: RefundAnswer, mismatch: str | None, now: datetime
) -> Reading:
    if merchant_id == PLATFORM or mismatch is not None:
        return Reading(State.ORPHAN, mismatch or UNKNOWN_SUB_MERCHANT)
    if must_be_confirmed(answer.acquirer):
        kept = refund_queries.refund(session, merchant_id, answer.refund_no)
        known = kept is not None and kept.state == answer.state
        return Reading(State.IGNORED, "known") if known else Reading(State.WAITING, TO_CONFIRM)
    return _book_refund(session, merchant_id, answer, ASKED_ABOUT, now)


def _book_refund(
    session: Session, merchant_id: int, answer: RefundAnswer, asked_about: frozenset[str], now: datetime
) -> Reading:
    try:
        changed = refunds.note_answer(session, merchant_id=merchant_id, answer=answer, now=now)
    except NotAllowedNow as problem:
        return Reading(State.WAITING if problem.reason in asked_about else State.QUARANTINED, problem.reason)
    if changed:
        return _APPLIED
    kept = refund_queries.refund(session, merchant_id, answer.refund_no)
    if answer.state is RefundState.SUCCESS and kept is not None and kept.state != RefundState.SUCCESS:
        # The money has gone back although we had given the refund up: nothing here may decide that away.
        return Reading(State.QUARANTINED, f"refund_was_{kept.state}")
    return Reading(State.IGNORED, "known")


def _with_doubt(reading: Reading, doubt: str) -> Reading:
    """What was put right by asking keeps the word that was doubted."""
    return Reading(State.APPLIED, doubt) if reading == _APPLIED and doubt in DOUBTS else reading
