"""Conversations with a wallet about a refund, which is written down and committed before the wallet hears of it."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.audit.rules import Actor
from portal.events.queries import Happening
from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.payments import queries as payments
from portal.payments.flows import Parties, parties_of
from portal.payments.operations import Outcome
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.refunds import operations, queries
from portal.refunds.queries import RefundRow
from portal.refunds.rules import ASKED_ABOUT, REFUNDS_BY_TRANSACTION, State, seconds_until_asked_again
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Contract, RefundAnswer, RefundState, RefundToSend

log = logging.getLogger("portal.refunds")

CHASE = "refunds.chase"
# Kept with the refund and sent to the wallet, which shows it to the payer.
_SECOND_PAYMENT = "同一单付了两次，第二笔退回"


def request(
    parties: Parties,
    *,
    merchant_id: int,
    payment_no: str,
    amount: int,
    reason: str,
    form_key: str,
    asked_by: int | None,
    role: str = "owner",
    now: datetime,
) -> str:
    """Write the refund down, then ask the wallet unless somebody has to agree first. Answers the refund's number
    whatever the wallet did.

    A worker takes over when this process dies in between: its job is in the same transaction as the refund.
    """
    with parties.database.transaction(merchant=merchant_id) as session:
        asked = operations.request(
            session,
            merchant_id=merchant_id,
            payment_no=payment_no,
            amount=amount,
            reason=reason,
            form_key=form_key,
            asked_by=asked_by,
            role=role,
            reference_key=parties.keyring.reference_key,
            now=now,
        )
        if asked.fresh and not asked.held:
            _chase_later(session, merchant_id, asked.refund_no, State.REQUESTED, times_asked=0, now=now)
    if asked.fresh and not asked.held:
        send(parties, merchant_id=merchant_id, refund_no=asked.refund_no)
    return asked.refund_no


def approve(parties: Parties, *, merchant_id: int, refund_no: str, actor: Actor, now: datetime) -> None:
    """The owner agrees: write that down, then ask the wallet. A second tap does nothing.

    Raises what the operation of the same name does.
    """
    with parties.database.transaction(merchant=merchant_id) as session:
        agreed = operations.approve(session, merchant_id=merchant_id, refund_no=refund_no, actor=actor, now=now)
        if agreed:
            _chase_later(session, merchant_id, refund_no, State.APPROVED, times_asked=0, now=now)
    if agreed:
        send(parties, merchant_id=merchant_id, refund_no=refund_no)


def return_second_payment(tools: Tools, session: Session, happening: Happening, *, now: datetime) -> None:
    """From the feed: an order was paid a second time. Write its refund down; the worker asks the wallet for it.

    Only where the wallet can be asked for this very transaction; all other money in suspense waits for somebody.
    """
    facts, merchant_id = happening.facts, happening.merchant_id
    second = facts["reason"] == Outcome.SECOND_PAYMENT and facts.get("kept")
    if not second or facts["acquirer"] not in REFUNDS_BY_TRANSACTION:
        return
    asked = operations.return_second_payment(
        session,
        merchant_id=merchant_id,
        payment_no=facts["order"],
        transaction_no=facts["transaction"],
        amount=facts["amount"],
        reason=_SECOND_PAYMENT,
        reference_key=tools.keyring.reference_key,
        now=now,
    )
    if asked is not None and asked.fresh:
        _chase_later(session, merchant_id, asked.refund_no, State.REQUESTED, times_asked=0, now=now)


def send_on(parties: Parties, *, merchant_id: int, refund_no: str) -> str:
    """Have the wallet pay a stuck refund to the merchant's bank account: he gives it to the payer himself.

    Answers nothing when the wallet took it (or had settled it otherwise), else why not.
    """
    row, _, contract = _gather(parties, merchant_id, refund_no)
    if row.state != State.ABNORMAL:
        return ""
    try:
        answer = parties.wallets[contract.acquirer].send_stuck_refund(contract, refund_no)
    except WalletRefused as refusal:
        return _words(refusal)
    except WalletError as trouble:
        log.info("stuck refund %s could not be sent on: %s", refund_no, trouble.code)
        return trouble.code
    if answer.state is RefundState.PROCESSING:
        with parties.database.transaction(merchant=merchant_id) as session:
            operations.note_sent_on(session, merchant_id=merchant_id, refund_no=refund_no, now=clock_now())
    else:
        _book(parties, merchant_id, answer)
    return ""


def send(parties: Parties, *, merchant_id: int, refund_no: str) -> None:
    """Ask the wallet to refund, under the same number however often; note exactly what it said."""
    row, paid, contract = _gather(parties, merchant_id, refund_no)
    if row.state not in (State.REQUESTED, State.APPROVED, State.UNKNOWN):
        return
    with parties.database.transaction(merchant=merchant_id) as session:
        operations.note_asked(session, merchant_id=merchant_id, refund_no=refund_no, now=clock_now())
    try:
        answer = parties.wallets[contract.acquirer].refund(
            RefundToSend(
                contract=contract,
                refund_no=refund_no,
                order_no=paid.acquirers_number,
                transaction_id=row.transaction_no or paid.transaction_no or "",
                amount=row.amount,
                order_amount=row.amount if row.transaction_no else paid.amount,
                reason=row.reason,
                notify_url=parties.notify_url(contract.acquirer),
            )
        )
    except WalletUnavailable:
        return
    except WalletUnknown:
        _note_no_answer(parties, merchant_id, refund_no)
        return
    except WalletRefused as refusal:
        with parties.database.transaction(merchant=merchant_id) as session:
            operations.note_refused(
                session, merchant_id=merchant_id, refund_no=refund_no, refusal=_words(refusal), now=clock_now()
            )
        return
    _book(parties, merchant_id, answer)


def chase(tools: Tools, *, merchant_id: int, refund_no: str, times_asked: int) -> None:
    """Ask after a refund until it is over. One the wallet never took is sent again under the same number.

    One that is stuck is still asked about, seldom: the wallet's own people may put it right.
    """
    parties = parties_of(tools)
    row, _, contract = _gather(parties, merchant_id, refund_no)
    if row.state not in ASKED_ABOUT:
        return
    try:
        answer = tools.wallets[contract.acquirer].ask_refund(contract, refund_no)
        if answer.state is RefundState.MISSING:
            send(parties, merchant_id=merchant_id, refund_no=refund_no)
        else:
            _book(parties, merchant_id, answer)
    except (WalletUnavailable, WalletUnknown, WalletRefused):
        # A question changes nothing: whatever went wrong, the next rung asks again.
        pass
    with parties.database.transaction(merchant=merchant_id) as session:
        still = queries.refund(session, merchant_id, refund_no)
        if still is not None and still.state in ASKED_ABOUT:
            state = State(still.state)
            _chase_later(session, merchant_id, refund_no, state, times_asked=times_asked + 1, now=clock_now())


def _book(parties: Parties, merchant_id: int, answer: RefundAnswer) -> None:
    """Book an answer. One that speaks of another contract or sum proves nothing: the refund counts as unanswered."""
    try:
        with parties.database.transaction(merchant=merchant_id) as session:
            operations.note_answer(session, merchant_id=merchant_id, answer=answer, now=clock_now())
    except NotAllowedNow as problem:
        log.warning("a wallet's answer does not fit", extra={"refund": answer.refund_no, "reason": problem.reason})
        _note_no_answer(parties, merchant_id, answer.refund_no)


def _note_no_answer(parties: Parties, merchant_id: int, refund_no: str) -> None:
    with parties.database.transaction(merchant=merchant_id) as session:
        operations.note_no_answer(session, merchant_id=merchant_id, refund_no=refund_no, now=clock_now())


def _gather(parties: Parties, merchant_id: int, refund_no: str) -> tuple[RefundRow, PaymentRow, Contract]:
    with parties.database.transaction(merchant=merchant_id) as session:
        row = queries.refund(session, merchant_id, refund_no)
        paid = payments.payment(session, merchant_id, row.payment_no) if row else None
        if row is None or paid is None:
            raise NotAllowedNow("unknown_refund")
        contract = merchants.contracts(session, merchant_id)[paid.acquirer]
    return row, paid, open_contract(parties.keyring, merchant_id=merchant_id, row=contract)


def _words(refusal: WalletRefused) -> str:
    return refusal.message or refusal.code


def _chase_later(
    session: Session, merchant_id: int, refund_no: str, state: State, *, times_asked: int, now: datetime
) -> None:
    wait = seconds_until_asked_again(state, times_asked)
    defer(
        session,
        CHASE,
        at=now + timedelta(seconds=wait),
        merchant_id=merchant_id,
        refund_no=refund_no,
        times_asked=times_asked,
    )
