"""Book what a wallet says was paid: exactly what fits its order, once."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.payments import postings
from portal.payments.models import Payment
from portal.payments.operations.rows import add_to_day
from portal.payments.rules import State
from portal.values.day import business_date
from portal.values.money import fee_of
from portal.wallets.port import PaymentAnswer, PaymentState, Promotion

CURRENCY = "CNY"


class Outcome(StrEnum):
    """What became of a wallet's word that an order is paid."""

    BOOKED = "booked"
    ALREADY_BOOKED = "already_booked"
    UNKNOWN_ORDER = "unknown_order"
    WRONG_MERCHANT = "wrong_merchant"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    SECOND_PAYMENT = "second_payment"
    BOOKED_ELSEWHERE = "booked_elsewhere"


# Not money: what is booked already, and what the wallet told of two orders at once.
_NOT_FOR_SUSPENSE = (Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.BOOKED_ELSEWHERE)


@dataclass(frozen=True)
class Taken:
    """What became of money. `fresh` is false when all of it had been told and written down before."""

    outcome: Outcome
    fresh: bool


def take(session: Session, *, merchant_id: int, answer: PaymentAnswer, payer_blind: str | None, now: datetime) -> Taken:
    """Book a payment the wallet calls successful, or keep it in suspense when it does not fit its order."""
    outcome = book(session, merchant_id=merchant_id, answer=answer, payer_blind=payer_blind, now=now)
    if outcome in _NOT_FOR_SUSPENSE:
        return Taken(outcome, fresh=outcome is not Outcome.ALREADY_BOOKED)
    fresh = book_unexplained(session, merchant_id=merchant_id, answer=answer, reason=outcome, now=now)
    return Taken(outcome, fresh)


def book(
    session: Session, *, merchant_id: int, answer: PaymentAnswer, payer_blind: str | None, now: datetime
) -> Outcome:
    """Book a payment the wallet calls successful. Whatever does not fit the order exactly is not credited.

    The caller has verified the answer (signed notice or signed query reply) and decides what to do with a mismatch.
    """
    if answer.state is not PaymentState.SUCCESS or answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    row, elsewhere = _locked(session, merchant_id, answer)
    misfit = Outcome.BOOKED_ELSEWHERE if elsewhere else _misfit(row, answer)
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


def book_unexplained(session: Session, *, merchant_id: int, answer: PaymentAnswer, reason: str, now: datetime) -> bool:
    """Real money that fits no order: into suspense, with an event to be looked at.

    Once for each transaction, under however many notices it is told; False when it was told before. The ledger knows
    fen alone, so foreign money gets its event and no posting.
    """
    if answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    move = postings.unexplained(
        acquirer=answer.acquirer,
        transaction_no=answer.transaction_id,
        amount=answer.amount,
        day=business_date(answer.paid_at or now),
    )
    ours = answer.currency == CURRENCY
    if ours and not ledger.post_once(session, merchant_id=merchant_id, move=move, now=now):
        return False
    facts = {"amount": answer.amount, "currency": answer.currency, "acquirer": answer.acquirer, "reason": reason}
    events.append(
        session,
        merchant_id=merchant_id,
        kind="payment.unexplained",
        subject=answer.transaction_id[:40],
        now=now,
        facts=facts,
    )
    return True


def kept_promotions(promotions: tuple[Promotion, ...]) -> list[dict[str, object]]:
    """Promotions as a payment's row keeps them. Amounts in fen."""
    return [
        {"id": part.promotion_id, "name": part.name, "amount": part.amount, "paid_by": part.paid_by}
        for part in promotions
    ]


def _misfit(row: Payment | None, answer: PaymentAnswer) -> Outcome | None:
    if row is None:
        return Outcome.UNKNOWN_ORDER
    if (row.acquirer, row.sub_merchant_no) != (answer.acquirer, answer.sub_merchant_no):
        return Outcome.WRONG_MERCHANT
    if row.state == State.SUCCESS:
        same = row.transaction_no == answer.transaction_id
        return Outcome.ALREADY_BOOKED if same else Outcome.SECOND_PAYMENT
    if answer.currency != CURRENCY:
        return Outcome.WRONG_CURRENCY
    payer_amount = row.amount if answer.payer_amount is None else answer.payer_amount
    if row.amount != answer.amount or not 0 <= payer_amount <= row.amount:
        return Outcome.WRONG_AMOUNT
    return None


def _locked(session: Session, merchant_id: int, answer: PaymentAnswer) -> tuple[Payment | None, bool]:
    """The order, locked, and whether another order has this transaction: one transaction pays one order."""
    other = aliased(Payment)
    elsewhere = sa.exists().where(
        other.merchant_id == merchant_id,
        other.acquirer == answer.acquirer,
        other.transaction_no == answer.transaction_id,
        other.payment_no != (answer.order_no or ""),
    )
    found = session.execute(
        sa.select(Payment, elsewhere)
        .where(Payment.merchant_id == merchant_id, Payment.payment_no == answer.order_no)
        .with_for_update(of=Payment)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return None, bool(session.scalar(sa.select(elsewhere)))
    return found[0], bool(found[1])


def _fill(
    session: Session, row: Payment, answer: PaymentAnswer, payer_blind: str | None, paid_at: datetime, day: date
) -> None:
    # First, so that the row is complete by the time the session writes it.
    row.day_number = add_to_day(session, row.merchant_id, day, count=1, received=row.amount)
    row.state = State.SUCCESS
    row.transaction_no = answer.transaction_id
    row.wallet = answer.wallet
    row.payer_amount = answer.payer_amount if answer.payer_amount is not None else row.amount
    row.promotions = kept_promotions(answer.promotions)
    row.fee = fee_of(row.amount, row.fee_rate_bp)
    row.payer_blind = payer_blind
    row.paid_at = paid_at
    row.business_date = day
