"""Conversations with a wallet about an order: nothing open across a call, and every answer has one effect."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import flows, operations, queries
from portal.payments.flows import ASK, ASK_LADDER, Parties
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, Opening, OrderToOpen, PaymentAnswer, PaymentState
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet

SHOP = 482913057
LONG_AGO = timedelta(minutes=31)


@pytest.fixture(autouse=True)
def shop(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")


@pytest.fixture
def wallet(wallets: dict[Acquirer, ScriptedWallet]) -> ScriptedWallet:
    return wallets[Acquirer.WECHAT]


@pytest.fixture
def parties(db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> Parties:
    return Parties(db, keyring, wallets, "https://yima.example")


@pytest.fixture
def number(db: Database, keyring: Keyring) -> str:
    return add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now())


@pytest.fixture
def old_number(db: Database, keyring: Keyring) -> str:
    """An order whose time is over."""
    return add_order(db, keyring, merchant_id=SHOP, amount=1234, now=now() - LONG_AGO)


def payment(db: Database, number: str) -> PaymentRow:
    with db.transaction(merchant=SHOP) as session:
        row = queries.payment(session, SHOP, number)
    assert row is not None
    return row


def nets(db: Database) -> dict[str, int]:
    with db.transaction(merchant=SHOP) as session:
        return {code: found.net for code, found in ledger.balances(session, SHOP).items() if found.net}


def kinds(db: Database) -> list[str]:
    with db.transaction(merchant=SHOP) as session:
        return [each.kind for each in feed.since(session, SHOP, after=0)][1:]


def waiting(database: TestDatabase) -> list[tuple[int, float]]:
    """Rung and seconds from now of every question that waits."""
    with psycopg.connect(database.staff) as connection:
        rows = connection.execute(
            "SELECT (args->>'rung')::int, extract(epoch FROM scheduled_at - now())::float FROM procrastinate_jobs"
            " WHERE task_name = %s ORDER BY id",
            (ASK,),
        ).fetchall()
    return [(rung, pytest.approx(seconds, abs=3)) for rung, seconds in rows]


def open_payment(parties: Parties, number: str) -> Opening:
    return flows.open_payment(
        parties,
        merchant_id=SHOP,
        payment_no=number,
        shop_name="阿珍水果摊",
        payer_id="openid-1",
        payer_ip="203.0.113.9",
        now=now(),
    )


def paid(number: str, **changes: object) -> PaymentAnswer:
    told = {"transaction_id": "42001", "amount": 1234, "payer_amount": 1234, "payer_id": "openid-1", "paid_at": now()}
    return PaymentAnswer(Acquirer.WECHAT, number, PaymentState.SUCCESS, f"WX{SHOP}", **{**told, **changes})


def ask(tools: Tools, number: str, *, rung: int = 0) -> None:
    flows.ask(tools, merchant_id=SHOP, payment_no=number, rung=rung)


def test_the_wallet_gets_the_order_as_it_was_created(parties: Parties, wallet: ScriptedWallet, number: str) -> None:
    open_payment(parties, number)
    ((method, order),) = wallet.asked
    assert method == "open_payment"
    assert isinstance(order, OrderToOpen)
    assert (order.order_no, order.amount, order.description) == (number, 1234, "阿珍水果摊")
    assert (order.contract.sub_merchant_no, order.payer_id) == (f"WX{SHOP}", "openid-1")
    assert order.notify_url == "https://yima.example/notify/wechat"


def test_intent_and_first_question_are_committed_before_the_wallet_hears_of_it(
    parties: Parties,
    wallet: ScriptedWallet,
    number: str,
    db: Database,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def look(order: OrderToOpen) -> Opening:
        seen.append((payment(db, order.order_no).state, waiting(database)))
        with psycopg.connect(database.staff) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'portal_app' AND state LIKE 'idle in tr%'"
                " AND datname = current_database()"
            ).fetchone()
        seen.append(row)
        raise KeyboardInterrupt("the process is gone")

    monkeypatch.setattr(wallet, "open_payment", look)
    with pytest.raises(KeyboardInterrupt):
        open_payment(parties, number)
    assert seen == [("paying", [(0, ASK_LADDER[0])]), (0,)]


def test_a_second_tap_asks_the_wallet_again_but_does_not_ask_twice_afterwards(
    parties: Parties, wallet: ScriptedWallet, number: str, database: TestDatabase
) -> None:
    open_payment(parties, number)
    open_payment(parties, number)
    assert [method for method, _ in wallet.asked] == ["open_payment"] * 2
    assert waiting(database) == [(0, ASK_LADDER[0])]


@pytest.mark.parametrize("error", [WalletRefused("LIMIT"), WalletUnavailable("DOWN"), WalletUnknown("TIMEOUT")])
def test_whatever_the_wallet_does_the_order_is_asked_about(
    parties: Parties, wallet: ScriptedWallet, number: str, database: TestDatabase, error: Exception
) -> None:
    wallet.script["open_payment"] = error
    with pytest.raises(type(error)):
        open_payment(parties, number)
    assert waiting(database) == [(0, ASK_LADDER[0])]


def test_an_order_whose_time_is_over_is_not_opened(
    parties: Parties, wallet: ScriptedWallet, old_number: str, database: TestDatabase
) -> None:
    with pytest.raises(NotAllowedNow, match="not_open"):
        open_payment(parties, old_number)
    assert (wallet.asked, waiting(database)) == ([], [])


def test_a_paid_order_is_not_opened_again(parties: Parties, wallet: ScriptedWallet, number: str, db: Database) -> None:
    flows.book_answer(parties, merchant_id=SHOP, answer=paid(number))
    with pytest.raises(NotAllowedNow, match="not_open"):
        open_payment(parties, number)
    assert wallet.asked == []


def test_an_unpaid_order_is_asked_about_ever_more_seldom(
    tools: Tools, wallet: ScriptedWallet, number: str, database: TestDatabase
) -> None:
    for rung in (0, 1, len(ASK_LADDER) - 1, 500):
        ask(tools, number, rung=rung)
    longest = (501, ASK_LADDER[-1])
    assert waiting(database) == [(1, 30), (2, 60), (len(ASK_LADDER), ASK_LADDER[-1]), longest]


def test_a_paid_answer_is_booked_and_ends_the_questions(
    tools: Tools, wallet: ScriptedWallet, number: str, db: Database, database: TestDatabase
) -> None:
    wallet.script["ask_payment"] = paid(number)
    ask(tools, number)
    assert payment(db, number).state == "success"
    assert nets(db) == {"clearing:wechat": 1229, "fee:wechat": 5, "merchant_payable": -1234}
    assert waiting(database) == []
    ask(tools, number)
    assert [method for method, _ in wallet.asked] == ["ask_payment"]


def test_an_answer_and_a_notice_of_the_same_payment_have_one_effect(
    parties: Parties, tools: Tools, wallet: ScriptedWallet, number: str, db: Database
) -> None:
    wallet.script["ask_payment"] = paid(number)
    flows.book_answer(parties, merchant_id=SHOP, answer=paid(number))
    with db.transaction(merchant=SHOP) as session:
        taken = operations.take(session, merchant_id=SHOP, answer=paid(number), payer_blind=None, now=now())
    assert (taken.outcome, taken.fresh) == (operations.Outcome.ALREADY_BOOKED, False)
    ask(tools, number)
    assert kinds(db) == ["payment.success"]


def test_money_that_does_not_fit_the_order_is_kept_aside_once(
    tools: Tools, wallet: ScriptedWallet, number: str, db: Database, database: TestDatabase
) -> None:
    wallet.script["ask_payment"] = paid(number, amount=1233, payer_amount=1233)
    ask(tools, number)
    ask(tools, number)
    assert nets(db) == {"clearing:wechat": 1233, "suspense": -1233}
    assert kinds(db) == ["payment.unexplained"]
    assert payment(db, number).state == "created"
    assert waiting(database) == []


def test_an_order_whose_time_is_over_is_closed_at_the_wallet_and_then_here(
    tools: Tools, wallet: ScriptedWallet, old_number: str, db: Database, database: TestDatabase
) -> None:
    ask(tools, old_number)
    assert [method for method, _ in wallet.asked] == ["ask_payment", "close_payment"]
    assert payment(db, old_number).state == "closed"
    assert kinds(db) == ["payment.closed"]
    assert waiting(database) == []


@pytest.mark.parametrize(
    "error", [WalletUnavailable("NOT_CLOSED_YET"), WalletUnknown("TIMEOUT"), WalletRefused("PAID")]
)
def test_an_order_the_wallet_has_not_closed_stays_open_here(
    tools: Tools, wallet: ScriptedWallet, old_number: str, db: Database, database: TestDatabase, error: Exception
) -> None:
    wallet.script["close_payment"] = error
    ask(tools, old_number, rung=7)
    assert payment(db, old_number).state == "created"
    assert waiting(database) == [(8, ASK_LADDER[-1])]


def test_an_order_the_wallet_calls_closed_is_closed_at_once(
    tools: Tools, wallet: ScriptedWallet, number: str, db: Database, database: TestDatabase
) -> None:
    wallet.script["ask_payment"] = PaymentAnswer(Acquirer.WECHAT, number, PaymentState.CLOSED, f"WX{SHOP}")
    ask(tools, number)
    assert payment(db, number).state == "closed"
    assert waiting(database) == []


@pytest.mark.parametrize("error", [WalletUnavailable("DOWN"), WalletUnknown("TIMEOUT"), WalletRefused("NO_AUTH")])
def test_a_question_without_an_answer_is_asked_again(
    tools: Tools, wallet: ScriptedWallet, number: str, database: TestDatabase, error: Exception
) -> None:
    wallet.script["ask_payment"] = error
    ask(tools, number)
    assert waiting(database) == [(1, 30)]


def test_an_order_paid_after_it_was_closed_here_is_booked(
    parties: Parties, tools: Tools, old_number: str, db: Database
) -> None:
    ask(tools, old_number)
    assert flows.book_answer(parties, merchant_id=SHOP, answer=paid(old_number)) is operations.Outcome.BOOKED
    assert kinds(db) == ["payment.closed", "payment.late_payment", "payment.success"]


def test_the_payers_name_at_the_wallet_is_kept_as_a_blind_word_only(
    parties: Parties, number: str, database: TestDatabase, keyring: Keyring
) -> None:
    flows.book_answer(parties, merchant_id=SHOP, answer=paid(number))
    with psycopg.connect(database.staff) as connection:
        row = connection.execute("SELECT payer_blind, payments::text FROM payments").fetchone()
    assert row is not None
    assert row[0] == keyring.blind("openid-1", kind="payer")
    assert "openid-1" not in row[1]


def test_nobody_asks_about_an_order_that_is_not_there(tools: Tools) -> None:
    with pytest.raises(NotAllowedNow, match="unknown_order"):
        ask(tools, "Y-NOT-THERE")


def test_a_payment_of_yesterday_told_today_counts_for_yesterday(parties: Parties, number: str, db: Database) -> None:
    before_midnight = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
    flows.book_answer(parties, merchant_id=SHOP, answer=paid(number, paid_at=before_midnight))
    with db.transaction(merchant=SHOP) as session:
        row = payment(db, number)
        assert row.business_date is not None
        assert row.business_date.isoformat() == "2026-11-21"
        assert queries.day(session, SHOP, row.business_date).received == 1234
