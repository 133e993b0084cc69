"""Read the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.notices.models import InboxNotice, NoticeCount
from portal.notices.rules import State


@dataclass(frozen=True)
class WaitingNotice:
    """A notice the wallet is to be asked about. `subject` is the order's or refund's number."""

    merchant_id: int
    acquirer: str
    notice_id: str
    about: str
    subject: str
    sub_merchant_no: str
    transaction_no: str | None
    reason: str


def waiting(
    session: Session, merchant_id: int, acquirer: str, notice_id: str, *, lock: bool = False
) -> WaitingNotice | None:
    """The notice, if it still waits. With `lock` nobody else settles it in the meantime."""
    statement = sa.select(*(getattr(InboxNotice, name) for name in WaitingNotice.__dataclass_fields__)).where(
        InboxNotice.merchant_id == merchant_id,
        InboxNotice.acquirer == acquirer,
        InboxNotice.notice_id == notice_id,
        InboxNotice.state == State.WAITING,
    )
    row = session.execute(statement.with_for_update() if lock else statement).one_or_none()
    return WaitingNotice(*row) if row else None


def counts(session: Session) -> Mapping[tuple[str, str], int]:
    """How many notices came so far, by sender and outcome."""
    rows = session.execute(sa.select(NoticeCount.sender, NoticeCount.outcome, NoticeCount.count))
    return {(row.sender, row.outcome): row[2] for row in rows}


def unsettled(session: Session) -> Mapping[State, int]:
    """How many notices wait, fit nothing, or were put aside. Needs the wide sight of `portal_staff`."""
    states = [State.WAITING, State.ORPHAN, State.QUARANTINED]
    rows = session.execute(
        sa.select(InboxNotice.state, sa.func.count()).where(InboxNotice.state.in_(states)).group_by(InboxNotice.state)
    )
    found = {State(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in states}
