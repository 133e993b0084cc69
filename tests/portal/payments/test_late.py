"""The wallet's word "paid" after an order had ended unpaid here; and its word "not paid" after it was paid."""

import logging
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.events import queries as feed
from portal.payments import flows, operations, queries
from portal.payments.flows import Parties, parties_of
from portal.payments.models import Payment
from portal.payments.operations import Outcome
from portal.payments.rules import State, after, said_paid
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState
from tests.conftest import TestDatabase
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP, owner, owners_browser

__all__ = ["owner", "owners_browser"]
WECHAT = Acquirer.WECHAT


@pytest.fixture
def order(db: Database, keyring: Keyring) -> str:
    """¥12.34, long past its time."""
    return add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now() - timedelta(days=3))


@pytest.fixture
def parties(tools: Tools, db: Database) -> Parties:
    return Parties(db, parties_of(tools).keyring, tools.wallets, "http://127.0.0.1:8000")


def paid(order: str) -> PaymentAnswer:
    return PaymentAnswer(
        WECHAT, order, PaymentState.SUCCESS, f"WX{SHOP}", transaction_id="4200001", amount=1234, paid_at=now()
    )


def put_into(db: Database, order: str, state: State) -> None:
    with db.transaction(merchant=SHOP) as session:
        if state is State.PAYING:
            operations.note_opened(session, merchant_id=SHOP, payment_no=order)
        elif state is State.CLOSED:
            operations.note_closed(session, merchant_id=SHOP, payment_no=order, now=now())
        elif state is State.FAILED:
            operations.note_failed(session, merchant_id=SHOP, payment_no=order, now=now())
        elif state is State.SUCCESS:
            operations.book(session, merchant_id=SHOP, answer=paid(order), payer_blind=None, now=now())


def told(db: Database, order: str) -> list[str]:
    with db.transaction(merchant=SHOP) as session:
        return [happening.kind for happening in feed.about(session, SHOP, [order])]


def state_of(db: Database, order: str) -> str:
    with db.transaction(merchant=SHOP) as session:
        row = queries.payment(session, SHOP, order)
    assert row is not None
    return row.state


@pytest.mark.parametrize("state", State)
def test_the_database_books_and_tells_as_the_table_of_states_says(
    db: Database, order: str, parties: Parties, state: State
) -> None:
    put_into(db, order, state)
    before = told(db, order)
    outcome = flows.book_answer(parties, merchant_id=SHOP, answer=paid(order))
    fact = said_paid(state)
    moves = after(state, fact) is not None
    assert outcome is (Outcome.BOOKED if moves else Outcome.ALREADY_BOOKED)
    late = ["payment.late_payment"] if fact == "late_payment" else []
    assert told(db, order)[len(before) :] == ([*late, "payment.success"] if moves else [])
    assert state_of(db, order) == "success"


@pytest.mark.parametrize("state", [State.CLOSED, State.FAILED])
def test_the_merchant_reads_that_an_ended_order_was_paid_after_all(
    owners_browser: FlaskClient, db: Database, order: str, parties: Parties, state: State
) -> None:
    put_into(db, order, state)
    flows.book_answer(parties, merchant_id=SHOP, answer=paid(order))
    page = owners_browser.get(f"/receipts/{order}").get_data(as_text=True)
    assert "订单已经关了，钱后来到了：重新算作收款" in page
    assert ("钱包说没付成，订单关了" in page) == (state is State.FAILED)
    assert "晚到的确认：收到" in page


@pytest.mark.parametrize("word", [PaymentState.CLOSED, PaymentState.FAILED, PaymentState.UNPAID])
def test_an_order_paid_while_the_wallet_was_asked_is_not_taken_back(
    tools: Tools,
    db: Database,
    order: str,
    parties: Parties,
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    word: PaymentState,
) -> None:
    """F16: the notice is booked between the question and its stale answer; what disagrees is written to the log."""

    def stale(*_: object) -> PaymentAnswer:
        flows.book_answer(parties, merchant_id=SHOP, answer=paid(order))
        return PaymentAnswer(WECHAT, order, word, f"WX{SHOP}")

    monkeypatch.setattr(wallets[WECHAT], "ask_payment", stale)
    with caplog.at_level(logging.WARNING, "portal.payments"):
        flows.ask(tools, merchant_id=SHOP, payment_no=order, rung=0)
    assert state_of(db, order) == "success"
    assert f"the wallet says {word}" in caplog.text


def test_what_the_wallet_calls_failed_is_failed_once_its_time_is_over_and_it_is_closed(
    tools: Tools, db: Database, order: str, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["ask_payment"] = PaymentAnswer(WECHAT, order, PaymentState.FAILED, f"WX{SHOP}")
    flows.ask(tools, merchant_id=SHOP, payment_no=order, rung=0)
    assert [method for method, _ in wallets[WECHAT].asked] == ["ask_payment", "close_payment"]
    assert (state_of(db, order), told(db, order)[-1]) == ("failed", "payment.failed")


def test_a_failed_try_leaves_the_order_open_as_long_as_the_payer_may_try_again(
    tools: Tools, db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    order = add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now())
    wallets[WECHAT].script["ask_payment"] = PaymentAnswer(WECHAT, order, PaymentState.FAILED, f"WX{SHOP}")
    flows.ask(tools, merchant_id=SHOP, payment_no=order, rung=0)
    assert state_of(db, order) == "created"


def test_no_statement_of_the_application_leaves_a_paid_order(db: Database, order: str) -> None:
    put_into(db, order, State.SUCCESS)
    for state in (State.PAYING, State.CLOSED, State.FAILED):
        put_into(db, order, state)
        assert state_of(db, order) == "success"


def test_a_booking_the_database_would_not_take_is_an_error(
    db: Database, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.payments.operations.booking._misfit", lambda row, answer: None)
    put_into(db, order, State.SUCCESS)
    with pytest.raises(RuntimeError, match="fits here and not in the database"):
        put_into(db, order, State.SUCCESS)


def test_late_and_second_words_at_once_book_one_payment(database: TestDatabase, db: Database, order: str) -> None:
    """The second connection finds the first one's row lock: whoever comes later sees a paid order."""
    put_into(db, order, State.CLOSED)
    with db.transaction(merchant=SHOP) as session:
        operations.book(session, merchant_id=SHOP, answer=paid(order), payer_blind=None, now=now())
        with psycopg.connect(database.staff) as other:
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("UPDATE payments SET state = 'closed' WHERE payment_no = %s", [order])
    with db.transaction(merchant=SHOP) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Payment).where(Payment.state == "success")) == 1
