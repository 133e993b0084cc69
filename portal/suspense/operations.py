"""Write cases: open one, have it decided by two people. Who decides and what moves is the callers' to check."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.ledger import operations as ledger
from portal.ledger.rules import Move
from portal.suspense.models import SuspenseCase
from portal.suspense.postings import cleared
from portal.suspense.queries import CaseRow, case, content, is_what_was_proposed
from portal.suspense.rules import FACT_OF, Fact, State, Way, after, fingerprint
from portal.values.errors import NotAllowedNow

# The functions' texts stand in migration 0011; whatever books a payment clears there or by `clear`.
_KEEP = sa.text(
    "SELECT suspense_keep(:merchant, :acquirer, :transaction, :kinds, :refs, :debits, :credits, :amounts, :dates, :now)"
)
_CLEAR = sa.text("SELECT suspense_clear(:merchant, :acquirer, :transaction, :payment, :day, :now)")


def keep(session: Session, *, merchant_id: int, transaction_no: str, acquirer: str, move: Move, now: datetime) -> bool:
    """Put money aside, once for each transaction; False when it was there. Raises DBAPIError, and is to be tried again,
    when a payment is booked under the same transaction at the same moment."""
    values = {"merchant": merchant_id, "acquirer": acquirer, "transaction": transaction_no, "now": now}
    return bool(session.execute(_KEEP, {**values, **ledger.columns([move])}).scalar_one())


def open_case(session: Session, *, merchant_id: int, now: datetime, **facts: Any) -> bool:
    """Write down that money waits to be looked at. False when this transaction's case is there already."""
    made = session.execute(
        insert(SuspenseCase)
        .values(merchant_id=merchant_id, state=State.OPEN, opened_at=now, **facts)
        .on_conflict_do_nothing(
            index_elements=[SuspenseCase.merchant_id, SuspenseCase.acquirer, SuspenseCase.transaction_no]
        )
        .returning(SuspenseCase.case_id)
    )
    return made.scalar_one_or_none() is not None


def clear(
    session: Session,
    *,
    merchant_id: int,
    acquirer: str,
    transaction_no: str,
    payment_no: str,
    day: date,
    now: datetime,
) -> None:
    """A payment was booked under this transaction: what suspense held of it goes, and its case is over.

    To be called after the payment's own transfers: their accounts' locks put the two in order.
    """
    session.execute(
        _CLEAR,
        {
            "merchant": merchant_id,
            "acquirer": acquirer,
            "transaction": transaction_no,
            "payment": payment_no,
            "day": day,
            "now": now,
        },
    )


def drop(session: Session, row: CaseRow, *, day: date, now: datetime) -> None:
    """The money was never there: out of suspense again by a new transfer, once."""
    if row.kept:
        move = cleared(acquirer=row.acquirer, transaction_no=row.transaction_no, amount=row.amount, day=day)
        ledger.post(session, merchant_id=row.merchant_id, moves=[move], now=now)


def note_said(session: Session, row: CaseRow, *, said: dict[str, Any], now: datetime) -> None:
    """What the wallet answers, asked about the order of a case. Not while a proposal rests on an earlier answer."""
    session.execute(
        sa.update(SuspenseCase)
        .where(
            SuspenseCase.merchant_id == row.merchant_id,
            SuspenseCase.case_id == row.case_id,
            SuspenseCase.state == State.OPEN,
        )
        .values(said=said, said_at=now)
    )


def propose(
    session: Session,
    *,
    merchant_id: int,
    case_id: int,
    way: Way,
    target_no: str | None,
    why: str,
    actor: Actor,
    now: datetime,
) -> str:
    """Write a proposal down; answers the fingerprint of what is proposed. Raises NotAllowedNow(`case_is_over`)."""
    row = locked(session, merchant_id, case_id)
    target = after(State(row.state), Fact.PROPOSED)
    if target is None or actor.user_id is None:
        raise NotAllowedNow("case_is_over")
    wanted = content(row, way=way, target_no=target_no, why=why, proposed_by=actor.user_id)
    print_of = fingerprint(wanted)
    _write(
        session,
        row,
        state=target,
        way=way,
        target_no=target_no,
        why=why,
        fingerprint=print_of,
        proposed_by=actor.user_id,
        proposed_name=actor.name,
        proposed_at=now,
    )
    _record(session, row, "suspense.proposed", why, way, print_of, actor, now)
    return print_of


