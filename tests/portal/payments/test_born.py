"""Payments that no order of ours asked for: told by the acquirer, or by the clearing side's stand-in."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import operations, queries
from portal.payments.models import Payment
from portal.payments.operations import Outcome, WalletNote
from portal.payments.queries import PaymentRow
from portal.payments.rules import Availability, availability
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations as refunds
from portal.refunds.rules import payer_gets
from portal.values.errors import NotAllowedNow
from portal.values.references import Kind, merchant_of
from portal.wallets.directory import Holding
from portal.wallets.port import PaymentAnswer
from portal.wallets.routed import RoutedPayment
from tests.factories.merchants import add_merchant
from tests.factories.static_codes import NOW, REPORTED, ROUTED, SHOP, STATIC, link


@pytest.fixture(autouse=True)
def shop(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊")


def book(session: Session, keyring: Keyring, answer: PaymentAnswer = STATIC) -> operations.Taken:
    return operations.book_static(
        session,
        merchant_id=SHOP,
        answer=answer,
        payer_blind=None,
        reference_key=keyring.reference_key,
        now=NOW,
    )


def report(session: Session, keyring: Keyring, word: RoutedPayment = REPORTED) -> operations.Taken:
    return operations.book_reported(
        session, merchant_id=SHOP, code_id=1, word=word, reference_key=keyring.reference_key, now=NOW
    )


def only(session: Session) -> PaymentRow:
    (number,) = session.scalars(sa.select(Payment.payment_no))
    row = queries.payment(session, SHOP, number)
    assert row is not None
    return row


def test_a_static_codes_payment_is_owed_like_any_other(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        assert book(session, keyring) == operations.Taken(Outcome.BOOKED, fresh=True)
        row = only(session)
        assert merchant_of(row.payment_no, kind=Kind.ORDER, key=keyring.reference_key) == SHOP
        assert (row.state, row.source, row.acquirers_number) == ("success", "static_code", STATIC.order_no)
        assert (row.amount, row.payer_amount, row.fee, row.day_number) == (2_000, 1_700, 8, 1)
        assert row.promotions == [{"id": "G1", "name": "京东扫码付立减", "amount": 300, "paid_by": "other"}]
        assert (row.wallet, row.availability, row.refundable) == ("unknown", Availability.AVAILABLE, 2_000)
        balances = ledger.balances(session, SHOP)
        assert (balances["clearing:wechat"].net, balances["merchant_payable"].net) == (1_992, -2_000)
        (happening,) = feed.since(session, SHOP, after=0, most=10)
    assert (happening.kind, happening.facts["source"], happening.facts["number"]) == (
        "payment.success",
        "static_code",
        1,
    )


def test_only_an_openid_proves_that_it_was_wechats_own_wallet(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        book(session, keyring, replace(STATIC, payer_id="openid-1"))
        assert only(session).wallet == "wechat"


def test_told_twice_it_is_booked_once(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        book(session, keyring)
        assert book(session, keyring) == operations.Taken(Outcome.ALREADY_BOOKED, fresh=False)
        assert book(session, keyring, replace(STATIC, amount=2_001)).outcome is Outcome.WRONG_AMOUNT
        assert queries.day(session, SHOP, only(session).business_date or NOW.date()).received == 2_000


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"sub_merchant_no": "WX1"}, Outcome.WRONG_MERCHANT),
        ({"currency": "USD"}, Outcome.WRONG_CURRENCY),
        ({"payer_amount": 2_001}, Outcome.WRONG_AMOUNT),
    ],
)
def test_what_does_not_fit_the_contract_goes_to_suspense(
    db: Database, keyring: Keyring, change: dict[str, Any], outcome: Outcome
) -> None:
    with db.transaction(merchant=SHOP) as session:
        assert book(session, keyring, replace(STATIC, **change)) == operations.Taken(outcome, fresh=True)
        assert session.scalars(sa.select(Payment.payment_no)).all() == []
        assert [one.kind for one in feed.since(session, SHOP, after=0, most=10)] == ["payment.unexplained"]


def test_it_belongs_to_the_only_linked_code_of_the_contract_or_to_none(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        link(session, 1, Holding.PERSONAL)
        link(session, 2, Holding.OWN_SUB_MERCHANT)
        book(session, keyring)
        assert only(session).code_id == 2
        link(session, 3, Holding.OWN_SUB_MERCHANT)
        book(session, keyring, replace(STATIC, transaction_id="4200002"))
        found = session.scalar(sa.select(Payment.code_id).where(Payment.transaction_no == "4200002"))
    assert found is None


def test_another_contracts_payment_is_a_receipt_that_nobody_owes_us(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        link(session, 1, Holding.PERSONAL)
        assert report(session, keyring) == operations.Taken(Outcome.BOOKED, fresh=True)
        assert report(session, keyring) == operations.Taken(Outcome.ALREADY_BOOKED, fresh=False)
        row = only(session)
        assert (row.source, row.wallet, row.acquirer, row.fee) == ("interconnect", "jdpay", "wechat", 0)
        assert (row.availability, row.refundable) == (Availability.UNAVAILABLE, 0)
        assert ledger.balances(session, SHOP) == {}
        assert queries.day(session, SHOP, row.business_date or NOW.date()).received == 2_000
        with pytest.raises(NotAllowedNow, match="not_ours"):
            refunds.request(
                session,
                merchant_id=SHOP,
                payment_no=row.payment_no,
                amount=1,
                reason="退",
                form_key="k",
                asked_by=None,
                reference_key=keyring.reference_key,
                now=NOW,
            )


def test_the_database_itself_refuses_such_a_refund(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        link(session, 1, Holding.PERSONAL)
        report(session, keyring)
        with pytest.raises(IntegrityError, match="not_ours_to_refund"), session.begin_nested():
            session.execute(sa.update(Payment).values(refund_reserved=1))


def test_the_clearing_side_tells_which_wallet_paid_and_who_gave_the_reduction(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        assert operations.note_wallet(session, merchant_id=SHOP, word=ROUTED, now=NOW) is WalletNote.NO_PAYMENT
        book(session, keyring)
        assert operations.note_wallet(session, merchant_id=SHOP, word=ROUTED, now=NOW) is WalletNote.NOTED
        assert operations.note_wallet(session, merchant_id=SHOP, word=ROUTED, now=NOW) is WalletNote.KNOWN
    with db.transaction(merchant=SHOP) as session:
        row = only(session)
        told = feed.since(session, SHOP, after=0, most=10)[-1]
    assert (row.wallet, row.promotions[0]["paid_by"]) == ("jdpay", "wallet")
    assert (told.kind, told.subject, told.facts["wallet"]) == ("payment.wallet_told", row.payment_no, "jdpay")


def test_a_word_that_does_not_fit_changes_nothing(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        book(session, keyring)
        other = replace(ROUTED, amount=2_001)
        assert operations.note_wallet(session, merchant_id=SHOP, word=other, now=NOW) is WalletNote.WRONG_AMOUNT
        book(session, keyring, replace(STATIC, transaction_id="4200003", payer_id="openid-1"))
        other = replace(ROUTED, transaction_id="4200003")
        assert operations.note_wallet(session, merchant_id=SHOP, word=other, now=NOW) is WalletNote.OTHER_WALLET
        wallets = session.scalars(sa.select(Payment.wallet).order_by(Payment.transaction_no)).all()
    assert wallets == ["unknown", "wechat"]


def test_half_of_twenty_yuan_with_three_off_gives_the_payer_eight_fifty(db: Database, keyring: Keyring) -> None:
    with db.transaction(merchant=SHOP) as session:
        book(session, keyring)
        row = only(session)
    assert payer_gets(amount=1_000, payer_amount=row.payer_amount or 0, order_amount=row.amount) == 850


@pytest.mark.parametrize(
    ("source", "refunded", "reserved", "standing"),
    [
        ("order", 0, 0, Availability.AVAILABLE),
        ("static_code", 50, 20, Availability.AVAILABLE),
        ("order", 50, 50, Availability.PENDING),
        ("order", 100, 0, Availability.FULL),
        ("interconnect", 0, 0, Availability.UNAVAILABLE),
    ],
)
def test_availability(source: str, refunded: int, reserved: int, standing: Availability) -> None:
    assert availability(source=source, paid=True, amount=100, refunded=refunded, reserved=reserved) is standing
    unpaid = availability(source=source, paid=False, amount=100, refunded=0, reserved=0)
    assert unpaid is Availability.UNAVAILABLE
