"""What only the owner (or his manager) does: agree to a clerk's refund or not, and say from where on he is asked."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit import operations as audit
from portal.audit.rules import Act, Actor
from portal.merchants import queries as merchants
from portal.refunds.models import Refund, RefundLimit
from portal.refunds.operations.rows import give_up, locked, tell
from portal.refunds.queries import parts_of
from portal.refunds.rules import CLERK_LIMIT_MOST, Fact, State, after, check_window
from portal.values.errors import InvalidAmount, NotAllowedNow


def approve(session: Session, *, merchant_id: int, refund_no: str, actor: Actor, now: datetime) -> bool:
    """The owner agrees: the wallet may be asked. False when it had been decided already.

    What may not be asked of a wallet any more cannot be agreed to either. Raises NotAllowedNow(`unknown_refund`,
    `restricted`) and Refused(`too_old`, `too_many_parts`).
    """
    row, paid = locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.APPROVED)
    if target is None:
        return False
    if "refund" in merchants.restrictions(session, merchant_id, now=now):
        raise NotAllowedNow("restricted")
    # It is counted among the parts itself.
    others = parts_of(session, merchant_id, row.payment_no) - 1
    check_window(paid_at=paid.paid_at or row.created_at, parts=others, now=now)
    _decided(session, row, actor, "refund.approved", now)
    row.state = target
    session.flush()
    tell(session, row, f"refund.{target}", now)
    return True


def decline(session: Session, *, merchant_id: int, refund_no: str, actor: Actor, now: datetime) -> bool:
    """The owner does not agree: nothing was asked, and the amount is free again. False when it had been decided.

    Raises NotAllowedNow(`unknown_refund`).
    """
    row, paid = locked(session, merchant_id, refund_no)
    target = after(State(row.state), Fact.DECLINED)
    if target is None:
        return False
    _decided(session, row, actor, "refund.declined", now)
    give_up(session, row, paid, target, now)
    return True


def set_clerk_limit(session: Session, *, merchant_id: int, limit: int, actor: Actor, now: datetime) -> None:
    """From now on a clerk refunds up to `limit` fen of one payment without asking; 0: he always asks.

    Raises InvalidAmount(`too_large`).
    """
    if not 0 <= limit <= CLERK_LIMIT_MOST:
        raise InvalidAmount("too_large")
    values = {"clerk_limit": limit, "changed_by": actor.user_id, "changed_at": now}
    session.execute(
        insert(RefundLimit)
        .values(merchant_id=merchant_id, **values)
        .on_conflict_do_update(index_elements=[RefundLimit.merchant_id], set_=values)
    )
    _record(session, merchant_id, actor, "refund.limit_set", str(merchant_id), {"limit": limit}, now)


def _decided(session: Session, row: Refund, actor: Actor, action: str, now: datetime) -> None:
    row.decided_by, row.decided_at = actor.user_id, now
    _record(session, row.merchant_id, actor, action, row.refund_no, {"amount": row.amount}, now)


def _record(
    session: Session,
    merchant_id: int,
    actor: Actor,
    action: str,
    subject: str,
    facts: dict[str, int],
    now: datetime,
) -> None:
    audit.record(session, Act(now, actor, action, subject, facts=facts), merchant_id=merchant_id)
