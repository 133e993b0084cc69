"""A wallet's word that does not fit: nothing of it is credited, whatever else becomes of it."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import flows, operations, postings, queries
from portal.payments.flows import Parties
from portal.payments.models import Payment
from portal.payments.operations import Outcome, WalletNote
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.suspense.models import SuspenseCase
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Promotion, Wallet
from tests.factories.payments import add_order
from tests.factories.static_codes import ROUTED, STATIC
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import NOW, SHOP, owner

__all__ = ["owner"]
WECHAT = Acquirer.WECHAT


@pytest.fixture
def order(db: Database, keyring: Keyring) -> str:
    """¥12.34 by WeChat Pay, not paid."""
    return add_order(db, keyring, merchant_id=SHOP, amount=1_234, now=NOW)


@pytest.fixture
def word(order: str) -> PaymentAnswer:
    """The wallet's word that fits it."""
    return PaymentAnswer(
        WECHAT,
        order,
        PaymentState.SUCCESS,
        f"WX{SHOP}",
        wallet=Wallet.WECHAT,
        transaction_id="4200001",
        amount=1_234,
        paid_at=NOW,
    )


def take(session: Session, answer: PaymentAnswer) -> operations.Taken:
    return operations.take(session, merchant_id=SHOP, answer=answer, payer_blind="someone", now=NOW)


def static(session: Session, keyring: Keyring, answer: PaymentAnswer) -> operations.Taken:
    return operations.book_static(
        session, merchant_id=SHOP, answer=answer, payer_blind=None, reference_key=keyring.reference_key, now=NOW
    )


def released(session: Session, keyring: Keyring, answer: PaymentAnswer) -> str:
    return operations.book_released(
        session, merchant_id=SHOP, answer=answer, payer_blind=None, reference_key=keyring.reference_key, now=NOW
    )


def nets(session: Session) -> dict[str, int]:
    return {code: row.net for code, row in ledger.balances(session, SHOP).items() if row.net}


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"amount": 1_233}, Outcome.WRONG_AMOUNT),
        ({"amount": 1_235}, Outcome.WRONG_AMOUNT),
        ({"payer_amount": 1_235}, Outcome.WRONG_AMOUNT),
        ({"payer_amount": -1}, Outcome.WRONG_AMOUNT),
        ({"currency": "HKD"}, Outcome.WRONG_CURRENCY),
        ({"sub_merchant_no": "WX1"}, Outcome.WRONG_MERCHANT),
        ({"acquirer": Acquirer.JDPAY}, Outcome.WRONG_MERCHANT),
        ({"order_no": "Y-NOBODYS"}, Outcome.UNKNOWN_ORDER),
        ({"order_no": None}, Outcome.UNKNOWN_ORDER),
    ],
)
def test_it_is_not_credited_and_lies_in_suspense_once(
    db: Database, order: str, word: PaymentAnswer, change: dict[str, Any], outcome: Outcome
) -> None:
    answer = replace(word, **change)
    with db.transaction(merchant=SHOP) as session:
        assert take(session, answer) == operations.Taken(outcome, fresh=True)
        assert take(session, answer) == operations.Taken(outcome, fresh=False)
        row = queries.payment(session, SHOP, order)
        assert row is not None
        assert (row.state, row.transaction_no) == ("created", None)
        kept = 0 if outcome is Outcome.WRONG_CURRENCY else answer.amount or 0
        assert -nets(session).get("suspense", 0) == kept
        assert nets(session).get("merchant_payable", 0) == 0
        assert [one.kind for one in feed.since(session, SHOP, after=0)].count("payment.unexplained") == 1
        assert session.scalars(sa.select(SuspenseCase.reason)).all() == [outcome]


def test_without_what_the_payer_paid_he_paid_all_of_it(db: Database, order: str, word: PaymentAnswer) -> None:
    with db.transaction(merchant=SHOP) as session:
        assert take(session, word) == operations.Taken(Outcome.BOOKED, fresh=True)
        row = queries.payment(session, SHOP, order)
    assert row is not None
    assert row.payer_amount == 1_234


def test_promotions_are_kept_with_who_paid_them(db: Database, order: str, word: PaymentAnswer) -> None:
    answer = replace(word, payer_amount=934, promotions=(Promotion("P1", "立减", 300, "wallet"),))
    with db.transaction(merchant=SHOP) as session:
        take(session, answer)
        row = queries.payment(session, SHOP, order)
    assert row is not None
    assert row.promotions == [{"id": "P1", "name": "立减", "amount": 300, "paid_by": "wallet"}]


