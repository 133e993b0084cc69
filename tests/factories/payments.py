"""A paid receipt and a refund, written by the portal's own operations; every important fact must be named."""

import itertools
from datetime import datetime

from portal.payments import operations
from portal.payments.operations import Outcome
from portal.payments.rules import Road
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations as refunds
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Promotion, RefundAnswer, RefundState, Wallet

_numbers = itertools.count(1)


def add_order(
    database: Database,
    keyring: Keyring,
    *,
    merchant_id: int,
    amount: int,
    now: datetime,
    acquirer: Acquirer = Acquirer.WECHAT,
    share_token: str | None = None,
) -> str:
    """An order of code 1 that nobody has paid yet."""
    letters = {"wechat": "WX", "jdpay": "JD"}[acquirer]
    with database.transaction(merchant=merchant_id) as session:
        return operations.create_order(
            session,
            merchant_id=merchant_id,
            code_id=1,
            share_token=share_token,
            road=Road(Wallet(acquirer), acquirer),
            sub_merchant_no=f"{letters}{merchant_id}",
            fee_rate_bp=38,
            amount=amount,
            note="",
            form_key=f"order-{next(_numbers)}",
            reference_key=keyring.reference_key,
            now=now,
        )


def add_payment(
    database: Database,
    keyring: Keyring,
    *,
    merchant_id: int,
    amount: int,
    now: datetime,
    acquirer: Acquirer = Acquirer.WECHAT,
    wallet: Wallet | None = None,
    discount: int = 0,
    share_token: str | None = None,
) -> str:
    """An order of code 1, paid at `now`; `discount` fen of it by the wallet. Answers its number."""
    number = add_order(
        database,
        keyring,
        merchant_id=merchant_id,
        amount=amount,
        now=now,
        acquirer=acquirer,
        share_token=share_token,
    )
    letters = {"wechat": "WX", "jdpay": "JD"}[acquirer]
    answer = PaymentAnswer(
        acquirer=acquirer,
        order_no=number,
        state=PaymentState.SUCCESS,
        sub_merchant_no=f"{letters}{merchant_id}",
        wallet=wallet or Wallet(acquirer),
        transaction_id=f"42000{next(_numbers):020d}",
        amount=amount,
        payer_amount=amount - discount,
        promotions=(Promotion("P1", "立减", discount, "wallet"),) if discount else (),
        paid_at=now,
    )
    with database.transaction(merchant=merchant_id) as session:
        outcome = operations.book(session, merchant_id=merchant_id, answer=answer, payer_blind="someone", now=now)
    assert outcome is Outcome.BOOKED
    return number


def add_refund(
    database: Database,
    keyring: Keyring,
    *,
    merchant_id: int,
    payment_no: str,
    amount: int,
    now: datetime,
    state: RefundState | None = None,
    acquirer: Acquirer = Acquirer.WECHAT,
    reason: str = "两个橙子坏了",
) -> str:
    """A refund that was asked for; with `state` the wallet has answered. Answers its number."""
    letters = {"wechat": "WX", "jdpay": "JD"}[acquirer]
    with database.transaction(merchant=merchant_id) as session:
        asked = refunds.request(
            session,
            merchant_id=merchant_id,
            payment_no=payment_no,
            amount=amount,
            reason=reason,
            form_key=f"refund-{next(_numbers)}",
            asked_by=None,
            reference_key=keyring.reference_key,
            now=now,
        )
        if state is not None:
            answer = RefundAnswer(
                acquirer,
                asked.refund_no,
                state,
                f"{letters}{merchant_id}",
                wallet_refund_no=f"50000{next(_numbers):010d}",
                amount=amount,
            )
            refunds.note_answer(session, merchant_id=merchant_id, answer=answer, now=now)
    return asked.refund_no
