"""One bill: asked for, withheld, read, judged, closed with its day."""

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.reconciliation.models import BillBatch
from portal.reconciliation.queries import BatchKey, of, open_items
from portal.reconciliation.rules import SETTLED, BatchFact, BatchState, batch_after, verdict
from portal.values.errors import NotAllowedNow


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
    """What the wallet said when the bill was asked for, or what was wrong with the one it gave.

    One that it does not give us is not waited for, and never counts as nothing.
    """
    row = locked(session, key)
    row.answer, row.trouble, row.size, row.sha256, row.asked_at = answer, trouble[:200], size, sha256, now
    row.progress = None
    if answer == "not_permitted":
        step(row, BatchFact.WITHHELD)


def note_progress(session: Session, key: BatchKey, percent: int | None, *, now: datetime) -> None:
    """How far the work on a bill is; None when nobody works on it."""
    session.execute(sa.update(BillBatch).where(of(key)).values(progress=percent, progress_at=now))


def note_read(session: Session, key: BatchKey, *, lines: int, now: datetime) -> None:
    """The bill was read to its very end."""
    row = locked(session, key)
    row.lines, row.parsed_at = lines, now
    step(row, BatchFact.READ)


def begin_comparison(session: Session, key: BatchKey) -> None:
    """Take the bill's row, so that two comparisons never mix. Raises NotAllowedNow(`not_read`)."""
    if locked(session, key).state != BatchState.PARSED:
        raise NotAllowedNow("not_read")


def judge(session: Session, key: BatchKey) -> BatchState:
    """Balanced or not, by what is open."""
    row = locked(session, key)
    step(row, verdict(open_items(session, key)))
    return BatchState(row.state)


def close_day(session: Session, day: date, *, actor: Actor, now: datetime) -> None:
    """Close every bill of a day. Raises NotAllowedNow(`not_balanced`) while one is awaited or something is open.

    A bill that is not reported to us does not keep the others open; how many there were stands in the act.
    """
    rows = list(session.scalars(sa.select(BillBatch).where(BillBatch.day == day).with_for_update()))
    if not rows or any(row.state not in SETTLED for row in rows):
        raise NotAllowedNow("not_balanced")
    withheld = sum(row.state == BatchState.NOT_REPORTED for row in rows)
    for row in rows:
        if step(row, BatchFact.CLOSED):
            row.closed_at = now
    facts = {"bills": len(rows), "not_reported": withheld}
    record(session, Act(now, actor, "bills.closed", day.isoformat(), facts=facts))


def locked(session: Session, key: BatchKey) -> BillBatch:
    """The bill's row, locked and as it stands now."""
    return session.scalars(
        sa.select(BillBatch).where(of(key)).with_for_update().execution_options(populate_existing=True)
    ).one()


def step(row: BillBatch, fact: BatchFact) -> bool:
    """Let a fact happen to a bill; False when it changes nothing."""
    then = batch_after(BatchState(row.state), fact)
    if then is not None:
        row.state = then
    return then is not None
