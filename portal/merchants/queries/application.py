"""Read applications, and how they stand at each wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.merchants.models import Application, WalletApplication
from portal.merchants.rules import State
from portal.wallets.applications import ApplicationState


@dataclass(frozen=True)
class ApplicationRow:
    """One application. `plain` and `sealed` are its answers' two halves; `answers.opened` puts them together.

    `step` names the step that was returned, where the reviewer named one. `rates` are the fee rates in basis points
    that the owner accepted, by acquirer; empty before.
    """

    merchant_id: int
    application_id: int
    state: State
    plain: Mapping[str, Any]
    sealed: str
    reason: str
    step: str | None
    rates: Mapping[str, int]
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    decided_by: int | None


@dataclass(frozen=True)
class WalletApplicationRow:
    """How an application stands at one wallet."""

    application_id: int
    acquirer: str
    state: ApplicationState
    reference: str
    progress: Mapping[str, str]
    sign_url: str | None
    reason: str
    asked_at: datetime | None
    changed_at: datetime


def application(session: Session, merchant_id: int, application_id: int) -> ApplicationRow | None:
    """One application."""
    row = session.get(Application, (merchant_id, application_id))
    return read(row) if row else None


def applications(session: Session, merchant_id: int) -> list[ApplicationRow]:
    """All applications of a merchant, newest first."""
    rows = session.scalars(
        sa.select(Application).where(Application.merchant_id == merchant_id).order_by(Application.application_id.desc())
    )
    return [read(row) for row in rows]


def newest_application(session: Session, merchant_id: int) -> ApplicationRow | None:
    """The application that counts: the last one begun."""
    row = session.scalar(
        sa.select(Application)
        .where(Application.merchant_id == merchant_id)
        .order_by(Application.application_id.desc())
        .limit(1)
    )
    return read(row) if row else None


def wallet_applications(session: Session, merchant_id: int) -> dict[str, WalletApplicationRow]:
    """By acquirer, how the newest application sent there stands."""
    rows = session.scalars(
        sa.select(WalletApplication)
        .where(WalletApplication.merchant_id == merchant_id)
        .order_by(WalletApplication.application_id)
    )
    return {row.acquirer: read_wallet_application(row) for row in rows}


def read(row: Application) -> ApplicationRow:
    """The stored row, frozen."""
    return ApplicationRow(
        row.merchant_id,
        row.application_id,
        State(row.state),
        row.plain,
        row.sealed,
        row.reason,
        row.plain.get("returned_step"),
        row.plain.get("rates", {}),
        row.created_at,
        row.submitted_at,
        row.decided_at,
        row.decided_by,
    )


def read_wallet_application(row: WalletApplication) -> WalletApplicationRow:
    """The stored row, frozen."""
    return WalletApplicationRow(
        row.application_id,
        row.acquirer,
        ApplicationState(row.state),
        row.reference,
        row.progress,
        row.sign_url,
        row.reason,
        row.asked_at,
        row.changed_at,
    )
