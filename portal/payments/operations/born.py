"""Payments without an order of ours: born paid, once for each transaction of the acquirer.

A payment on a static code of the merchant's own contract is owed like any other: ledger, fee, refunds. One on a code of
another contract, or of a person, is only a receipt: the acquirer owes it to somebody else or under other terms, and
our ledger mirrors what is owed under the contracts we know. So it has no transfers, no fee and no refunds, but it
counts as what customers paid that day.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.merchants import queries as merchants
from portal.payments import postings
from portal.payments.models import Payment
from portal.payments.operations.booking import CURRENCY, Outcome, Taken, book_unexplained, kept_promotions
from portal.payments.operations.rows import add_to_day, change
from portal.payments.rules import Source, State
from portal.suspense import operations as suspense
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.values.money import fee_of
from portal.values.references import Kind, mint
from portal.wallets.directory import Holding
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Promotion, Wallet
from portal.wallets.routed import RoutedPayment


@dataclass(frozen=True)
class _Told:
    """A paid transaction as somebody told it. Amounts in fen."""

    source: Source
    acquirer: Acquirer
    wallet: Wallet
    sub_merchant_no: str
    acquirer_order_no: str | None
    transaction_id: str
    code_id: int | None
    amount: int
    payer_amount: int
    promotions: tuple[Promotion, ...]
    fee_rate_bp: int
    payer_blind: str | None
    paid_at: datetime


def book_static(
    session: Session,
    *,
    merchant_id: int,
    answer: PaymentAnswer,
    payer_blind: str | None,
    reference_key: bytes,
    now: datetime,
) -> Taken:
    """Book a payment on a static code of this merchant's own contract, told by the acquirer without an order of ours.

    What does not fit the contract goes to suspense, as with orders. The wallet is known only where the wire tells it.
    """
    if answer.state is not PaymentState.SUCCESS or answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    contract = merchants.contracts(session, merchant_id).get(answer.acquirer)
    payer_amount = answer.amount if answer.payer_amount is None else answer.payer_amount
    misfit = None
    if contract is None or contract.sub_merchant_no != answer.sub_merchant_no:
        misfit = Outcome.WRONG_MERCHANT
    elif answer.currency != CURRENCY:
        misfit = Outcome.WRONG_CURRENCY
    elif not 0 <= payer_amount <= answer.amount or answer.amount == 0:
        misfit = Outcome.WRONG_AMOUNT
    if contract is None or misfit is not None:
        reason = misfit or Outcome.WRONG_MERCHANT
        fresh = book_unexplained(
            session, merchant_id=merchant_id, answer=answer, reason=reason, payer_blind=payer_blind, now=now
        )
        return Taken(reason, fresh)
    told = _Told(
        source=Source.STATIC_CODE,
        acquirer=answer.acquirer,
        wallet=_wallet_told(answer),
        sub_merchant_no=answer.sub_merchant_no,
        acquirer_order_no=answer.order_no,
        transaction_id=answer.transaction_id,
        code_id=_only_own_code(session, merchant_id, answer.acquirer),
        amount=answer.amount,
        payer_amount=payer_amount,
        promotions=answer.promotions,
        fee_rate_bp=contract.fee_rate_bp,
        payer_blind=payer_blind,
        paid_at=answer.paid_at or now,
    )
    return _born(session, merchant_id, told, reference_key, now)[1]


def book_released(
    session: Session,
    *,
    merchant_id: int,
    answer: PaymentAnswer,
    payer_blind: str | None,
    reference_key: bytes,
    now: datetime,
) -> str:
    """Book money out of suspense as a receipt of its own, at what was really paid; answers its number.

    It stands under the acquirer's number of the order it was paid for, so its refunds and its line in the bill find it.
    Raises NotAllowedNow: `other_contract` where the merchant has no such contract (any more), `foreign_money`, and
    `booked_already`.
    """
    if answer.amount is None or answer.transaction_id is None:
        raise ValueError("only a successful answer can be booked")
    contract = merchants.contracts(session, merchant_id).get(answer.acquirer)
    if contract is None or contract.sub_merchant_no != answer.sub_merchant_no:
        raise NotAllowedNow("other_contract")
    payer_amount = answer.amount if answer.payer_amount is None else answer.payer_amount
    if answer.currency != CURRENCY or answer.amount <= 0 or not 0 <= payer_amount <= answer.amount:
        raise NotAllowedNow("foreign_money")
    told = _Told(
        source=Source.SUSPENSE,
        acquirer=answer.acquirer,
        wallet=answer.wallet,
        sub_merchant_no=answer.sub_merchant_no,
        acquirer_order_no=answer.order_no,
        transaction_id=answer.transaction_id,
        code_id=session.scalar(
            sa.select(Payment.code_id).where(Payment.merchant_id == merchant_id, Payment.payment_no == answer.order_no)
        ),
        amount=answer.amount,
        payer_amount=payer_amount,
        promotions=answer.promotions,
        fee_rate_bp=contract.fee_rate_bp,
        payer_blind=payer_blind,
        paid_at=answer.paid_at or now,
    )
    number, taken = _born(session, merchant_id, told, reference_key, now)
    if not taken.fresh:
        raise NotAllowedNow("booked_already")
    return number


def book_reported(
    session: Session, *, merchant_id: int, code_id: int, word: RoutedPayment, reference_key: bytes, now: datetime
) -> Taken:
    """Write down a payment on a linked code of another contract or of a person: a receipt, nothing owed to us."""
    told = _Told(
        source=Source.INTERCONNECT,
        acquirer=word.acquirer,
        wallet=word.wallet,
        sub_merchant_no="",
        acquirer_order_no=None,
        transaction_id=word.transaction_id,
        code_id=code_id,
        amount=word.amount,
        payer_amount=word.payer_amount,
        promotions=word.promotions,
        fee_rate_bp=0,
        payer_blind=None,
        paid_at=word.paid_at,
    )
    return _born(session, merchant_id, told, reference_key, now)[1]


def _born(session: Session, merchant_id: int, told: _Told, reference_key: bytes, now: datetime) -> tuple[str, Taken]:
    """The number it was given, and what became of it."""
    number = mint(Kind.ORDER, merchant_id, key=reference_key, now=now)
    day = business_date(told.paid_at)
    fee = int(fee_of(told.amount, told.fee_rate_bp))
    made = session.execute(
        insert(Payment)
        .values(
            merchant_id=merchant_id,
            payment_no=number,
            code_id=told.code_id,
            wallet=told.wallet,
            acquirer=told.acquirer,
            sub_merchant_no=told.sub_merchant_no,
            source=told.source,
            acquirer_order_no=told.acquirer_order_no,
            state=State.SUCCESS,
            amount=told.amount,
            payer_amount=told.payer_amount,
            promotions=kept_promotions(told.promotions),
            fee=fee,
            fee_returned=0,
            fee_rate_bp=told.fee_rate_bp,
            refunded=0,
            refund_reserved=0,
            note="",
            payer_blind=told.payer_blind,
            transaction_no=told.transaction_id,
            created_at=now,
            expires_at=now,
            paid_at=told.paid_at,
            business_date=day,
            day_number=0,
        )
        .on_conflict_do_nothing(index_elements=[Payment.merchant_id, Payment.acquirer, Payment.transaction_no])
        .returning(Payment.payment_no)
    ).scalar_one_or_none()
    if made is None:
        return number, Taken(_kept(session, merchant_id, told), fresh=False)
    place = add_to_day(session, merchant_id, day, count=1, received=told.amount)
    change(session, merchant_id, number, sa.true(), day_number=place)
    if told.source is not Source.INTERCONNECT:
        moves = postings.received(
            payment_no=number, acquirer=told.acquirer, amount=told.amount, fee_amount=fee, day=day
        )
        ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
        suspense.clear(
            session,
            merchant_id=merchant_id,
            acquirer=told.acquirer,
            transaction_no=told.transaction_id,
            payment_no=number,
            day=day,
            now=now,
        )
    facts = {"amount": told.amount, "wallet": told.wallet, "number": place, "late": False, "source": told.source}
    events.append(session, merchant_id=merchant_id, kind="payment.success", subject=number, now=now, facts=facts)
    return number, Taken(Outcome.BOOKED, fresh=True)


def _kept(session: Session, merchant_id: int, told: _Told) -> Outcome:
    """What is here already under this transaction: the same word, another sum, or an order of ours."""
    row = session.execute(
        sa.select(Payment.source, Payment.amount).where(
            Payment.merchant_id == merchant_id,
            Payment.acquirer == told.acquirer,
            Payment.transaction_no == told.transaction_id,
        )
    ).one()
    if row.source != told.source:
        return Outcome.BOOKED_ELSEWHERE
    return Outcome.ALREADY_BOOKED if row.amount == told.amount else Outcome.WRONG_AMOUNT


def _wallet_told(answer: PaymentAnswer) -> Wallet:
    """On a static code anybody's wallet may pay: only an openid proves WeChat's own."""
    if answer.acquirer is Acquirer.WECHAT:
        if answer.payer_id:
            return Wallet.WECHAT
        return answer.wallet if answer.wallet is Wallet.JDPAY else Wallet.UNKNOWN
    return answer.wallet


def _only_own_code(session: Session, merchant_id: int, acquirer: Acquirer) -> int | None:
    """The notice does not say which code was scanned: with one linked code of this contract it can only be that one."""
    own = [
        code.code_id
        for code in codes.codes(session, merchant_id)
        if code.holding == Holding.OWN_SUB_MERCHANT and code.foreign_issuer == acquirer
    ]
    return own[0] if len(own) == 1 else None
