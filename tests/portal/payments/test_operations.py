from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import operations, queries
from portal.payments.operations import Outcome
from portal.payments.rules import Road
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import Refused
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Wallet
from tests.factories.merchants import add_merchant

SHOP = 482913057
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")


def order(session: Session, keyring: Keyring, *, amount: int = 1234, form_key: str = "k1") -> str:
    return operations.create_order(
        session,
        merchant_id=SHOP,
        code_id=1,
        share_token=None,
        road=Road(Wallet.WECHAT, Acquirer.WECHAT),
        sub_merchant_no=f"WX{SHOP}",
        fee_rate_bp=38,
        amount=amount,
        note="",
        form_key=form_key,
        reference_key=keyring.reference_key,
        now=NOW,
    )


def paid(number: str, *, amount: int = 1234) -> PaymentAnswer:
    return PaymentAnswer(
        acquirer=Acquirer.WECHAT,
        order_no=number,
        state=PaymentState.SUCCESS,
        sub_merchant_no=f"WX{SHOP}",
        wallet=Wallet.WECHAT,
        transaction_id="4200001",
        amount=amount,
        payer_amount=amount,
        paid_at=NOW,
    )


def book(session: Session, answer: PaymentAnswer) -> Outcome:
    return operations.book(session, merchant_id=SHOP, answer=answer, payer_blind=None, now=NOW)


def test_a_double_tap_creates_one_order(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        assert order(session, keyring) == order(session, keyring)


def test_the_same_form_cannot_ask_for_another_amount(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        order(session, keyring)
        with pytest.raises(Refused, match="form_used"):
            order(session, keyring, amount=9)


def test_a_payment_is_booked_with_its_fee_its_event_and_its_number_of_the_day(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        assert book(session, paid(number)) is Outcome.BOOKED
        row = queries.payment(session, SHOP, number)
        assert row is not None
        assert (row.state, row.fee, row.day_number, row.refundable) == ("success", 5, 1, 1234)
        balances = ledger.balances(session, SHOP)
        assert balances["clearing:wechat"].net == 1229
        assert balances["merchant_payable"].net == -1234
        assert balances["fee:wechat"].net == 5
        assert [happening.kind for happening in feed.since(session, SHOP, after=0)] == [
            "payment.created",
            "payment.success",
        ]


def test_the_same_payment_told_twice_is_booked_once(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        book(session, paid(number))
        assert book(session, paid(number)) is Outcome.ALREADY_BOOKED
        assert ledger.balances(session, SHOP)["clearing:wechat"].net == 1229


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"amount": 1233}, Outcome.WRONG_AMOUNT),
        ({"currency": "USD"}, Outcome.WRONG_CURRENCY),
        ({"sub_merchant_no": "WX1"}, Outcome.WRONG_MERCHANT),
        ({"acquirer": Acquirer.JDPAY}, Outcome.WRONG_MERCHANT),
        ({"order_no": "YNOBODY"}, Outcome.UNKNOWN_ORDER),
    ],
)
def test_what_does_not_fit_the_order_is_not_credited(
    db: Database, keyring: Keyring, change: dict[str, object], outcome: Outcome
) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        assert book(session, replace(paid(number), **change)) is outcome
        assert ledger.balances(session, SHOP) == {}


def test_a_second_payment_of_one_order_is_told_apart(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        book(session, paid(number))
        assert book(session, replace(paid(number), transaction_id="4200002")) is Outcome.SECOND_PAYMENT


def test_a_late_payment_reopens_a_closed_order(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        assert operations.note_closed(session, merchant_id=SHOP, payment_no=number, now=NOW)
        assert book(session, paid(number)) is Outcome.BOOKED
        assert feed.since(session, SHOP, after=0)[-1].facts["late"] is True


def test_a_paid_order_is_never_closed(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
        book(session, paid(number))
        assert not operations.note_closed(session, merchant_id=SHOP, payment_no=number, now=NOW)


def test_another_shop_sees_nothing(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        number = order(session, keyring)
    with db.transaction(merchant=1) as session:
        assert queries.payment(session, SHOP, number) is None
    with db.transaction() as session:
        assert queries.payment(session, SHOP, number) is None
