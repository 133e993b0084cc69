"""What staff do: each look leaves a line in the merchant's chain, each search in the platform's, each act a reason."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.merchants import operations as merchants
from portal.merchants.queries import member_role
from portal.merchants.rules import Function
from portal.staff.rules import document_subject
from portal.values.errors import NotAllowedNow


def note_merchant_view(session: Session, *, merchant_id: int, shown: str, actor: Actor, now: datetime) -> None:
    """Somebody of staff looks at a page of this merchant; `shown` names the page."""
    facts = {"shown": shown, "masked": True}
    record(session, Act(now, actor, "merchant.viewed", str(merchant_id), facts=facts), merchant_id=merchant_id)


def note_application_view(
    session: Session, *, merchant_id: int, application_id: int, actor: Actor, now: datetime
) -> None:
    """Somebody of staff reads an application, its numbers masked."""
    facts = {"masked": True}
    act = Act(now, actor, "application.viewed", str(application_id), facts=facts)
    record(session, act, merchant_id=merchant_id)


def note_document_view(
    session: Session, *, merchant_id: int, application_id: int, document: str, actor: Actor, now: datetime
) -> None:
    """Somebody of staff opens one picture of an application."""
    subject = document_subject(application_id, document)
    record(session, Act(now, actor, "document.viewed", subject), merchant_id=merchant_id)


def note_search(session: Session, *, kind: str, text: str, found: int, actor: Actor, now: datetime) -> None:
    """Somebody of staff searched; `text` has its personal parts masked already."""
    record(session, Act(now, actor, "merchants.searched", kind, facts={"text": text, "found": found}))


def restrict(
    session: Session,
    *,
    merchant_id: int,
    function: Function,
    reason: str,
    way_out: str,
    until: datetime | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Take a function away, as `merchants.operations.restrict`; also NotAllowedNow(`own_merchant`)."""
    refuse_own(session, merchant_id, actor)
    merchants.restrict(
        session,
        merchant_id=merchant_id,
        function=function,
        reason=reason,
        way_out=way_out,
        until=until,
        actor=actor,
        now=now,
    )


def lift(session: Session, *, merchant_id: int, function: Function, reason: str, actor: Actor, now: datetime) -> None:
    """Give a function back, as `merchants.operations.lift`; also NotAllowedNow(`own_merchant`)."""
    refuse_own(session, merchant_id, actor)
    merchants.lift(session, merchant_id=merchant_id, function=function, reason=reason, actor=actor, now=now)


def refuse_own(session: Session, merchant_id: int, actor: Actor) -> None:
    """Nobody of staff acts on a shop he works for himself. Raises NotAllowedNow(`own_merchant`)."""
    if actor.user_id is not None and member_role(session, merchant_id, actor.user_id) is not None:
        raise NotAllowedNow("own_merchant")
