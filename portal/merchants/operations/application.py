"""The owner's side of an application: begin, fill in, submit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.events.operations import append
from portal.merchants import answers as halves
from portal.merchants.models import Application, Shop
from portal.merchants.operations.opening import FIRST_SHOP
from portal.merchants.queries import fee_terms, newest_application, wallet_applications
from portal.merchants.rules import EDITABLE, FAILED, Answers, State, Step, open_steps
from portal.plumbing.crypto import Keyring
from portal.values.errors import NotAllowedNow
from portal.wallets.applications import Document

SUBJECT_INDIVIDUAL = "individual"


def start_application(session: Session, keys: Keyring, *, merchant_id: int, now: datetime) -> int:
    """Begin an application and answer its number; after a wallet's refusal it starts from the answers given before.

    Raises NotAllowedNow: `open_already` while one is open (the database refuses it too), `nothing_to_apply_for` when
    no wallet has refused.
    """
    last = newest_application(session, merchant_id)
    filled = Answers()
    if last is not None:
        if last.state is not State.APPROVED:
            raise NotAllowedNow("open_already")
        if not any(row.state in FAILED for row in wallet_applications(session, merchant_id).values()):
            raise NotAllowedNow("nothing_to_apply_for")
        filled = halves.opened(
            keys, merchant_id=merchant_id, application_id=last.application_id, plain=last.plain, sealed=last.sealed
        )
    else:
        shop_name = session.scalar(
            sa.select(Shop.name).where(Shop.merchant_id == merchant_id, Shop.shop_id == FIRST_SHOP)
        )
        filled = Answers(shop_name=shop_name or "")
    number = last.application_id + 1 if last else 1
    plain, sealed = halves.parted(keys, filled, merchant_id=merchant_id, application_id=number)
    try:
        with session.begin_nested():
            session.add(
                Application(
                    merchant_id=merchant_id,
                    application_id=number,
                    state=State.DRAFT,
                    subject_type=SUBJECT_INDIVIDUAL,
                    plain=plain,
                    sealed=sealed,
                    reason="",
                    created_at=now,
                )
            )
    except IntegrityError as error:
        raise NotAllowedNow("open_already") from error
    return number


def save_answers(
    session: Session, keys: Keyring, *, merchant_id: int, application_id: int, step: Step, changes: Mapping[str, Any]
) -> None:
    """Keep one step's answers. Raises NotAllowedNow(`not_editable`) once the application has been handed in.

    Another legal person cannot own the card of the one before: his number is asked for again.
    """
    row = _editable(session, merchant_id, application_id)
    before = _answers(keys, row)
    after = replace(before, **changes)
    if after.legal_person != before.legal_person:
        after = replace(after, account_number="")
    _store(keys, row, after, settled=step)
    session.flush()


def save_picture(
    session: Session, keys: Keyring, *, merchant_id: int, application_id: int, document: Document, name: str
) -> str | None:
    """Keep a stored picture's name with the application; answers the name it takes the place of.

    Raises NotAllowedNow(`not_editable`).
    """
    row = _editable(session, merchant_id, application_id)
    before = _answers(keys, row)
    _store(keys, row, replace(before, documents={**before.documents, document: name}))
    session.flush()
    return before.documents.get(document)


def submit(
    session: Session,
    keys: Keyring,
    *,
    merchant_id: int,
    application_id: int,
    rates: Mapping[str, int],
    actor: Actor,
    now: datetime,
) -> None:
    """Hand the application in, with the fee rates (basis points by acquirer) the owner saw and accepted.

    Raises NotAllowedNow: `not_editable`, `incomplete`, `returned_step` (what was sent back has not been changed),
    `rates_changed` (the announced rates are not those he saw).
    """
    row = _editable(session, merchant_id, application_id)
    if open_steps(_answers(keys, row)):
        raise NotAllowedNow("incomplete")
    if row.state == State.RETURNED or row.plain.get("returned_step"):
        raise NotAllowedNow("returned_step")
    if dict(rates) != fee_terms(session, now=now):
        raise NotAllowedNow("rates_changed")
    row.state = State.SUBMITTED
    row.plain = {**row.plain, "rates": dict(rates)}
    row.reason = ""
    row.submitted_at = now
    session.flush()
    append(session, merchant_id=merchant_id, kind="application.submitted", subject=str(application_id), now=now)
    act = Act(
        at=now, actor=actor, action="application.submitted", subject=str(application_id), facts={"rates": dict(rates)}
    )
    record(session, act, merchant_id=merchant_id)


def _editable(session: Session, merchant_id: int, application_id: int) -> Application:
    row = session.scalar(
        sa.select(Application)
        .where(
            Application.merchant_id == merchant_id,
            Application.application_id == application_id,
            Application.state.in_([str(state) for state in EDITABLE]),
        )
        .with_for_update()
    )
    if row is None:
        raise NotAllowedNow("not_editable")
    return row


def _answers(keys: Keyring, row: Application) -> Answers:
    return halves.opened(
        keys, merchant_id=row.merchant_id, application_id=row.application_id, plain=row.plain, sealed=row.sealed
    )


def _store(keys: Keyring, row: Application, answers: Answers, *, settled: Step | None = None) -> None:
    plain, row.sealed = halves.parted(keys, answers, merchant_id=row.merchant_id, application_id=row.application_id)
    kept = {name: value for name, value in row.plain.items() if name not in plain}
    if settled is not None and kept.get("returned_step") in (None, settled):
        kept.pop("returned_step", None)
        row.state = State.DRAFT
    row.plain = {**plain, **kept}
