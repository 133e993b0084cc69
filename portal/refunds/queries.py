"""Read refunds."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.payments.models import Payment
from portal.refunds.models import Refund, RefundLimit
from portal.refunds.rules import CLERK_LIMIT, OVER, State, needs_approval


@dataclass(frozen=True)
class RefundRow:
    """One refund. Amounts in fen."""

    merchant_id: int
    refund_no: str
    payment_no: str
    amount: int
    payer_amount: int | None
    state: str
    reason: str
    asked_by: int | None
    transaction_no: str | None
    decided_by: int | None
    decided_at: datetime | None
    wallet_refund_no: str | None
    received_by: str | None
    refusal: str
    created_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    asked_at: datetime | None


@dataclass(frozen=True)
class ListedRefund:
    """A refund in a list, with its payment's wallet and number of the day."""

    refund: RefundRow
    wallet: str
    day_number: int | None


_COLUMNS = tuple(RefundRow.__dataclass_fields__)


def refund(session: Session, merchant_id: int, refund_no: str) -> RefundRow | None:
    """One refund of one merchant."""
    row = session.scalar(sa.select(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no))
    return as_row(row) if row else None


def of_payment(session: Session, merchant_id: int, payment_no: str) -> list[RefundRow]:
    """Every refund of one payment, oldest first."""
    rows = session.scalars(
        sa.select(Refund)
        .where(Refund.merchant_id == merchant_id, Refund.payment_no == payment_no)
        .order_by(Refund.created_at, Refund.refund_no)
    )
    return [as_row(row) for row in rows]


def newest(session: Session, merchant_id: int, *, most: int, before: str | None = None) -> list[ListedRefund]:
    """The merchant's refunds, newest first; with `before`, those asked for earlier than that refund."""
    place = sa.tuple_(Refund.created_at, Refund.refund_no)
    statement = _listed(merchant_id).order_by(Refund.created_at.desc(), Refund.refund_no.desc()).limit(most)
    start = refund(session, merchant_id, before) if before else None
    if start is not None:
        statement = statement.where(place < sa.tuple_(sa.literal(start.created_at), sa.literal(start.refund_no)))
    return [ListedRefund(as_row(row), wallet, number) for row, wallet, number in session.execute(statement)]


def open_states(session: Session, merchant_id: int, payment_nos: list[str]) -> dict[str, State]:
    """By payment, the state of a refund that is not over yet; of several, the one asked for last."""
    rows = session.execute(
        sa.select(Refund.payment_no, Refund.state)
        .where(
            Refund.merchant_id == merchant_id,
            Refund.payment_no.in_(payment_nos),
            Refund.transaction_no.is_(None),
            Refund.state.not_in(sorted(OVER)),
        )
        .order_by(Refund.created_at, Refund.refund_no)
    )
    return {row.payment_no: State(row.state) for row in rows}


def oldest_in(session: Session, merchant_id: int, states: list[State]) -> RefundRow | None:
    """The refund that has been in one of `states` for longest."""
    row = session.scalar(
        sa.select(Refund)
        .where(Refund.merchant_id == merchant_id, Refund.state.in_(states))
        .order_by(Refund.created_at, Refund.refund_no)
        .limit(1)
    )
    return as_row(row) if row else None


def of_form(session: Session, merchant_id: int, form_key: str) -> RefundRow | None:
    """The refund that a form with this key has asked for already."""
    row = session.scalar(sa.select(Refund).where(Refund.merchant_id == merchant_id, Refund.form_key == form_key))
    return as_row(row) if row else None


def parts_of(session: Session, merchant_id: int, payment_no: str) -> int:
    """In how many parts a payment has been refunded so far, those that came to nothing left out."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Refund)
        .where(
            Refund.merchant_id == merchant_id,
            Refund.payment_no == payment_no,
            Refund.transaction_no.is_(None),
            Refund.state.not_in([State.CLOSED, State.DECLINED]),
        )
    )
    return session.scalar(statement) or 0


def pending(session: Session, merchant_id: int) -> list[ListedRefund]:
    """The clerks' refunds that wait for the owner's word, longest first."""
    rows = session.execute(
        _listed(merchant_id).where(Refund.state == State.PENDING_APPROVAL).order_by(Refund.created_at, Refund.refund_no)
    )
    return [ListedRefund(as_row(row), wallet, number) for row, wallet, number in rows]


def clerk_limit(session: Session, merchant_id: int) -> int:
    """Up to how many fen of one payment a clerk refunds without asking."""
    limit = session.scalar(sa.select(RefundLimit.clerk_limit).where(RefundLimit.merchant_id == merchant_id))
    return CLERK_LIMIT if limit is None else limit


def is_over_the_limit(
    session: Session, merchant_id: int, payment_no: str, *, asked_by: int | None, role: str, amount: int
) -> bool:
    """Whether a refund of `amount` fen, asked for by this person, has to wait for the owner."""
    by_himself = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount), 0)).where(
        Refund.merchant_id == merchant_id,
        Refund.payment_no == payment_no,
        Refund.asked_by == asked_by,
        Refund.decided_at.is_(None),
        Refund.state.not_in([State.CLOSED, State.DECLINED, State.PENDING_APPROVAL]),
    )
    return needs_approval(
        role=role,
        amount=amount,
        by_himself=int(session.scalar(by_himself) or 0),
        limit=clerk_limit(session, merchant_id),
    )


def as_row(row: Refund) -> RefundRow:
    """A frozen copy of a refund's row."""
    return RefundRow(**{name: getattr(row, name) for name in _COLUMNS})


def open_since_before(session: Session, moment: datetime) -> int:
    """How many refunds of all merchants were asked for before `moment` and are not over. For `portal_staff`."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Refund)
        .where(Refund.state.not_in(sorted(OVER)), Refund.created_at < moment)
    )
    return session.scalar(statement) or 0


def _listed(merchant_id: int) -> sa.Select[Refund, str, int | None]:
    return (
        sa.select(Refund, Payment.wallet, Payment.day_number)
        .join(Payment, sa.and_(Payment.merchant_id == Refund.merchant_id, Payment.payment_no == Refund.payment_no))
        .where(Refund.merchant_id == merchant_id)
    )
