"""A stall with a code, a programme of one per cent, and money that comes and goes."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal.payments import operations as payments
from portal.payments.rules import Road
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.rebates import operations, queries
from portal.rebates.models import Programme
from portal.rebates.queries import EntryRow
from portal.refunds import operations as refunds
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, RefundAnswer, RefundState, Wallet
from portal.worker import carry_events
from tests.factories.merchants import add_merchant, add_user

SHOP = 482913057
CODE = "7KQ42MHDW"
_OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def add_programme(staff_db: Database, *, budget: int = 1000_00, rate_bp: int = 100, programme_id: int = 1) -> None:
    """A programme that runs for a month more; budget in fen."""
    with staff_db.transaction() as session:
        session.add(
            Programme(
                programme_id=programme_id,
                name="分享有返现",
                rate_bp=rate_bp,
                budget=budget,
                leased=0,
                starts_at=_OPENED,
                ends_at=now() + timedelta(days=30),
            )
        )


@dataclass
class Stall:
    """The shop with its doors open: payments come in through the sharing page, refunds go out, the relay follows."""

    db: Database
    keyring: Keyring
    tools: Tools
    merchant_id: int = SHOP
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def share(self) -> str:
        with self.db.transaction(merchant=self.merchant_id) as session:
            return operations.open_link(
                session,
                merchant_id=self.merchant_id,
                programme_id=1,
                code_id=1,
                reference_key=self.keyring.reference_key,
                now=now(),
            )

    def pay(self, amount: int, *, token: str | None, relay: bool = True) -> str:
        turn = next(self.numbers)
        with self.db.transaction(merchant=self.merchant_id) as session:
            number = payments.create_order(
                session,
                merchant_id=self.merchant_id,
                code_id=1,
                share_token=token,
                road=Road(Wallet.WECHAT, Acquirer.WECHAT),
                sub_merchant_no=f"WX{self.merchant_id}",
                fee_rate_bp=38,
                amount=amount,
                note="",
                form_key=f"k{turn}",
                reference_key=self.keyring.reference_key,
                now=now(),
            )
            answer = PaymentAnswer(
                acquirer=Acquirer.WECHAT,
                order_no=number,
                state=PaymentState.SUCCESS,
                sub_merchant_no=f"WX{self.merchant_id}",
                wallet=Wallet.WECHAT,
                transaction_id=f"42{turn:08d}",
                amount=amount,
                payer_amount=amount,
                paid_at=now(),
            )
            payments.book(session, merchant_id=self.merchant_id, answer=answer, payer_blind=None, now=now())
        if relay:
            self.relay()
        return number

    def refund(self, payment_no: str, amount: int) -> str:
        turn = next(self.numbers)
        with self.db.transaction(merchant=self.merchant_id) as session:
            asked = refunds.request(
                session,
                merchant_id=self.merchant_id,
                payment_no=payment_no,
                amount=amount,
                reason="坏了",
                form_key=f"r{turn}",
                asked_by=None,
                reference_key=self.keyring.reference_key,
                now=now(),
            )
            arrived = RefundAnswer(Acquirer.WECHAT, asked.refund_no, RefundState.SUCCESS, f"WX{self.merchant_id}")
            refunds.note_answer(session, merchant_id=self.merchant_id, answer=arrived, now=now())
        self.relay()
        return asked.refund_no

    def relay(self) -> None:
        while carry_events(self.tools):
            pass

    def entries(self) -> list[EntryRow]:
        """Oldest first."""
        with self.db.transaction(merchant=self.merchant_id) as session:
            return queries.entries(session, self.merchant_id)[::-1]

    def kept(self) -> int:
        with self.db.transaction(merchant=self.merchant_id) as session:
            return queries.sums(session, self.merchant_id).kept


@pytest.fixture
def programme(staff_db: Database) -> None:
    add_programme(staff_db)


@pytest.fixture
def stall(db: Database, keyring: Keyring, tools: Tools) -> Stall:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code=CODE)
    return Stall(db, keyring, tools)


@pytest.fixture
def owner(stall: Stall, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    user = add_user(db, keyring, phone="+8613800000001", name="陈珍珍", merchant_id=SHOP)
    return client_of(user, SHOP)


@pytest.fixture
def clerk(stall: Stall, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    user = add_user(db, keyring, phone="+8613800000002", name="周姐", merchant_id=SHOP, role="clerk")
    return client_of(user, SHOP)
