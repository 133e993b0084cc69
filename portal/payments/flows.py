"""Conversations with a wallet about an order: save the intent, call, save the answer; no transaction in between."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.payments import operations, queries
from portal.payments.operations import Outcome
from portal.payments.queries import PaymentRow
from portal.payments.rules import OPEN
from portal.plumbing.clock import now as clock_now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletError
from portal.wallets.port import (
    Acquirer,
    Contract,
    Opening,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    ReadsReturns,
    WalletPort,
)

log = logging.getLogger("portal.payments")

ASK = "payments.ask"
# Seconds after which an open order is asked about (WeChat Pay partner docs 4012082568), then hourly. Whoever asks after
# its time is over closes it.
ASK_LADDER = (5, 30, 60, 180, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Parties:
    """What a conversation needs: whose data, which keys, which wallets, and where these tell us."""

    database: Database
    keyring: Keyring
    wallets: Mapping[Acquirer, WalletPort]
    notices_url: str

    def notify_url(self, acquirer: str) -> str:
        """Where this acquirer sends its notices."""
        return f"{self.notices_url}/notify/{acquirer}"


def parties_of(tools: Tools) -> Parties:
    """A worker's tools, as a conversation wants them."""
    return Parties(tools.database, tools.keyring, tools.wallets, tools.settings.notify_base)


def open_payment(
    parties: Parties,
    *,
    merchant_id: int,
    payment_no: str,
    shop_name: str,
    payer_id: str | None,
    payer_ip: str,
    now: datetime,
    return_url: str | None = None,
) -> Opening:
    """Place an order of ours with its wallet. The order is committed before; what comes of it is committed after.

    Raises NotAllowedNow(`not_open`) for an order that is paid or closed, and WalletError as the port says.
    """
    order, contract = _order_and_contract(parties, merchant_id, payment_no)
    if order.state not in OPEN or order.expires_at <= now:
        raise NotAllowedNow("not_open")
    with parties.database.transaction(merchant=merchant_id) as session:
        if operations.note_opened(session, merchant_id=merchant_id, payment_no=payment_no):
            _ask_later(session, merchant_id, payment_no, rung=0, now=now)
    return parties.wallets[contract.acquirer].open_payment(
        OrderToOpen(
            contract=contract,
            order_no=payment_no,
            amount=order.amount,
            description=shop_name,
            notify_url=parties.notify_url(contract.acquirer),
            payer_ip=payer_ip,
            expires_at=order.expires_at,
            created_at=order.created_at,
            payer_id=payer_id,
            return_url=return_url,
        )
    )


def ask(tools: Tools, *, merchant_id: int, payment_no: str, rung: int) -> None:
    """Ask the wallet what became of an order; book it, close it when its time is over, or ask again later."""
    parties = parties_of(tools)
    order, contract = _order_and_contract(parties, merchant_id, payment_no)
    if order.state not in OPEN:
        return
    wallet = tools.wallets[contract.acquirer]
    try:
        answer = wallet.ask_payment(contract, payment_no)
        if answer.state is PaymentState.SUCCESS:
            book_answer(parties, merchant_id=merchant_id, answer=answer)
            return
        if answer.state is PaymentState.CLOSED:
            _note_ended(parties, order, answer.state)
            return
        if order.expires_at <= clock_now():
            # Not paid is not failed: only an order the wallet has closed has ended here.
            wallet.close_payment(contract, payment_no)
            _note_ended(parties, order, answer.state)
            return
    except WalletError as trouble:
        # No answer, or paid just before it could be closed: the next rung asks again, which is all that can be done.
        log.info("order %s not settled yet: %s", payment_no, trouble.code)
    with parties.database.transaction(merchant=merchant_id) as session:
        _ask_later(session, merchant_id, payment_no, rung=rung + 1, now=clock_now())


def came_back(parties: Parties, *, merchant_id: int, payment_no: str, fields: Mapping[str, str]) -> None:
    """The payer's browser came back from the wallet's cashier. Where the wallet signed that, ask it now.

    What the browser says is never booked; without a signature it is not even worth the question.
    """
    order, contract = _order_and_contract(parties, merchant_id, payment_no)
    wallet = parties.wallets[contract.acquirer]
    if order.state not in OPEN or not isinstance(wallet, ReadsReturns):
        return
    try:
        if wallet.read_return(contract, fields).order_no != payment_no:
            return
        answer = wallet.ask_payment(contract, payment_no)
    except WalletError as trouble:
        log.info("order %s came back, nothing to book: %s", payment_no, trouble.code)
        return
    if answer.state is PaymentState.SUCCESS:
        book_answer(parties, merchant_id=merchant_id, answer=answer)


def book_answer(parties: Parties, *, merchant_id: int, answer: PaymentAnswer) -> Outcome:
    """Book a query's answer; money that does not fit goes to suspense."""
    blind = parties.keyring.blind(answer.payer_id, kind="payer") if answer.payer_id else None
    moment = clock_now()
    with parties.database.transaction(merchant=merchant_id) as session:
        taken = operations.take(session, merchant_id=merchant_id, answer=answer, payer_blind=blind, now=moment)
    if taken.outcome not in (Outcome.BOOKED, Outcome.ALREADY_BOOKED):
        log.warning("order %s of merchant %s: the payment is %s", answer.order_no, merchant_id, taken.outcome)
    return taken.outcome


def _note_ended(parties: Parties, order: PaymentRow, said: PaymentState) -> None:
    """Ended unpaid, as far as the wallet knows. An order paid meanwhile stays paid: what was said of it came late."""
    note = operations.note_failed if said is PaymentState.FAILED else operations.note_closed
    with parties.database.transaction(merchant=order.merchant_id) as session:
        changed = note(session, merchant_id=order.merchant_id, payment_no=order.payment_no, now=clock_now())
    if not changed:
        log.warning("order %s had ended already, and the wallet says %s", order.payment_no, said)


def _order_and_contract(parties: Parties, merchant_id: int, payment_no: str) -> tuple[PaymentRow, Contract]:
    with parties.database.transaction(merchant=merchant_id) as session:
        order = queries.payment(session, merchant_id, payment_no)
        if order is None:
            raise NotAllowedNow("unknown_order")
        row = merchants.contracts(session, merchant_id)[order.acquirer]
    return order, open_contract(parties.keyring, merchant_id=merchant_id, row=row)


def _ask_later(session: Session, merchant_id: int, payment_no: str, *, rung: int, now: datetime) -> None:
    wait = ASK_LADDER[min(rung, len(ASK_LADDER) - 1)]
    defer(
        session,
        ASK,
        at=now + timedelta(seconds=wait),
        merchant_id=merchant_id,
        payment_no=payment_no,
        rung=rung,
    )
