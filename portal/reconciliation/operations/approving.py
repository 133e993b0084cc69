"""The second person agrees, and what was proposed is booked; or does not, and nothing is."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.ledger import operations as ledger
from portal.ledger.rules import Move
from portal.payments import operations as payments
from portal.payments.operations import Outcome
from portal.reconciliation.answers import payment_kept, refund_kept
from portal.reconciliation.models import BillItem, BillResolution
from portal.reconciliation.operations.deciding import settle, take
from portal.reconciliation.operations.proposing import refuse_suspended, sides_told
from portal.reconciliation.rules import ItemFact
from portal.reconciliation.ways import Booking, digest
from portal.refunds import operations as refunds
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow

_PAID = (Outcome.BOOKED, Outcome.ALREADY_BOOKED)


def approve(
    session: Session, resolution_id: int, *, shown: str, reference_key: bytes, actor: Actor, now: datetime
) -> None:
    """Book what somebody else has proposed, exactly that: `shown` is the digest that was read.

    Raises NotAllowedNow: `unknown_item`, `proposal_is_over`, `proposal_changed`, `second_person`, `item_changed`,
    `item_is_over`, `day_closed`, `in_suspense`, `does_not_fit`.
    """
    bill, row, proposed = _taken(session, resolution_id)
    if proposed.payload_sha256 != shown or digest(proposed.payload) != shown:
        raise NotAllowedNow("proposal_changed")
    if actor.user_id is None or actor.user_id == proposed.proposed_by:
        raise NotAllowedNow("second_person")
    if {name: proposed.payload[name] for name in ("bill", "ours")} != sides_told(row):
        raise NotAllowedNow("item_changed")
    refuse_suspended(session, row)
    _book(session, proposed, reference_key=reference_key, now=now)
    settle(session, bill, row, ItemFact.BOOKED, reason=proposed.reason, actor=actor, now=now)
    row.hold_until = None
    _end(session, row, proposed, "booked", reason=proposed.reason, actor=actor, now=now)


def decline(session: Session, resolution_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Let a proposal fall: whoever proposed it may take it back, too. Nothing is booked.

    Raises NotAllowedNow: `unknown_item`, `proposal_is_over`, `day_closed`.
    """
    _, row, proposed = _taken(session, resolution_id)
    _end(session, row, proposed, "declined", reason=reason, actor=actor, now=now)


def _taken(session: Session, resolution_id: int) -> tuple[Any, BillItem, BillResolution]:
    told = session.get(BillResolution, resolution_id)
    if told is None:
        raise NotAllowedNow("unknown_item")
    bill, row = take(session, told.item_id)
    session.refresh(told, with_for_update=True)
    if told.state != "proposed":
        raise NotAllowedNow("proposal_is_over")
    return bill, row, told


def _book(session: Session, proposed: BillResolution, *, reference_key: bytes, now: datetime) -> None:
    payload, merchant_id = proposed.payload, proposed.merchant_id
    how, told = Booking(payload["booking"]), payload["answer"]
    if how is Booking.TRANSFERS:
        day = business_date(now)
        moves = [Move(ref=payload["ref"], business_date=day, **entry) for entry in payload["entries"]]
        ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
        return
    if how is Booking.REFUND:
        answer = refund_kept(payload["acquirer"], told)
        refunds.note_answer(session, merchant_id=merchant_id, answer=answer, now=now)
        return
    paid = payment_kept(payload["acquirer"], told)
    if how is Booking.ORDER:
        outcome = payments.book(session, merchant_id=merchant_id, answer=paid, payer_blind=None, now=now)
    else:
        outcome = payments.book_static(
            session, merchant_id=merchant_id, answer=paid, payer_blind=None, reference_key=reference_key, now=now
        ).outcome
    if outcome not in _PAID:
        raise NotAllowedNow("does_not_fit")


def _end(
    session: Session,
    row: BillItem,
    proposed: BillResolution,
    state: str,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    proposed.state, proposed.decider, proposed.decided_at = state, actor.name, now
    proposed.decided_by = actor.user_id
    session.flush()
    facts = {"number": row.number, "way": proposed.way, "payload": proposed.payload_sha256, "by": proposed.proposer}
    act = Act(now, actor, f"bill_item.{state}", str(row.item_id), reason, facts)
    record(session, act, merchant_id=proposed.merchant_id)
