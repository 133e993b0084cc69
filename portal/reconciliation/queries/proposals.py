"""Read what staff have proposed to book, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reconciliation.models import BillResolution


@dataclass(frozen=True)
class ProposalRow:
    """A proposal with all that would be booked, and its digest. `decider` is empty while it waits."""

    resolution_id: int
    item_id: int
    way: str
    state: str
    payload: dict[str, Any]
    payload_sha256: str
    reason: str
    proposed_by: int
    proposer: str
    proposed_at: datetime
    decider: str
    decided_at: datetime | None


def proposal_of(session: Session, item_id: int) -> ProposalRow | None:
    """What waits for a second person about one difference."""
    return waiting(session, [item_id]).get(item_id)


def waiting(session: Session, item_ids: Iterable[int]) -> dict[int, ProposalRow]:
    """What waits for a second person, by difference."""
    rows = session.scalars(
        sa.select(BillResolution).where(BillResolution.item_id.in_(list(item_ids)), BillResolution.state == "proposed")
    )
    return {row.item_id: _row(row) for row in rows}


def proposals(session: Session, item_id: int) -> list[ProposalRow]:
    """Everything that was ever proposed about one difference, newest first."""
    order = BillResolution.resolution_id.desc()
    rows = session.scalars(sa.select(BillResolution).where(BillResolution.item_id == item_id).order_by(order))
    return [_row(row) for row in rows]


def proposal(session: Session, resolution_id: int) -> ProposalRow | None:
    """One proposal."""
    row = session.get(BillResolution, resolution_id)
    return _row(row) if row is not None else None


def _row(row: BillResolution) -> ProposalRow:
    return ProposalRow(**{name: getattr(row, name) for name in ProposalRow.__dataclass_fields__})
