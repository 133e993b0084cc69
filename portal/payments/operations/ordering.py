"""Create an order, and note what happens to it before it is paid."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.payments.models import Payment
from portal.payments.operations.rows import change
from portal.payments.rules import ORDER_LIFE, Fact, Road, State, after
from portal.values.errors import Refused
from portal.values.references import Kind, mint


def create_order(
    session: Session,
    *,
    merchant_id: int,
    code_id: int,
    share_token: str | None,
    road: Road,
    sub_merchant_no: str,
    fee_rate_bp: int,
    amount: int,
    note: str,
    form_key: str,
    reference_key: bytes,
    now: datetime,
) -> str:
    """Create the order for `amount` fen and answer its number; the same form key answers the same order.

    Raises Refused(`form_used`) when the form was already used for another amount or wallet.
    """
    number = mint(Kind.ORDER, merchant_id, key=reference_key, now=now)
    made = session.execute(
        insert(Payment)
        .values(
            merchant_id=merchant_id,
            payment_no=number,
            code_id=code_id,
            share_token=share_token,
            wallet=road.wallet,
            acquirer=road.acquirer,
            sub_merchant_no=sub_merchant_no,
            state=State.CREATED,
            amount=amount,
            promotions=[],
            fee=0,
            fee_returned=0,
            fee_rate_bp=fee_rate_bp,
            refunded=0,
            refund_reserved=0,
            note=note,
            form_key=form_key,
            created_at=now,
            expires_at=now + ORDER_LIFE,
        )
        .on_conflict_do_nothing(index_elements=[Payment.merchant_id, Payment.form_key])
        .returning(Payment.payment_no)
    ).scalar_one_or_none()
    if made is not None:
        events.append(session, merchant_id=merchant_id, kind="payment.created", subject=made, now=now)
        return made
    kept = session.execute(
        sa.select(Payment.payment_no, Payment.amount, Payment.acquirer).where(
            Payment.merchant_id == merchant_id, Payment.form_key == form_key
        )
    ).one()
    if (kept.amount, kept.acquirer) != (amount, road.acquirer):
        raise Refused("form_used")
    return kept.payment_no


def note_opened(session: Session, *, merchant_id: int, payment_no: str) -> bool:
    """The wallet is about to be asked: from now on the payer may be paying. False when that was so already."""
    return _move(session, merchant_id, payment_no, Fact.OPENED)


def note_closed(session: Session, *, merchant_id: int, payment_no: str, now: datetime) -> bool:
    """The wallet closed the unpaid order. False when it was paid or closed already."""
    if not _move(session, merchant_id, payment_no, Fact.CLOSED):
        return False
    events.append(session, merchant_id=merchant_id, kind="payment.closed", subject=payment_no, now=now)
    return True


def note_failed(session: Session, *, merchant_id: int, payment_no: str, now: datetime) -> bool:
    """The wallet calls the order failed and has closed it. False when it was paid or had ended already."""
    if not _move(session, merchant_id, payment_no, Fact.FAILED):
        return False
    events.append(session, merchant_id=merchant_id, kind="payment.failed", subject=payment_no, now=now)
    return True


def _move(session: Session, merchant_id: int, payment_no: str, fact: Fact) -> bool:
    target = {state: after(state, fact) for state in State}
    from_states = [state for state, to in target.items() if to is not None]
    (to_state,) = {to for to in target.values() if to is not None}
    return change(session, merchant_id, payment_no, Payment.state.in_(from_states), state=to_state)