def test_one_transaction_pays_one_order(db: Database, keyring: Keyring, word: PaymentAnswer) -> None:
    other = add_order(db, keyring, merchant_id=SHOP, amount=1_234, now=NOW)
    with db.transaction(merchant=SHOP) as session:
        take(session, word)
        before = nets(session)
        for number in (other, "Y-NOBODYS"):
            told = take(session, replace(word, order_no=number))
            assert told == operations.Taken(Outcome.BOOKED_ELSEWHERE, fresh=True)
        assert static(session, keyring, replace(word, order_no="4200")).outcome is Outcome.BOOKED_ELSEWHERE
        assert nets(session) == before


@pytest.mark.parametrize(
    "change", [{"state": PaymentState.UNPAID}, {"amount": None}, {"transaction_id": None}], ids=str
)
def test_only_a_whole_word_of_success_can_be_booked(
    db: Database, keyring: Keyring, word: PaymentAnswer, change: dict[str, Any]
) -> None:
    answer = replace(word, **change)
    with db.transaction(merchant=SHOP) as session:
        with pytest.raises(ValueError, match="only a successful answer"):
            take(session, answer)
        with pytest.raises(ValueError, match="only a successful answer"):
            static(session, keyring, answer)
        if "state" in change:
            return
        with pytest.raises(ValueError, match="only a successful answer"):
            operations.book_unexplained(session, merchant_id=SHOP, answer=answer, reason="x", now=NOW)
        with pytest.raises(ValueError, match="only a successful answer"):
            released(session, keyring, answer)
    if answer.amount is None:
        with pytest.raises(ValueError, match="only a successful answer"):
            operations.paid_values(merchant_id=SHOP, answer=answer, fee_rate_bp=38, payer_blind=None, now=NOW)


def test_what_is_released_is_a_receipt_of_its_own_at_what_was_paid(
    db: Database, keyring: Keyring, order: str, word: PaymentAnswer
) -> None:
    answer = replace(word, amount=1_300)
    with db.transaction(merchant=SHOP) as session:
        take(session, answer)
        row = queries.payment(session, SHOP, released(session, keyring, answer))
        assert row is not None
        assert (row.source, row.amount, row.acquirers_number, row.code_id) == ("suspense", 1_300, order, 1)
        assert "suspense" not in nets(session)
        assert nets(session)["merchant_payable"] == -1_300
        with pytest.raises(NotAllowedNow, match="booked_already"):
            released(session, keyring, answer)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sub_merchant_no": "WX1"}, "other_contract"),
        ({"currency": "HKD"}, "foreign_money"),
        ({"amount": 0}, "foreign_money"),
        ({"payer_amount": 1_235}, "foreign_money"),
    ],
)
def test_what_is_not_owed_under_the_contract_is_not_released(
    db: Database, keyring: Keyring, word: PaymentAnswer, change: dict[str, Any], reason: str
) -> None:
    with db.transaction(merchant=SHOP) as session, pytest.raises(NotAllowedNow, match=reason):
        released(session, keyring, replace(word, **change))


def test_a_payment_on_jds_own_code_was_made_by_the_wallet_jd_names(db: Database, keyring: Keyring) -> None:
    answer = replace(STATIC, acquirer=Acquirer.JDPAY, sub_merchant_no=f"JD{SHOP}", wallet=Wallet.JDPAY)
    with db.transaction(merchant=SHOP) as session:
        assert static(session, keyring, answer).outcome is Outcome.BOOKED
        assert session.scalars(sa.select(Payment.wallet)).all() == ["jdpay"]


def test_the_wallet_is_learned_without_a_reduction_too(db: Database, keyring: Keyring) -> None:
    plain = replace(STATIC, payer_amount=STATIC.amount, promotions=())
    with db.transaction(merchant=SHOP) as session:
        static(session, keyring, plain)
        assert operations.note_wallet(session, merchant_id=SHOP, word=ROUTED, now=NOW) is WalletNote.NOTED
        assert session.execute(sa.select(Payment.wallet, Payment.promotions)).one() == ("jdpay", [])


def test_at_a_rate_of_nought_no_fee_is_posted() -> None:
    moves = postings.received(payment_no="Y1", acquirer="wechat", amount=100, fee_amount=0, day=NOW.date())
    assert [move.kind for move in moves] == ["payment"]


def test_a_browser_that_comes_back_about_a_paid_order_is_no_reason_to_ask(
    db: Database, keyring: Keyring, order: str, word: PaymentAnswer, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    with db.transaction(merchant=SHOP) as session:
        take(session, word)
    parties = Parties(db, keyring, wallets, "http://127.0.0.1:8000")
    flows.came_back(parties, merchant_id=SHOP, payment_no=order, fields={})
    assert wallets[WECHAT].asked == []
