"""Write codes. The lookup is written first, in a step of its own that may be repeated."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import SYSTEM, Act, Actor
from portal.codes.models import Code, CodeLookup
from portal.codes.rules import Fact, State, after
from portal.events import operations as events
from portal.merchants.models import Merchant
from portal.values.errors import NotAllowedNow


def next_code_id(session: Session, merchant_id: int) -> int:
    """The next free id of this merchant's codes; the merchant's row lock makes two askers take turns."""
    session.execute(sa.select(Merchant.merchant_id).where(Merchant.merchant_id == merchant_id).with_for_update())
    last = session.scalar(sa.select(sa.func.max(Code.code_id)).where(Code.merchant_id == merchant_id))
    return (last or 0) + 1


def claim(session: Session, *, key: str, merchant_id: int, code_id: int) -> bool:
    """Take a key in the lookup. False when it belongs to another code already; repeating one's own claim is fine."""
    session.execute(
        insert(CodeLookup).values(key=key, merchant_id=merchant_id, code_id=code_id).on_conflict_do_nothing()
    )
    owner = session.execute(sa.select(CodeLookup.merchant_id, CodeLookup.code_id).where(CodeLookup.key == key)).one()
    return (owner.merchant_id, owner.code_id) == (merchant_id, code_id)


def add_portal_code(
    session: Session,
    *,
    merchant_id: int,
    code_id: int,
    shop_id: int,
    number: str,
    name: str,
    printed_url: str,
    now: datetime,
    actor: Actor = SYSTEM,
) -> None:
    """A plate of ours, in use from now on. It remembers the address it is printed with."""
    session.add(
        Code(
            merchant_id=merchant_id,
            code_id=code_id,
            shop_id=shop_id,
            kind="portal",
            state=State.ACTIVE,
            name=name,
            number=number,
            printed_url=printed_url,
            created_at=now,
            changed_at=now,
        )
    )
    session.flush()
    _tell(session, merchant_id, "code.opened", code_id, actor, now, {"number": number})


def add_linked_code(
    session: Session,
    *,
    merchant_id: int,
    code_id: int,
    shop_id: int,
    kind: str,
    name: str,
    foreign_sealed: str,
    issuer: str,
    holding: str | None,
    told_by: str,
    holder_sealed: str | None,
    now: datetime,
    actor: Actor = SYSTEM,
) -> None:
    """A code the merchant already had; its text lies sealed, and so does the name the directory has for its holder.

    `holding` is None where no directory told; `told_by` is who tells of its payments: acquirer, interconnect, nobody.
    """
    session.add(
        Code(
            merchant_id=merchant_id,
            code_id=code_id,
            shop_id=shop_id,
            kind=kind,
            state=State.ACTIVE,
            name=name,
            foreign_sealed=foreign_sealed,
            foreign_issuer=issuer,
            holding=holding,
            told_by=told_by,
            holder_sealed=holder_sealed,
            created_at=now,
            changed_at=now,
        )
    )
    session.flush()
    facts: dict[str, object] = {"kind": kind, "holding": holding, "told_by": told_by}
    _tell(session, merchant_id, "code.linked", code_id, actor, now, facts)


def change(
    session: Session, *, merchant_id: int, code_id: int, fact: Fact, now: datetime, actor: Actor = SYSTEM
) -> State:
    """Suspend, start again, or end a code. Raises NotAllowedNow(`code_<state>`) where the state forbids it."""
    row = session.execute(
        sa.select(Code).where(Code.merchant_id == merchant_id, Code.code_id == code_id).with_for_update()
    ).scalar_one()
    target = after(State(row.state), fact)
    if target is None:
        raise NotAllowedNow(f"code_{row.state}")
    row.state = target
    row.changed_at = now
    session.flush()
    _tell(session, merchant_id, f"code.{target}", code_id, actor, now, {})
    return target


def note_printed(session: Session, *, merchant_id: int, code_id: int, output: str, now: datetime, actor: Actor) -> None:
    """Somebody took the finished plate, as `pdf` or `png`: the owner can see who."""
    _tell(session, merchant_id, "code.printed", code_id, actor, now, {"output": output})


def _tell(
    session: Session,
    merchant_id: int,
    kind: str,
    code_id: int,
    actor: Actor,
    now: datetime,
    facts: dict[str, object],
) -> None:
    subject = f"code-{code_id}"
    record(session, Act(at=now, actor=actor, action=kind, subject=subject, facts=facts), merchant_id=merchant_id)
    by = {"by": actor.name} if actor != SYSTEM else {}
    events.append(session, merchant_id=merchant_id, kind=kind, subject=subject, now=now, facts={**facts, **by})
