"""What one of staff decides alone: a difference rests, or is left at that. No money is moved."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.reconciliation.models import BillBatch, BillItem
from portal.reconciliation.nights import hold_until
from portal.reconciliation.operations.bills import locked, step
from portal.reconciliation.operations.differences import PLATFORM
from portal.reconciliation.operations.telling import tell_one
from portal.reconciliation.queries import BatchKey, open_items, proposal_of
from portal.reconciliation.rules import BatchState, ItemFact, ItemState, item_after, verdict
from portal.values.errors import NotAllowedNow


def hold(session: Session, item_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Put a difference on hold for some days.

    Raises NotAllowedNow (`unknown_item`, `item_is_over`, `day_closed`, `waits_for_second`).
    """
    _decide(session, item_id, ItemFact.HELD, until=hold_until(now), reason=reason, actor=actor, now=now)


def ignore(session: Session, item_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Leave a difference at that, with its reason; no money is moved. Raises as `hold`."""
    _decide(session, item_id, ItemFact.IGNORED, until=None, reason=reason, actor=actor, now=now)


def take(session: Session, item_id: int) -> tuple[BillBatch, BillItem]:
    """A difference that may still be decided, and its bill, both locked.

    Raises NotAllowedNow (`unknown_item`, `day_closed`).
    """
    told = session.get(BillItem, item_id)
    if told is None:
        raise NotAllowedNow("unknown_item")
    # The bill first, its item after: in the order in which a comparison takes them.
    bill = locked(session, BatchKey(told.acquirer, told.day, told.kind, told.sub_merchant_no))
    row = session.scalars(sa.select(BillItem).where(BillItem.item_id == item_id).with_for_update()).one()
    session.refresh(row)
    if bill.state == BatchState.CLOSED:
        raise NotAllowedNow("day_closed")
    return bill, row


def settle(
    session: Session, bill: BillBatch, row: BillItem, fact: ItemFact, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Let a decision happen to a difference, and judge its bill anew. Raises NotAllowedNow(`item_is_over`)."""
    then = item_after(ItemState(row.state), fact)
    if then is None:
        raise NotAllowedNow("item_is_over")
    row.state, row.reason, row.decided_by, row.decided_at = then, reason, actor.name, now
    session.flush()
    key = BatchKey(bill.acquirer, bill.day, bill.kind, bill.sub_merchant_no)
    step(bill, verdict(open_items(session, key)))
    tell_one(session, row)


def _decide(
    session: Session, item_id: int, fact: ItemFact, *, until: date | None, reason: str, actor: Actor, now: datetime
) -> None:
    bill, row = take(session, item_id)
    if proposal_of(session, item_id) is not None:
        raise NotAllowedNow("waits_for_second")
    settle(session, bill, row, fact, reason=reason, actor=actor, now=now)
    row.hold_until = until
    facts = {"number": row.number, "difference": row.difference, "bill": row.bill_amount, "ours": row.our_amount}
    act = Act(now, actor, f"bill_item.{fact}", str(item_id), reason, facts)
    record(session, act, merchant_id=row.merchant_id or PLATFORM)
