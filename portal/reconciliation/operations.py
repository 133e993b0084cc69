"""Write down bills, what was found wrong in them, and what staff decided. Nothing here touches a payment."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.reconciliation.comparing import Found, Total
from portal.reconciliation.models import BillBatch, BillItem, BillTotal
from portal.reconciliation.queries import BatchKey, of, open_items
from portal.reconciliation.rules import (
    FACT_OF,
    UNSETTLED,
    BatchFact,
    BatchState,
    ItemFact,
    ItemState,
    Known,
    batch_after,
    hold_until,
    item_after,
    seen_again,
    verdict,
)
from portal.values.errors import NotAllowedNow

_PLATFORM = 0


def open_batches(session: Session, keys: Iterable[BatchKey]) -> None:
    """Begin each bill that is not there yet."""
    blank = {"state": BatchState.AWAITING_BILL, "answer": "", "trouble": "", "size": 0, "sha256": "", "lines": 0}
    rows = [{**vars(key), **blank} for key in keys]
    if rows:
        session.execute(insert(BillBatch).values(rows).on_conflict_do_nothing())


def note_answer(
    session: Session,
    key: BatchKey,
    *,
    answer: str,
    now: datetime,
    trouble: str = "",
    size: int = 0,
    sha256: str = "",
) -> None:
    """What the wallet said when the bill was asked for, or what was wrong with the one it gave."""
    session.execute(
        sa.update(BillBatch)
        .where(of(key))
        .values(answer=answer, trouble=trouble[:200], size=size, sha256=sha256, asked_at=now, progress=None)
    )


def note_progress(session: Session, key: BatchKey, percent: int | None, *, now: datetime) -> None:
    """How far the work on a bill is; None when nobody works on it."""
    session.execute(sa.update(BillBatch).where(of(key)).values(progress=percent, progress_at=now))


def note_read(session: Session, key: BatchKey, *, lines: int, now: datetime) -> None:
    """The bill was read to its very end."""
    row = _locked(session, key)
    row.lines, row.parsed_at = lines, now
    _step(row, BatchFact.READ)


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


def begin_comparison(session: Session, key: BatchKey) -> None:
    """Take the bill's row, so that two comparisons never mix. Raises NotAllowedNow(`not_read`)."""
    if _locked(session, key).state != BatchState.PARSED:
        raise NotAllowedNow("not_read")


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
    row = _locked(session, key)
    row.compared_at, row.progress = now, None
    _step(row, BatchFact.COMPARED)


def judge(session: Session, key: BatchKey) -> BatchState:
    """Balanced or not, by what is open."""
    row = _locked(session, key)
    _step(row, verdict(open_items(session, key)))
    return BatchState(row.state)


def hold(session: Session, item_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Put a difference on hold for some days. Raises NotAllowedNow (`unknown_item`, `item_is_over`, `day_closed`)."""
    _decide(session, item_id, ItemFact.HELD, until=hold_until(now), reason=reason, actor=actor, now=now)


def ignore(session: Session, item_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Leave a difference at that, with its reason; no money is moved. Raises as `hold`."""
    _decide(session, item_id, ItemFact.IGNORED, until=None, reason=reason, actor=actor, now=now)


def close_day(session: Session, day: date, *, actor: Actor, now: datetime) -> None:
    """Close every bill of a day. Raises NotAllowedNow(`not_balanced`) while one is missing or something is open."""
    rows = list(session.scalars(sa.select(BillBatch).where(BillBatch.day == day).with_for_update()))
    if not rows or any(row.state not in (BatchState.BALANCED, BatchState.CLOSED) for row in rows):
        raise NotAllowedNow("not_balanced")
    for row in rows:
        if _step(row, BatchFact.CLOSED):
            row.closed_at = now
    record(session, Act(now, actor, "bills.closed", day.isoformat(), facts={"bills": len(rows)}))


def _decide(
    session: Session, item_id: int, fact: ItemFact, *, until: date | None, reason: str, actor: Actor, now: datetime
) -> None:
    told = session.get(BillItem, item_id)
    if told is None:
        raise NotAllowedNow("unknown_item")
    key = BatchKey(told.acquirer, told.day, told.kind, told.sub_merchant_no)
    # The bill first, its item after: in the order in which a comparison takes them.
    bill = _locked(session, key)
    row = session.scalars(sa.select(BillItem).where(BillItem.item_id == item_id).with_for_update()).one()
    session.refresh(row)
    then = item_after(ItemState(row.state), fact)
    if bill.state == BatchState.CLOSED:
        raise NotAllowedNow("day_closed")
    if then is None:
        raise NotAllowedNow("item_is_over")
    row.state, row.reason, row.hold_until = then, reason, until
    row.decided_by, row.decided_at = actor.name, now
    facts = {"number": row.number, "difference": row.difference, "bill": row.bill_amount, "ours": row.our_amount}
    act = Act(now, actor, f"bill_item.{fact}", str(item_id), reason, facts)
    record(session, act, merchant_id=row.merchant_id or _PLATFORM)
    session.flush()
    _step(bill, verdict(open_items(session, key)))


def _locked(session: Session, key: BatchKey) -> BillBatch:
    return session.scalars(
        sa.select(BillBatch).where(of(key)).with_for_update().execution_options(populate_existing=True)
    ).one()


def _step(row: BillBatch, fact: BatchFact) -> bool:
    then = batch_after(BatchState(row.state), fact)
    if then is not None:
        row.state = then
    return then is not None


def _fresh(key: BatchKey, one: Found, now: datetime) -> dict[str, object]:
    then = item_after(ItemState.MATCHED, FACT_OF[one.difference])
    blank = {"state": then, "found_at": now, "seen_at": now, "reason": "", "decided_by": ""}
    return {**vars(key), **vars(one), **blank}


def _see(row: BillItem, one: Found, now: datetime) -> None:
    state = seen_again(
        Known(ItemState(row.state), row.bill_amount, row.our_amount), one.difference, one.bill_amount, one.our_amount
    )
    if state in UNSETTLED and row.state not in UNSETTLED:
        # Opened again: an old decision was about something else; the chain of acts still has it.
        row.reason, row.decided_by, row.decided_at, row.hold_until = "", "", None, None
    row.state, row.seen_at = state, now
    for name, value in vars(one).items():
        setattr(row, name, value)
