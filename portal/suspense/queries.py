"""Read cases. Those of more than one merchant need the wide sight of `portal_staff`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.merchants.models import Merchant
from portal.suspense.models import SuspenseCase
from portal.suspense.rules import UNSETTLED, State, fingerprint


@dataclass(frozen=True)
class CaseRow:
    """One case. Amounts in fen; see the model for what each is."""

    merchant_id: int
    acquirer: str
    transaction_no: str
    case_id: int
    order_no: str
    sub_merchant_no: str
    reason: str
    amount: int
    currency: str
    kept: bool
    told: dict[str, Any]
    payer_blind: str | None
    opened_at: datetime
    state: str
    payment_no: str | None
    closed_at: datetime | None
    said: dict[str, Any] | None
    said_at: datetime | None
    way: str
    target_no: str | None
    why: str
    fingerprint: str
    proposed_by: int | None
    proposed_name: str
    proposed_at: datetime | None
    approved_by: int | None
    approved_name: str

    @property
    def is_unsettled(self) -> bool:
        """Whether somebody must still look."""
        return self.state in UNSETTLED

    @property
    def confirmed(self) -> bool | None:
        """Whether the wallet, asked, stands by this very transaction; None before it was asked."""
        if self.said is None:
            return None
        return self.said["state"] == "success" and self.said["transaction_id"] == self.transaction_no


@dataclass(frozen=True)
class Standing:
    """How much waits to be looked at. `amount` is what the ledger keeps aside, in fen."""

    count: int
    proposed: int
    amount: int
    oldest: datetime | None


_COLUMNS = tuple(CaseRow.__dataclass_fields__)


def case(session: Session, merchant_id: int, case_id: int, *, lock: bool = False) -> CaseRow | None:
    """One case by its number. With `lock` nobody else decides it in the meantime."""
    statement = sa.select(SuspenseCase).where(SuspenseCase.merchant_id == merchant_id, SuspenseCase.case_id == case_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(statement)
    return as_row(row) if row else None


def cases(
    session: Session, *, states: Sequence[str], reason: str = "", skip: int = 0, most: int = 50
) -> list[tuple[CaseRow, str]]:
    """Cases of all merchants with their shops' names: the longest waiting first, of those that are over the newest."""
    unsettled = set(states) <= set(UNSETTLED)
    order = SuspenseCase.opened_at.asc() if unsettled else SuspenseCase.opened_at.desc()
    rows = session.execute(
        sa.select(SuspenseCase, Merchant.name)
        .outerjoin(Merchant, Merchant.merchant_id == SuspenseCase.merchant_id)
        .where(*_chosen(states, reason))
        .order_by(order, SuspenseCase.merchant_id, SuspenseCase.case_id)
        .offset(skip)
        .limit(most)
    )
    return [(as_row(row), name or "") for row, name in rows]


def count(session: Session, *, states: Sequence[str], reason: str = "") -> int:
    """How many cases there are of a kind."""
    chosen = sa.select(sa.func.count()).select_from(SuspenseCase).where(*_chosen(states, reason))
    return session.execute(chosen).scalar_one()


def reasons(session: Session) -> list[str]:
    """Why money was ever put aside."""
    return list(session.scalars(sa.select(SuspenseCase.reason).distinct().order_by(SuspenseCase.reason)))


def standing(session: Session) -> Standing:
    """What waits, over all merchants."""
    proposed = sa.func.count().filter(SuspenseCase.state == State.PROPOSED)
    kept = sa.func.coalesce(sa.func.sum(SuspenseCase.amount).filter(SuspenseCase.kept), 0)
    row = session.execute(
        sa.select(sa.func.count(), proposed, kept, sa.func.min(SuspenseCase.opened_at)).where(
            SuspenseCase.state.in_(UNSETTLED)
        )
    ).one()
    return Standing(row[0], row[1], int(row[2]), row[3])


def content(row: CaseRow, *, way: str, target_no: str | None, why: str, proposed_by: int) -> dict[str, Any]:
    """What two people agree to: whose money, how much, where it goes, on whose word and for which reason."""
    return {
        "merchant_id": row.merchant_id,
        "acquirer": row.acquirer,
        "transaction_no": row.transaction_no,
        "order_no": row.order_no,
        "amount": row.amount,
        "currency": row.currency,
        "told": row.told,
        "said": row.said,
        "way": way,
        "target_no": target_no,
        "why": why,
        "proposed_by": proposed_by,
    }


def is_what_was_proposed(row: CaseRow) -> bool:
    """Whether the case still says, sign by sign, what its proposal was about."""
    now = content(row, way=row.way, target_no=row.target_no, why=row.why, proposed_by=row.proposed_by or 0)
    return fingerprint(now) == row.fingerprint


def as_row(row: SuspenseCase) -> CaseRow:
    """A frozen copy of a case."""
    return CaseRow(**{name: getattr(row, name) for name in _COLUMNS})


def _chosen(states: Sequence[str], reason: str) -> list[sa.ColumnElement[bool]]:
    chosen: list[sa.ColumnElement[bool]] = [SuspenseCase.state.in_(states)]
    if reason:
        chosen.append(SuspenseCase.reason == reason)
    return chosen
