"""F14: one order, paid twice. The first payment is the merchant's, the second goes back to its payer by itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import flows as payment_flows
from portal.payments import queries as payments
from portal.payments.flows import Parties, parties_of
from portal.payments.operations import Outcome
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.refunds import flows, operations, queries
from portal.refunds.queries import RefundRow
from portal.suspense.models import SuspenseCase
from portal.suspense.rules import State as CaseState
from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, RefundAnswer, RefundState, RefundToSend, Wallet
from portal.worker import carry_events
from tests.factories.payments import add_payment
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP

WECHAT, JDPAY = Acquirer.WECHAT, Acquirer.JDPAY
SECOND = "4200000000000000000000000002"
LETTERS = {WECHAT: "WX", JDPAY: "JD"}


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    """¥20.00 by WeChat Pay, fee 8 fen."""
    return add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=now())


@pytest.fixture
def pay_again(db: Database, tools: Tools) -> Callable[..., Outcome]:
    """The wallet says that the order was paid a second time, and the worker hears of it."""

    def told(order: str, acquirer: Acquirer = WECHAT, **more: object) -> Outcome:
        answer = PaymentAnswer(
            acquirer,
            order,
            PaymentState.SUCCESS,
            f"{LETTERS[acquirer]}{SHOP}",
            wallet=Wallet(acquirer),
            transaction_id=SECOND,
            amount=2_000,
            payer_amount=2_000,
            paid_at=now(),
        )
        parties = Parties(db, parties_of(tools).keyring, tools.wallets, "http://127.0.0.1:8000")
        outcome = payment_flows.book_answer(parties, merchant_id=SHOP, answer=replace(answer, **more))
        carry_events(tools)
        return outcome

    return told


def returns(db: Database, paid: str) -> list[RefundRow]:
    with db.transaction(merchant=SHOP) as session:
        return [row for row in queries.of_payment(session, SHOP, paid) if row.transaction_no]


def nets(db: Database) -> dict[str, int]:
    with db.transaction(merchant=SHOP) as session:
        return {code: row.net for code, row in ledger.balances(session, SHOP).items() if row.net}


def case_state(db: Database) -> str:
    with db.transaction(merchant=SHOP) as session:
        return session.scalars(sa.select(SuspenseCase.state)).one()


def chase(tools: Tools, db: Database, paid: str) -> str:
    (row,) = returns(db, paid)
    flows.chase(tools, merchant_id=SHOP, refund_no=row.refund_no, times_asked=0)
    carry_events(tools)
    return row.refund_no


def never_heard_of(wallets: dict[Acquirer, ScriptedWallet], number: str) -> None:
    wallets[WECHAT].script["ask_refund"] = RefundAnswer(WECHAT, number, RefundState.MISSING, f"WX{SHOP}")


def test_the_second_payment_is_in_nobodys_books_but_suspense_and_then_on_its_way_back(
    db: Database, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    assert pay_again(paid) is Outcome.SECOND_PAYMENT
    (row,) = returns(db, paid)
    assert (row.amount, row.state, row.transaction_no, row.asked_by) == (2_000, "requested", SECOND, None)
    assert nets(db) == {
        "clearing:wechat": 2_000 - 8 + 2_000,
        "fee:wechat": 8,
        "merchant_payable": -2_000,
        "refund_in_flight:wechat": -2_000,
    }
    assert case_state(db) == CaseState.RETURNING


def test_the_first_payment_is_as_it_was(db: Database, paid: str, pay_again: Callable[..., Outcome]) -> None:
    with db.transaction(merchant=SHOP) as session:
        before = payments.payment(session, SHOP, paid)
    pay_again(paid)
    with db.transaction(merchant=SHOP) as session:
        assert payments.payment(session, SHOP, paid) == before
        assert queries.parts_of(session, SHOP, paid) == 0
        assert queries.open_states(session, SHOP, [paid]) == {}


def test_the_wallet_is_asked_by_the_second_transactions_own_number(
    db: Database,
    tools: Tools,
    paid: str,
    pay_again: Callable[..., Outcome],
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    pay_again(paid)
    (row,) = returns(db, paid)
    never_heard_of(wallets, row.refund_no)
    chase(tools, db, paid)
    sent = wallets[WECHAT].asked[-1][1]
    assert isinstance(sent, RefundToSend)
    assert (sent.transaction_id, sent.refund_no, sent.amount, sent.order_amount) == (SECOND, row.refund_no, 2000, 2000)


def test_when_it_has_gone_back_the_books_are_as_after_one_payment(
    db: Database, tools: Tools, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    once = nets(db)
    pay_again(paid)
    number = chase(tools, db, paid)
    (row,) = returns(db, paid)
    assert (row.state, row.refund_no, case_state(db)) == ("success", number, CaseState.RETURNED)
    assert nets(db) == once
    with db.transaction(merchant=SHOP) as session:
        first = payments.payment(session, SHOP, paid)
        assert first is not None
        assert first.business_date is not None
        day = payments.day(session, SHOP, first.business_date)
    assert (first.refunded, first.refund_reserved, first.fee_returned) == (0, 0, 0)
    assert (day.count, day.received, day.refunded) == (1, 2_000, 0)


def test_told_ever_again_it_goes_back_once_under_one_number(
    db: Database, tools: Tools, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    for _ in range(3):
        pay_again(paid)
    (row,) = returns(db, paid)
    with db.transaction(merchant=SHOP) as session:
        (happening,) = [one for one in feed.since(session, SHOP, after=0) if one.kind == "payment.unexplained"]
        flows.return_second_payment(tools, session, happening, now=now())
    assert [one.refund_no for one in returns(db, paid)] == [row.refund_no]


def test_silence_and_asking_again_use_the_same_number(
    db: Database,
    tools: Tools,
    paid: str,
    pay_again: Callable[..., Outcome],
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    pay_again(paid)
    (row,) = returns(db, paid)
    never_heard_of(wallets, row.refund_no)
    wallets[WECHAT].script["refund"] = [WalletUnknown("TIMEOUT")]
    chase(tools, db, paid)
    assert returns(db, paid)[0].state == "unknown"
    chase(tools, db, paid)
    sent = [question for method, question in wallets[WECHAT].asked if method == "refund"]
    assert [one.refund_no for one in sent if isinstance(one, RefundToSend)] == [row.refund_no] * 2


def test_one_the_wallet_refuses_lies_in_suspense_again_for_somebody_to_look_at(
    db: Database,
    tools: Tools,
    paid: str,
    pay_again: Callable[..., Outcome],
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    pay_again(paid)
    never_heard_of(wallets, returns(db, paid)[0].refund_no)
    wallets[WECHAT].script["refund"] = WalletRefused("NO_AUTH", "没有退款权限")
    number = chase(tools, db, paid)
    assert (returns(db, paid)[0].state, case_state(db)) == ("closed", CaseState.OPEN)
    assert nets(db)["suspense"] == -2_000
    # Gone back after all: taken out of suspense once more.
    answer = RefundAnswer(WECHAT, number, RefundState.SUCCESS, f"WX{SHOP}", amount=2_000)
    with db.transaction(merchant=SHOP) as session:
        assert operations.note_answer(session, merchant_id=SHOP, answer=answer, now=now())
    carry_events(tools)
    assert "suspense" not in nets(db)
    assert case_state(db) == CaseState.RETURNED


def test_the_owner_is_told_on_the_receipt_and_in_the_list(
    owners_browser: FlaskClient, db: Database, tools: Tools, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    pay_again(paid)
    receipt = owners_browser.get(f"/receipts/{paid}").get_data(as_text=True)
    assert "这单又付了一次 ¥20.00：不算您的收款，自动退回" in receipt
    (row,) = returns(db, paid)
    assert row.refund_no in owners_browser.get("/refunds").get_data(as_text=True)
    page = owners_browser.get(f"/refunds/{row.refund_no}").get_data(as_text=True)
    assert "顾客同一单付了两次。" in page
    assert "一码自动申请" in page
    chase(tools, db, paid)
    assert "多付的退回去了" in owners_browser.get(f"/refunds/{row.refund_no}").get_data(as_text=True)


def test_jd_is_not_asked_because_it_could_give_the_first_payment_back(
    db: Database, keyring: Keyring, pay_again: Callable[..., Outcome]
) -> None:
    order = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=now(), acquirer=JDPAY)
    assert pay_again(order, JDPAY) is Outcome.SECOND_PAYMENT
    assert returns(db, order) == []
    assert (nets(db)["suspense"], case_state(db)) == (-2_000, CaseState.OPEN)


def test_foreign_money_and_money_that_fits_nothing_wait_for_somebody(
    db: Database, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    assert pay_again(paid, currency="HKD") is Outcome.SECOND_PAYMENT
    assert pay_again("Y-NOT-OURS", transaction_id="4200003") is Outcome.UNKNOWN_ORDER
    assert returns(db, paid) == []


def test_what_two_of_staff_have_disposed_of_does_not_go_back_by_itself(
    db: Database, tools: Tools, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    which = {"merchant_id": SHOP, "transaction_no": SECOND, "amount": 2_000, "reason": "x", "now": now()}
    key = tools.keyring.reference_key
    with db.transaction(merchant=SHOP) as session:
        assert operations.return_second_payment(session, payment_no=paid, reference_key=key, **which) is None
        assert operations.return_second_payment(session, payment_no="Y-NONE", reference_key=key, **which) is None
    assert returns(db, paid) == []


def test_a_refund_of_the_first_payment_is_still_possible_in_full(
    db: Database, keyring: Keyring, paid: str, pay_again: Callable[..., Outcome]
) -> None:
    pay_again(paid)
    with db.transaction(merchant=SHOP) as session:
        asked = operations.request(
            session,
            merchant_id=SHOP,
            payment_no=paid,
            amount=2_000,
            reason="不要了",
            form_key="k",
            asked_by=None,
            reference_key=keyring.reference_key,
            now=now(),
        )
    assert asked.fresh
    assert nets(db)["refund_in_flight:wechat"] == -4_000
