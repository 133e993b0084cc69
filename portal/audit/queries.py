"""Read and check the chain of acts."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
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
    return [Entry(row.seq, _act(row), link(row.prev_hash, merchant_id, row.seq, _act(row)) == row.hash) for row in rows]


def first_break(session: Session, merchant_id: int) -> int | None:
    """The number of the first entry that does not fit its chain, or None when the whole chain holds."""
    expected_seq, expected_prev = 1, GENESIS
    rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.merchant_id == merchant_id).order_by(AuditEntry.seq))
    for row in rows:
        right = link(expected_prev, merchant_id, row.seq, _act(row))
        if row.seq != expected_seq or row.prev_hash != expected_prev or row.hash != right:
            return expected_seq
        expected_seq, expected_prev = row.seq + 1, row.hash
    return None


def chains(session: Session) -> list[int]:
    """Every merchant that has a chain, 0 for the platform's own. Needs the wide sight of `portal_staff`."""
    return list(session.scalars(sa.select(AuditEntry.merchant_id).distinct().order_by(AuditEntry.merchant_id)))


def _act(row: AuditEntry) -> Act:
    actor = Actor(row.actor_kind, row.actor_id, row.actor_name)
    return Act(at=row.at, actor=actor, action=row.action, subject=row.subject, reason=row.reason, facts=row.facts)
