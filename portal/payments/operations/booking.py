"""Book what a wallet says was paid: exactly what fits its order, once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.payments import postings
from portal.payments.models import Payment
from portal.payments.rules import State, after, said_paid
from portal.suspense import operations as suspense
from portal.values.day import business_date
from portal.values.money import fee_of
from portal.wallets.port import PaymentAnswer, PaymentState, Promotion

CURRENCY = "CNY"
# The function's text stands in migration 0010; it checks once more what stands here before it writes.
PAID_VALUES = (
    ":merchant, :order, :acquirer, :sub_merchant_no, :amount, :rate, :paid, :fee, :paid_at, :day,"
    " :kinds, :refs, :debits, :credits, :amounts, :dates, :now"
)
_BOOK = sa.text(f"SELECT payment_book({PAID_VALUES})").bindparams(sa.bindparam("paid", type_=JSONB))


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
    fresh = book_unexplained(
        session, merchant_id=merchant_id, answer=answer, reason=outcome, payer_blind=payer_blind, now=now
    )
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
    paid = paid_values(
        merchant_id=merchant_id, answer=answer, fee_rate_bp=row.fee_rate_bp, payer_blind=payer_blind, now=now
    )
    if not session.execute(_BOOK, paid).scalar_one():
        # The row is locked and was compared above: rules here and in the database have come apart.
        raise RuntimeError(f"order {answer.order_no} fits here and not in the database")
    session.expire(row)
    return Outcome.BOOKED


def paid_values(
    *, merchant_id: int, answer: PaymentAnswer, fee_rate_bp: int, payer_blind: str | None, now: datetime
) -> dict[str, Any]:
    """What the database's `payment_book` takes for an order paid as `answer` says, at this fee rate (basis points)."""
    if answer.amount is None:
        raise ValueError("only a successful answer can be booked")
    paid_at = answer.paid_at or now
    day, fee = business_date(paid_at), fee_of(answer.amount, fee_rate_bp)
    moves = postings.received(
        payment_no=answer.order_no or "", acquirer=answer.acquirer, amount=answer.amount, fee_amount=fee, day=day
    )
    return {
        "merchant": merchant_id,
        "order": answer.order_no,
        "acquirer": answer.acquirer,
        "sub_merchant_no": answer.sub_merchant_no,
        "amount": answer.amount,
        "rate": fee_rate_bp,
        "paid": {
            "transaction_no": answer.transaction_id,
            "wallet": answer.wallet,
            "payer_amount": answer.amount if answer.payer_amount is None else answer.payer_amount,
            "promotions": kept_promotions(answer.promotions),
            "payer_blind": payer_blind,
        },
        "fee": int(fee),
        "paid_at": paid_at,
        "day": day,
        "now": now,
        **ledger.columns(moves),
    }


def book_unexplained(
    session: Session,
    *,
    merchant_id: int,
    answer: PaymentAnswer,
    reason: str,
    now: datetime,
    payer_blind: str | None = None,
) -> bool:
    """Real money that fits no order: into suspense, with a case to be looked at and an event.

    Once for each transaction, under however many notices it is told; False when it was told before. The ledger knows
    fen alone, so foreign money gets its event and no posting (`kept` is false). A second payment of one order goes back
    to its payer: the refunds' own slice hears of it from this event.
    """
    if answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    ours = answer.currency == CURRENCY and answer.amount > 0
    if ours:
        move = postings.unexplained(
            acquirer=answer.acquirer,
            transaction_no=answer.transaction_id,
            amount=answer.amount,
            day=business_date(answer.paid_at or now),
        )
        if not suspense.keep(
            session,
            merchant_id=merchant_id,
            acquirer=answer.acquirer,
            transaction_no=answer.transaction_id,
            move=move,
            now=now,
        ):
            return False
    opened = suspense.open_case(
        session,
        merchant_id=merchant_id,
        acquirer=answer.acquirer,
        transaction_no=answer.transaction_id,
        order_no=answer.order_no or "",
        sub_merchant_no=answer.sub_merchant_no,
        reason=reason,
        amount=answer.amount,
        currency=answer.currency[:16],
        kept=ours,
        told=kept_answer(answer),
        payer_blind=payer_blind,
        now=now,
    )
    if not opened:
        return False
    _tell(session, merchant_id, answer, reason, ours, now)
    return True


def _tell(session: Session, merchant_id: int, answer: PaymentAnswer, reason: str, kept: bool, now: datetime) -> None:
    transaction_no = answer.transaction_id or ""
    facts = {
        "amount": answer.amount,
        "currency": answer.currency,
        "acquirer": answer.acquirer,
        "reason": reason,
        "order": answer.order_no,
        "transaction": transaction_no,
        "kept": kept,
    }
    kind, subject = "payment.unexplained", transaction_no[:40]
    events.append(session, merchant_id=merchant_id, kind=kind, subject=subject, now=now, facts=facts)


def kept_promotions(promotions: tuple[Promotion, ...]) -> list[dict[str, object]]:
    """Promotions as a payment's row keeps them. Amounts in fen."""
    return [
        {"id": part.promotion_id, "name": part.name, "amount": part.amount, "paid_by": part.paid_by}
        for part in promotions
    ]


def kept_answer(answer: PaymentAnswer) -> dict[str, Any]:
    """A wallet's word as a case keeps it: all of it but whoever paid. Amounts in fen."""
    return {
        "state": str(answer.state),
        "order_no": answer.order_no,
        "transaction_id": answer.transaction_id,
        "sub_merchant_no": answer.sub_merchant_no,
        "wallet": str(answer.wallet),
        "amount": answer.amount,
        "payer_amount": answer.payer_amount,
        "currency": answer.currency,
        "promotions": kept_promotions(answer.promotions),
        "paid_at": answer.paid_at.isoformat() if answer.paid_at else None,
        "trade_type": answer.trade_type,
    }


def _misfit(row: Payment | None, answer: PaymentAnswer) -> Outcome | None:
    if row is None:
        return Outcome.UNKNOWN_ORDER
    if (row.acquirer, row.sub_merchant_no) != (answer.acquirer, answer.sub_merchant_no):
        return Outcome.WRONG_MERCHANT
    if after(State(row.state), said_paid(State(row.state))) is None:
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
