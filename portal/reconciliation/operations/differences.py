"""What a comparison found: written down, seen again, gone, and its sums."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import SYSTEM, Act
from portal.reconciliation.comparing import Found, Total
from portal.reconciliation.models import BillItem, BillTotal
from portal.reconciliation.operations.bills import locked, step
from portal.reconciliation.queries import BatchKey, of
from portal.reconciliation.rules import (
    FACT_OF,
    UNSETTLED,
    Amounts,
    BatchFact,
    Difference,
    ItemFact,
    ItemState,
    after_hold,
    item_after,
    seen_again,
)

PLATFORM = 0


def note_differences(
    session: Session, key: BatchKey, found: Sequence[Found], *, now: datetime
) -> dict[tuple[int, str], int]:
    """Write differences down, or see known ones again; answers how many numbers differ by merchant and payer's app.

    The caller holds the bill's row by `begin_comparison` in the same transaction.
    """
    known = {
        (row.sort, row.number, row.merchant_no, row.difference): row
        for row in session.scalars(
            sa.select(BillItem).where(of(key, BillItem), BillItem.number.in_({one.number for one in found}))
        )
    }
    differing: dict[tuple[int, str], int] = {}
    fresh = []
    for one in found:
        row = known.get((one.sort, one.number, one.merchant_no, one.difference))
        if row is None:
            fresh.append(_fresh(key, one, now))
        else:
            _see(row, one, now)
        if one.bill_amount is not None and one.our_amount is not None:
            place = (one.merchant_id or 0, one.wallet)
            differing[place] = differing.get(place, 0) + 1
    if fresh:
        session.execute(sa.insert(BillItem), fresh)
    session.flush()
    return differing


def end_comparison(session: Session, key: BatchKey, totals: Sequence[Total], *, now: datetime) -> None:
    """All differences are written: those not seen this time are gone, and the sums are these."""
    for state in ItemState:
        then = item_after(state, ItemFact.AGREES)
        if then is not None:
            session.execute(
                sa.update(BillItem)
                .where(of(key, BillItem), BillItem.state == state, BillItem.seen_at < now)
                .values(state=then, hold_until=None)
            )
    session.execute(sa.delete(BillTotal).where(of(key, BillTotal)))
    if totals:
        session.execute(sa.insert(BillTotal), [{**vars(key), **vars(total)} for total in totals])
    row = locked(session, key)
    row.compared_at, row.progress = now, None
    step(row, BatchFact.COMPARED)


def expire_holds(session: Session, *, today: date, now: datetime) -> int:
    """Open again every difference whose last day of rest is over; answers how many. Each leaves a line in the chain."""
    rows = session.scalars(
        sa.select(BillItem)
        .where(BillItem.state == ItemState.ON_HOLD, BillItem.hold_until < today)
        .order_by(BillItem.item_id)
        .with_for_update()
    ).all()
    for row in rows:
        row.state = after_hold(Difference(row.difference))
        facts = {"number": row.number, "held_by": row.decided_by, "until": str(row.hold_until)}
        act = Act(now, SYSTEM, f"bill_item.{ItemFact.DUE}", str(row.item_id), row.reason, facts)
        record(session, act, merchant_id=row.merchant_id or PLATFORM)
    return len(rows)


def _fresh(key: BatchKey, one: Found, now: datetime) -> dict[str, object]:
    then = item_after(ItemState.MATCHED, FACT_OF[one.difference])
    blank = {"state": then, "found_at": now, "seen_at": now, "reason": "", "decided_by": ""}
    return {**vars(key), **vars(one), **blank}


def _see(row: BillItem, one: Found, now: datetime) -> None:
    state = seen_again(ItemState(row.state), one.difference, _amounts(row), _amounts(one))
    if state in UNSETTLED and row.state not in UNSETTLED:
        # Opened again: an old decision was about something else; the chain of acts still has it.
        row.reason, row.decided_by, row.decided_at, row.hold_until = "", "", None, None
    row.state, row.seen_at = state, now
    for name, value in vars(one).items():
        setattr(row, name, value)


def _amounts(side: BillItem | Found) -> Amounts:
    return Amounts(side.bill_amount, side.our_amount, side.bill_fee, side.our_fee)
