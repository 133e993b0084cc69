"""Read and check the chain of acts."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry, AuditHead
from portal.audit.rules import GENESIS, Act, Actor, link


@dataclass(frozen=True)
class Entry:
    """One recorded act with its place in the chain."""

    seq: int
    act: Act
    intact: bool


def entries(
    session: Session,
    merchant_id: int,
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    most: int = 50,
) -> list[Entry]:
    """The newest acts first; `intact` tells whether each fits the one before it. `only` and `without` name actions."""
    wanted = sa.select(AuditEntry).where(AuditEntry.merchant_id == merchant_id, AuditEntry.action.not_in(without))
    if only:
        wanted = wanted.where(AuditEntry.action.in_(only))
    rows = session.scalars(wanted.order_by(AuditEntry.seq.desc()).limit(most))
    return [Entry(row.seq, _act(row), _fits(row, row.prev_hash)) for row in rows]


def first_break(session: Session, merchant_id: int) -> int | None:
    """The number of the first entry that does not fit its chain, or None when the whole chain holds.

    The chain's head says how long it is, so an end that was cut off is missed too.
    """
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    # Head first: an act recorded meanwhile makes the chain longer than its head, never shorter.
    head = session.execute(
        sa.select(AuditHead.seq, AuditHead.hash).where(AuditHead.merchant_id == merchant_id)
    ).one_or_none()
    expected_seq, expected_prev = 1, GENESIS
    chain = sa.select(AuditEntry).where(AuditEntry.merchant_id == merchant_id).order_by(AuditEntry.seq)
    with closing(session.scalars(chain.execution_options(yield_per=1000))) as rows:
        for row in rows:
            if row.seq != expected_seq or row.prev_hash != expected_prev or not _fits(row, expected_prev):
                return expected_seq
            if head is not None and row.seq == head.seq and row.hash != head.hash:
                return row.seq
            expected_seq, expected_prev = row.seq + 1, row.hash
    return expected_seq if head is not None and head.seq >= expected_seq else None


def chains(session: Session) -> list[int]:
    """Every merchant that has a chain, 0 for the platform's own. Needs the wide sight of `portal_staff`."""
    heads, entries = sa.select(AuditHead.merchant_id), sa.select(AuditEntry.merchant_id)
    return sorted(session.scalars(heads.union(entries)))


def _fits(row: AuditEntry, prev_hash: str) -> bool:
    try:
        return link(prev_hash, row.merchant_id, row.seq, _act(row)) == row.hash
    except ValueError:
        # Facts that could never have been recorded.
        return False


def _act(row: AuditEntry) -> Act:
    actor = Actor(row.actor_kind, row.actor_id, row.actor_name)
    return Act(at=row.at, actor=actor, action=row.action, subject=row.subject, reason=row.reason, facts=row.facts)
