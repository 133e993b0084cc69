"""Take a function away for a time, and give it back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import SYSTEM, Act, Actor
from portal.events.operations import append
from portal.merchants.models import Restriction
from portal.merchants.operations.decision import checked_reason
from portal.merchants.rules import Function
from portal.values.errors import NotAllowedNow


def restrict(
    session: Session,
    *,
    merchant_id: int,
    function: Function,
    reason: str,
    way_out: str,
    actor: Actor,
    now: datetime,
    until: datetime | None = None,
) -> int:
    """Take one function away and answer the restriction's number. The owner reads both the reason and the way out.

    Raises Refused(`reason_short`, `reason_long`) and NotAllowedNow(`restricted_already`).
    """
    why, how = checked_reason(reason), checked_reason(way_out)
    # One that has run out still stands in the table: it makes room first.
    _end(session, merchant_id, function, Restriction.until <= now, actor=SYSTEM, reason="", now=now)
    number = 1 + (
        session.scalar(sa.select(sa.func.max(Restriction.restriction_id)).where(Restriction.merchant_id == merchant_id))
        or 0
    )
    try:
        with session.begin_nested():
            session.add(
                Restriction(
                    merchant_id=merchant_id,
                    restriction_id=number,
                    function=function,
                    reason=why,
                    way_out=how,
                    since=now,
                    until=until,
                    placed_by=actor.user_id,
                    lift_reason="",
                )
            )
    except IntegrityError as error:
        raise NotAllowedNow("restricted_already") from error
    _tell(session, "restriction.placed", merchant_id, function, actor=actor, reason=why, now=now)
    return number


def lift(session: Session, *, merchant_id: int, function: Function, reason: str, actor: Actor, now: datetime) -> None:
    """Give a function back. Raises Refused(`reason_short`, `reason_long`) and NotAllowedNow(`not_restricted`)."""
    why = checked_reason(reason)
    if not _end(session, merchant_id, function, sa.true(), actor=actor, reason=why, now=now):
        raise NotAllowedNow("not_restricted")
    _tell(session, "restriction.lifted", merchant_id, function, actor=actor, reason=why, now=now)


def _end(
    session: Session,
    merchant_id: int,
    function: Function,
    which: sa.ColumnElement[bool],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> bool:
    ended = session.execute(
        sa.update(Restriction)
        .where(
            Restriction.merchant_id == merchant_id,
            Restriction.function == function,
            Restriction.lifted_at.is_(None),
            which,
        )
        .values(lifted_at=now, lifted_by=actor.user_id, lift_reason=reason)
        .returning(Restriction.restriction_id)
    )
    return ended.first() is not None


def _tell(
    session: Session, kind: str, merchant_id: int, function: Function, *, actor: Actor, reason: str, now: datetime
) -> None:
    append(session, merchant_id=merchant_id, kind=kind, subject=str(function), now=now)
    record(
        session, Act(at=now, actor=actor, action=kind, subject=str(function), reason=reason), merchant_id=merchant_id
    )
