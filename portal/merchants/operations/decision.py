"""The reviewer's side of an application: approve it or send it back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.events.operations import append
from portal.merchants.models import Application, Merchant, Shop, WalletApplication
from portal.merchants.operations.opening import FIRST_SHOP
from portal.merchants.queries import contracts, member_role, wallet_applications
from portal.merchants.queries.application import WalletApplicationRow
from portal.merchants.rules import REASON_LEAST, REASON_MOST, State, Step, reference
from portal.plumbing.jobs import defer
from portal.values.errors import NotAllowedNow, Refused
from portal.wallets.applications import ApplicationState
from portal.wallets.port import Acquirer

SEND_APPLICATION = "merchants.send_application"


def approve_application(
    session: Session, *, merchant_id: int, application_id: int, actor: Actor, now: datetime
) -> None:
    """Approve, and have the application sent to each wallet that is not open yet.

    Raises NotAllowedNow: `own_merchant` for a member of the merchant himself, `not_submitted` when somebody else has
    decided already.
    """
    plain = _decide(session, merchant_id, application_id, State.APPROVED, actor=actor, now=now)
    _take_over_shop(session, merchant_id, plain)
    opened = contracts(session, merchant_id)
    before = wallet_applications(session, merchant_id)
    for acquirer in Acquirer:
        if acquirer not in opened:
            _prepare(session, merchant_id, application_id, acquirer, before.get(acquirer), now=now)
    _tell(session, "application.approved", merchant_id, application_id, actor=actor, now=now)


def return_application(
    session: Session,
    *,
    merchant_id: int,
    application_id: int,
    reason: str,
    actor: Actor,
    now: datetime,
    step: Step | None = None,
) -> None:
    """Send back with a reason the owner reads; `step` says which part he has to change.

    Raises Refused(`reason_short`, `reason_long`) and NotAllowedNow as `approve_application`.
    """
    words = checked_reason(reason)
    plain = _decide(session, merchant_id, application_id, State.RETURNED, actor=actor, now=now, reason=words)
    marked = {**plain, "returned_before": True, "returned_step": str(step) if step else None}
    session.execute(_this(sa.update(Application), merchant_id, application_id).values(plain=marked))
    _tell(session, "application.returned", merchant_id, application_id, actor=actor, now=now, reason=words)


def checked_reason(text: str) -> str:
    """The reason without its outer blanks. Raises Refused(`reason_short`, `reason_long`)."""
    plain = text.strip()
    if len(plain) < REASON_LEAST:
        raise Refused("reason_short")
    if len(plain) > REASON_MOST:
        raise Refused("reason_long")
    return plain


def _decide(
    session: Session,
    merchant_id: int,
    application_id: int,
    state: State,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> dict[str, object]:
    if actor.user_id is not None and member_role(session, merchant_id, actor.user_id) is not None:
        raise NotAllowedNow("own_merchant")
    plain = session.scalar(
        _this(sa.update(Application), merchant_id, application_id)
        .where(Application.state == State.SUBMITTED)
        .values(state=state, reason=reason, decided_at=now, decided_by=actor.user_id)
        .returning(Application.plain)
    )
    if plain is None:
        raise NotAllowedNow("not_submitted")
    return dict(plain)


def _this(statement: sa.Update, merchant_id: int, application_id: int) -> sa.Update:
    return statement.where(Application.merchant_id == merchant_id, Application.application_id == application_id)


def _take_over_shop(session: Session, merchant_id: int, plain: dict[str, object]) -> None:
    """What the payer reads is what was reviewed."""
    session.execute(
        sa.update(Shop)
        .where(Shop.merchant_id == merchant_id, Shop.shop_id == FIRST_SHOP)
        .values(name=plain["shop_name"], address=plain["store_address"])
    )
    session.execute(sa.update(Merchant).where(Merchant.merchant_id == merchant_id).values(name=plain["shop_name"]))


def _prepare(
    session: Session,
    merchant_id: int,
    application_id: int,
    acquirer: Acquirer,
    before: WalletApplicationRow | None,
    *,
    now: datetime,
) -> None:
    """A refused application is sent again under its old number, as both wallets want it; a lapsed one under a new."""
    again = before is not None and before.state is ApplicationState.REJECTED
    session.add(
        WalletApplication(
            merchant_id=merchant_id,
            application_id=application_id,
            acquirer=acquirer,
            state=ApplicationState.NOT_SENT,
            reference=before.reference if before and again else reference(merchant_id, application_id),
            progress=dict(before.progress) if before and again else {},
            sign_url=None,
            reason="",
            changed_at=now,
        )
    )
    session.flush()
    defer(
        session,
        SEND_APPLICATION,
        lock=f"application-{merchant_id}-{acquirer}",
        merchant_id=merchant_id,
        application_id=application_id,
        acquirer=str(acquirer),
    )


def _tell(
    session: Session,
    kind: str,
    merchant_id: int,
    application_id: int,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    append(session, merchant_id=merchant_id, kind=kind, subject=str(application_id), now=now)
    act = Act(at=now, actor=actor, action=kind, subject=str(application_id), reason=reason)
    record(session, act, merchant_id=merchant_id)
