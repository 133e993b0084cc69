"""Store a signed notice and apply it, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.notices.models import InboxNotice
from portal.notices.rules import KIND_MOST, PLATFORM, State
from portal.payments import operations as payments
from portal.payments.operations import Outcome
from portal.refunds import operations as refunds
from portal.refunds import queries as refund_queries
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Notice, PaymentAnswer, PaymentState, RefundAnswer, RefundState


@dataclass(frozen=True)
class Letter:
    """A verified notice with what is kept of it. `mismatch` is set when it names another merchant's order."""

    notice: Notice
    body_sealed: str
    body_sha256: str
    payer_blind: str | None
    mismatch: str | None


@dataclass(frozen=True)
class Reading:
    """What became of a letter."""

    state: State
    reason: str = ""


def take_in(session: Session, *, merchant_id: int, letter: Letter, now: datetime) -> Reading | None:
    """Store the notice and apply it. None when this very notice was stored before: it has had its effect."""
    notice = letter.notice
    stored = session.execute(
        insert(InboxNotice)
        .values(
            merchant_id=merchant_id,
            acquirer=notice.acquirer,
            notice_id=notice.notice_id,
            kind=notice.kind[:KIND_MOST],
            subject=_subject(notice),
            state=State.IGNORED,
            reason="",
            body_sealed=letter.body_sealed,
            body_sha256=letter.body_sha256,
            received_at=now,
        )
        .on_conflict_do_nothing()
        .returning(InboxNotice.notice_id)
    ).scalar_one_or_none()
    if stored is None:
        return None
    reading = _apply(session, merchant_id, letter, now)
    session.execute(
        sa.update(InboxNotice)
        .where(
            InboxNotice.merchant_id == merchant_id,
            InboxNotice.acquirer == notice.acquirer,
            InboxNotice.notice_id == notice.notice_id,
        )
        .values(state=reading.state, reason=reading.reason)
    )
    return reading


def _apply(session: Session, merchant_id: int, letter: Letter, now: datetime) -> Reading:
    notice = letter.notice
    if notice.payment is not None:
        return _apply_payment(session, merchant_id, notice.payment, letter, now)
    if notice.refund is not None:
        return _apply_refund(session, merchant_id, notice.refund, letter, now)
    return Reading(State.IGNORED, "nothing_to_do")


def _apply_payment(session: Session, merchant_id: int, answer: PaymentAnswer, letter: Letter, now: datetime) -> Reading:
    if answer.state is not PaymentState.SUCCESS:
        return Reading(State.IGNORED, f"payment_{answer.state}")
    if merchant_id == PLATFORM:
        return Reading(State.ORPHAN, "unknown_sub_merchant")
    if letter.mismatch is not None:
        reason = letter.mismatch
        fresh = payments.book_unexplained(session, merchant_id=merchant_id, answer=answer, reason=reason, now=now)
        return Reading(State.QUARANTINED if fresh else State.IGNORED, reason)
    taken = payments.take(session, merchant_id=merchant_id, answer=answer, payer_blind=letter.payer_blind, now=now)
    if taken.outcome is Outcome.BOOKED:
        return Reading(State.APPLIED)
    if not taken.fresh:
        return Reading(State.IGNORED, taken.outcome)
    return Reading(State.ORPHAN if taken.outcome is Outcome.UNKNOWN_ORDER else State.QUARANTINED, taken.outcome)


def _apply_refund(session: Session, merchant_id: int, answer: RefundAnswer, letter: Letter, now: datetime) -> Reading:
    if merchant_id == PLATFORM or letter.mismatch is not None:
        return Reading(State.ORPHAN, letter.mismatch or "unknown_sub_merchant")
    try:
        changed = refunds.note_answer(session, merchant_id=merchant_id, answer=answer, now=now)
    except NotAllowedNow as problem:
        return Reading(State.QUARANTINED, problem.reason)
    if changed:
        return Reading(State.APPLIED)
    kept = refund_queries.refund(session, merchant_id, answer.refund_no)
    if answer.state is RefundState.SUCCESS and kept is not None and kept.state != RefundState.SUCCESS:
        # The money has gone back although we had given the refund up: nothing here may decide that away.
        return Reading(State.QUARANTINED, f"refund_was_{kept.state}")
    return Reading(State.IGNORED, "known")


def _subject(notice: Notice) -> str:
    if notice.payment is not None:
        return (notice.payment.order_no or notice.payment.transaction_id or "")[:64]
    return (notice.refund.refund_no if notice.refund is not None else "")[:64]
