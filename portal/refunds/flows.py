"""Conversations with a wallet about a refund, which is written down and committed before the wallet hears of it."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.payments import queries as payments
from portal.payments.flows import Parties, parties_of
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.refunds import operations, queries
from portal.refunds.queries import RefundRow
from portal.refunds.rules import UNDER_WAY, State, seconds_until_asked_again
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Contract, RefundAnswer, RefundState, RefundToSend

log = logging.getLogger("portal.refunds")

CHASE = "refunds.chase"


def request(
    parties: Parties,
    *,
    merchant_id: int,
    payment_no: str,
    amount: int,
    reason: str,
    form_key: str,
    asked_by: int | None,
    now: datetime,
) -> str:
    """Write the refund down, then ask the wallet. Answers the refund's number whatever the wallet did.

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
            reference_key=parties.keyring.reference_key,
            now=now,
        )
        if asked.fresh:
            _chase_later(session, merchant_id, asked.refund_no, times_asked=0, now=now)
    if asked.fresh:
        send(parties, merchant_id=merchant_id, refund_no=asked.refund_no)
    return asked.refund_no


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
                transaction_id=paid.transaction_no or "",
                amount=row.amount,
                order_amount=paid.amount,
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
    """Ask after a refund until it is over. One the wallet never took is sent again under the same number."""
    parties = parties_of(tools)
    row, _, contract = _gather(parties, merchant_id, refund_no)
    if row.state not in UNDER_WAY:
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
        if still is not None and still.state in UNDER_WAY:
            _chase_later(session, merchant_id, refund_no, times_asked=times_asked + 1, now=clock_now())


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


def _chase_later(session: Session, merchant_id: int, refund_no: str, *, times_asked: int, now: datetime) -> None:
    wait = seconds_until_asked_again(times_asked)
    defer(
        session,
        CHASE,
        at=now + timedelta(seconds=wait),
        merchant_id=merchant_id,
        refund_no=refund_no,
        times_asked=times_asked,
    )
