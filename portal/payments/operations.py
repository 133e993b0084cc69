"""Write payments: create the order, note what the wallet said, book what arrived."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.payments import postings
from portal.payments.models import DayTotal, Payment
from portal.payments.queries import PaymentRow, as_row
from portal.payments.rules import ORDER_LIFE, Fact, Road, State, after
from portal.values.day import business_date
from portal.values.errors import Refused
from portal.values.money import fee_of
from portal.values.references import Kind, mint
from portal.wallets.port import PaymentAnswer, PaymentState


class Outcome(StrEnum):
    """What became of a wallet's word that an order is paid."""

    BOOKED = "booked"
    ALREADY_BOOKED = "already_booked"
    UNKNOWN_ORDER = "unknown_order"
    WRONG_MERCHANT = "wrong_merchant"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    SECOND_PAYMENT = "second_payment"


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


def note_opened(session: Session, *, merchant_id: int, payment_no: str, now: datetime) -> None:
    """The wallet took the order: from now on the payer may be paying."""
    _move(session, merchant_id, payment_no, Fact.OPENED)


def note_closed(session: Session, *, merchant_id: int, payment_no: str, now: datetime) -> bool:
    """The wallet closed the unpaid order. False when it was paid or closed already."""
    if not _move(session, merchant_id, payment_no, Fact.CLOSED):
        return False
    events.append(session, merchant_id=merchant_id, kind="payment.closed", subject=payment_no, now=now)
    return True


def book(
    session: Session, *, merchant_id: int, answer: PaymentAnswer, payer_blind: str | None, now: datetime
) -> Outcome:
    """Book a payment the wallet calls successful. Whatever does not fit the order exactly is not credited.

    The caller has verified the answer (signed notice or signed query reply) and decides what to do with a mismatch.
    """
    if answer.state is not PaymentState.SUCCESS or answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    row = session.scalar(
        sa.select(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == answer.order_no)
        .with_for_update()
    )
    misfit = _misfit(row, answer)
    if row is None or misfit is not None:
        return misfit or Outcome.UNKNOWN_ORDER
    was_closed = row.state == State.CLOSED
    paid_at = answer.paid_at or now
    day = business_date(paid_at)
    _fill(session, row, answer, payer_blind, paid_at, day)
    session.flush()
    ledger.post(
        session,
        merchant_id=merchant_id,
        moves=postings.received(
            payment_no=row.payment_no,
            acquirer=row.acquirer,
            amount=row.amount,
            fee_amount=row.fee,
            day=day,
        ),
        now=now,
    )
    events.append(
        session,
        merchant_id=merchant_id,
        kind="payment.success",
        subject=row.payment_no,
        now=now,
        facts={"amount": row.amount, "wallet": row.wallet, "number": row.day_number, "late": was_closed},
    )
    return Outcome.BOOKED


def book_unexplained(session: Session, *, merchant_id: int, answer: PaymentAnswer, now: datetime) -> None:
    """Real money that fits no order: into suspense, once for each transaction, with an event to be looked at."""
    if answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    day = business_date(answer.paid_at or now)
    moves = postings.unexplained(
        acquirer=answer.acquirer, transaction_no=answer.transaction_id, amount=answer.amount, day=day
    )
    ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
    events.append(
        session,
        merchant_id=merchant_id,
        kind="payment.unexplained",
        subject=answer.transaction_id[:40],
        now=now,
        facts={"amount": answer.amount, "acquirer": answer.acquirer},
    )


def lock(session: Session, merchant_id: int, payment_no: str) -> PaymentRow | None:
    """Lock one payment until the transaction ends: refunds of one payment take turns here."""
    row = session.scalar(
        sa.select(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return as_row(row) if row else None


def reserve_refund(session: Session, *, merchant_id: int, payment_no: str, amount: int) -> bool:
    """Set `amount` fen aside for a refund. False when so much is not left; the database's CHECK stands behind it."""
    return _change(
        session,
        merchant_id,
        payment_no,
        Payment.refunded + Payment.refund_reserved + amount <= Payment.amount,
        refund_reserved=Payment.refund_reserved + amount,
    )


def release_refund(session: Session, *, merchant_id: int, payment_no: str, amount: int) -> None:
    """A refund came to nothing: its amount may be refunded again."""
    _change(session, merchant_id, payment_no, sa.true(), refund_reserved=Payment.refund_reserved - amount)


def settle_refund(
    session: Session, *, merchant_id: int, payment_no: str, amount: int, fee_back: int, day: date
) -> None:
    """A refund arrived: `amount` fen leave the reserve, `fee_back` fen of fee come back, the day's sum grows."""
    _change(
        session,
        merchant_id,
        payment_no,
        sa.true(),
        refund_reserved=Payment.refund_reserved - amount,
        refunded=Payment.refunded + amount,
        fee_returned=Payment.fee_returned + fee_back,
    )
    _add_to_day(session, merchant_id, day, refunded=amount)


def _misfit(row: Payment | None, answer: PaymentAnswer) -> Outcome | None:
    if row is None:
        return Outcome.UNKNOWN_ORDER
    if (row.acquirer, row.sub_merchant_no) != (answer.acquirer, answer.sub_merchant_no):
        return Outcome.WRONG_MERCHANT
    if row.state == State.SUCCESS:
        same = row.transaction_no == answer.transaction_id
        return Outcome.ALREADY_BOOKED if same else Outcome.SECOND_PAYMENT
    if answer.currency != "CNY":
        return Outcome.WRONG_CURRENCY
    if row.amount != answer.amount:
        return Outcome.WRONG_AMOUNT
    return None


def _fill(
    session: Session, row: Payment, answer: PaymentAnswer, payer_blind: str | None, paid_at: datetime, day: date
) -> None:
    # First, so that the row is complete by the time the session writes it.
    row.day_number = _add_to_day(session, row.merchant_id, day, count=1, received=row.amount)
    row.state = State.SUCCESS
    row.transaction_no = answer.transaction_id
    row.wallet = answer.wallet
    row.payer_amount = answer.payer_amount if answer.payer_amount is not None else row.amount
    row.promotions = [
        {"id": part.promotion_id, "name": part.name, "amount": part.amount, "paid_by": part.paid_by}
        for part in answer.promotions
    ]
    row.fee = fee_of(row.amount, row.fee_rate_bp)
    row.payer_blind = payer_blind
    row.paid_at = paid_at
    row.business_date = day


def _add_to_day(
    session: Session, merchant_id: int, day: date, *, count: int = 0, received: int = 0, refunded: int = 0
) -> int:
    statement = insert(DayTotal).values(
        merchant_id=merchant_id, business_date=day, count=count, received=received, refunded=refunded
    )
    grown: int = session.execute(
        statement.on_conflict_do_update(
            index_elements=[DayTotal.merchant_id, DayTotal.business_date],
            set_={
                "count": DayTotal.count + count,
                "received": DayTotal.received + received,
                "refunded": DayTotal.refunded + refunded,
            },
        ).returning(DayTotal.count)
    ).scalar_one()
    return grown


def _move(session: Session, merchant_id: int, payment_no: str, fact: Fact) -> bool:
    target = {state: after(state, fact) for state in State}
    from_states = [state for state, to in target.items() if to is not None]
    (to_state,) = {to for to in target.values() if to is not None}
    return _change(session, merchant_id, payment_no, Payment.state.in_(from_states), state=to_state)


def _change(session: Session, merchant_id: int, payment_no: str, condition: object, **values: object) -> bool:
    result = session.execute(
        sa.update(Payment)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no, condition)  # type: ignore[arg-type]
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return result.rowcount == 1  # type: ignore[attr-defined]