def decline(session: Session, *, merchant_id: int, case_id: int, shown: str, actor: Actor, now: datetime) -> None:
    """Send a proposal back; the case is open again. The one who proposed may take it back. Raises as `agreed`."""
    row = locked(session, merchant_id, case_id)
    target = after(State(row.state), Fact.DECLINED)
    if target is None or row.fingerprint != shown:
        raise NotAllowedNow("case_is_over")
    nothing = {"way": "", "target_no": None, "why": "", "fingerprint": ""}
    _write(session, row, state=target, **nothing, proposed_by=None, proposed_name="", proposed_at=None)
    _record(session, row, "suspense.declined", "", row.way, row.fingerprint, actor, now)


def agreed(session: Session, *, merchant_id: int, case_id: int, shown: str, actor: Actor) -> CaseRow:
    """The proposal as it is to be carried out now, locked.

    Raises NotAllowedNow: `case_is_over`, `own_proposal` for whoever made it, `changed_meanwhile` where what is stored,
    what was proposed and what this person was shown are not one and the same.
    """
    row = locked(session, merchant_id, case_id)
    if row.state != State.PROPOSED:
        raise NotAllowedNow("case_is_over")
    if actor.user_id is None or actor.user_id == row.proposed_by:
        raise NotAllowedNow("own_proposal")
    if shown != row.fingerprint or not is_what_was_proposed(row):
        raise NotAllowedNow("changed_meanwhile")
    return row


def carry_out(session: Session, row: CaseRow, *, payment_no: str | None, actor: Actor, now: datetime) -> None:
    """What was agreed has been done, in this transaction: the case is over."""
    way = Way(row.way)
    _write(
        session,
        row,
        state=after(State.PROPOSED, FACT_OF[way]),
        payment_no=payment_no,
        closed_at=now,
        approved_by=actor.user_id,
        approved_name=actor.name,
    )
    _record(session, row, f"suspense.{FACT_OF[way]}", row.why, row.way, row.fingerprint, actor, now)


def follow(
    session: Session, *, merchant_id: int, acquirer: str, transaction_no: str, fact: Fact, now: datetime
) -> bool:
    """A case that nobody decides goes on by itself, where its table of states lets it; False where it does not."""
    for state in State:
        target = after(state, fact)
        if target is None:
            continue
        over = None if target in (State.OPEN, State.RETURNING) else now
        moved = session.execute(
            sa.update(SuspenseCase)
            .where(
                SuspenseCase.merchant_id == merchant_id,
                SuspenseCase.acquirer == acquirer,
                SuspenseCase.transaction_no == transaction_no,
                SuspenseCase.state == state,
            )
            .values(state=target, closed_at=over)
        )
        if moved.rowcount:  # type: ignore[attr-defined]
            return True
    return False


def locked(session: Session, merchant_id: int, case_id: int) -> CaseRow:
    """The case, locked. Raises NotAllowedNow(`unknown_case`)."""
    row = case(session, merchant_id, case_id, lock=True)
    if row is None:
        raise NotAllowedNow("unknown_case")
    return row


def _write(session: Session, row: CaseRow, **values: Any) -> None:
    session.execute(
        sa.update(SuspenseCase)
        .where(SuspenseCase.merchant_id == row.merchant_id, SuspenseCase.case_id == row.case_id)
        .values(**values)
    )


def _record(
    session: Session,
    row: CaseRow,
    action: str,
    reason: str,
    way: str,
    print_of: str,
    actor: Actor,
    now: datetime,
) -> None:
    facts = {
        "transaction": row.transaction_no,
        "amount": row.amount,
        "way": way,
        "target": row.target_no,
        "fingerprint": print_of,
    }
    record(session, Act(now, actor, action, str(row.case_id), reason, facts), merchant_id=row.merchant_id)
