"""Write an act into the chain, in the transaction of the act itself."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry, AuditHead
from portal.audit.rules import GENESIS, Act, link

PLATFORM = 0


def record(session: Session, act: Act, *, merchant_id: int = PLATFORM) -> int:
    """Append `act` to the merchant's chain and answer its number. The head's row lock orders writers."""
    session.execute(
        insert(AuditHead)
        .values(merchant_id=merchant_id, seq=0, hash=GENESIS)
        .on_conflict_do_nothing(index_elements=[AuditHead.merchant_id])
    )
    last_seq, last_hash = session.execute(
        sa.select(AuditHead.seq, AuditHead.hash).where(AuditHead.merchant_id == merchant_id).with_for_update()
    ).one()
    seq = last_seq + 1
    digest = link(last_hash, merchant_id, seq, act)
    session.execute(
        sa.insert(AuditEntry).values(
            merchant_id=merchant_id,
            seq=seq,
            at=act.at,
            actor_kind=act.actor.kind,
            actor_id=act.actor.user_id,
            actor_name=act.actor.name,
            action=act.action,
            subject=act.subject,
            reason=act.reason,
            facts=act.facts,
            prev_hash=last_hash,
            hash=digest,
        )
    )
    session.execute(sa.update(AuditHead).where(AuditHead.merchant_id == merchant_id).values(seq=seq, hash=digest))
    return seq
