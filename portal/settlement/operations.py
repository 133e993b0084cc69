"""Seal a day: one row, its seal in the merchant's chain of acts, in the caller's transaction."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit import operations as audit
from portal.audit.rules import SYSTEM, Act
from portal.settlement.models import DaySheet
from portal.settlement.queries import SheetRow, last_sheet
from portal.settlement.rules import Figures
from portal.settlement.sealing import ACT, GENESIS, act_facts, as_json, seal_of


def seal(session: Session, *, merchant_id: int, figures: Figures, now: datetime) -> SheetRow | None:
    """Write the sheet behind the last one. None when its day, or a later one, has been sealed meanwhile.

    What is written stands for ever: nobody who serves may change a row of this table, and the chain of acts keeps the
    seal a second time.
    """
    before = last_sheet(session, merchant_id)
    if before is not None and before.day >= figures.day:
        return None
    position, previous = (before.position + 1, before.seal) if before is not None else (1, GENESIS)
    body = as_json(figures)
    fingerprint = seal_of(merchant_id=merchant_id, position=position, previous=previous, sealed_at=now, figures=body)
    written = session.execute(
        insert(DaySheet)
        .values(
            merchant_id=merchant_id,
            day=figures.day,
            position=position,
            figures=body,
            earlier_days=[one.day for one in figures.earlier],
            previous=previous,
            seal=fingerprint,
            sealed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(sa.literal(1))
    ).scalar_one_or_none()
    if written is None:
        # Another worker was quicker; its sheet is as good as this one.
        return None
    facts = act_facts(position=position, seal=fingerprint)
    act = Act(at=now, actor=SYSTEM, action=ACT, subject=figures.day.isoformat(), facts=facts)
    audit.record(session, act, merchant_id=merchant_id)
    return SheetRow(merchant_id, position, figures, previous, fingerprint, now)
