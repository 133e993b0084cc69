"""The same money is counted in clearing once, wherever it lies; the database sees to that."""

import threading
from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.ledger import operations as ledger
from portal.ledger import queries
from portal.payments import operations as payments
from portal.payments.operations import Outcome
from portal.payments.postings import unexplained
from portal.suspense import operations
from portal.suspense.postings import cleared
from portal.suspense.queries import CaseRow
from portal.suspense.rules import Fact
from portal.wallets.errors import WalletRefused
from portal.wallets.port import Promotion
from tests.portal.suspense.conftest import AT, SHOP, Aside
from tests.portal.suspense.test_resolving import RELEASED, ask

DAY = date(2026, 11, 22)


def test_a_payment_booked_under_a_suspended_transaction_takes_it_out_of_suspense(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    confirmed()
    number = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        answer = aside.answer(number)
        assert payments.book(session, merchant_id=SHOP, answer=answer, payer_blind=None, now=AT) is Outcome.BOOKED
    assert aside.nets() == RELEASED
    with aside.staff_db.transaction() as session:
        assert queries.accounts_that_disagree(session) == []


def test_a_static_payment_takes_its_money_out_of_suspense_too(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed("4200000001", reason="not_our_number", promotions=(Promotion("1", "立减", 80, "wallet"),))
    ask(aside, row)
    with aside.db.transaction(merchant=SHOP) as session:
        taken = payments.book_static(
            session,
            merchant_id=SHOP,
            answer=aside.answer("4200000001", trade_type="NATIVE"),
            payer_blind=None,
            reference_key=aside.keyring.reference_key,
            now=AT,
        )
    assert taken.outcome is Outcome.BOOKED
    assert (aside.nets(), aside.newest().state) == (RELEASED, "booked")


def test_what_is_booked_is_not_put_aside_again(aside: Aside) -> None:
    number = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        payments.book(session, merchant_id=SHOP, answer=aside.answer(number), payer_blind=None, now=AT)
    with pytest.raises(DBAPIError, match="booked under this transaction"):
        aside.put(aside.answer(number, amount=1))
    assert aside.nets() == RELEASED


def test_booked_and_put_aside_at_the_same_moment_is_counted_once(aside: Aside) -> None:
    """Whoever comes later sees the other, because both wait at the clearing account; either order is right."""
    fitting, other = aside.order(amount=1980), aside.order(amount=2000)
    answers = aside.answer(fitting), aside.answer(other)
    started = threading.Barrier(2)

    def book() -> None:
        started.wait()
        with aside.db.transaction(merchant=SHOP) as session:
            payments.book(session, merchant_id=SHOP, answer=answers[0], payer_blind=None, now=AT)

    def put() -> None:
        started.wait()
        try:
            with aside.db.transaction(merchant=SHOP) as session:
                payments.book_unexplained(session, merchant_id=SHOP, answer=answers[1], reason="wrong_amount", now=AT)
        except DBAPIError:
            # Told again later, it is known to be booked.
            pass

    threads = [threading.Thread(target=act) for act in (book, put)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert aside.nets() == RELEASED


def test_money_that_goes_back_to_its_payer_pays_no_order(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed(reason="second_payment")
    fitting = aside.order(amount=1980)
    with aside.staff_db.transaction() as session:
        operations.follow(
            session, merchant_id=SHOP, acquirer=row.acquirer, transaction_no="T1", fact=Fact.GOES_BACK, now=AT
        )
    with pytest.raises(DBAPIError, match="goes back to its payer"), aside.db.transaction(merchant=SHOP) as session:
        payments.book(session, merchant_id=SHOP, answer=aside.answer(fitting), payer_blind=None, now=AT)


def test_there_is_one_way_out_of_suspense(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    aside.says(WalletRefused("NO_ORDER"))
    row = ask(aside, row)
    with aside.staff_db.transaction(merchant=SHOP) as session:
        operations.drop(session, row, day=DAY, now=AT)
    with pytest.raises(IntegrityError), aside.staff_db.transaction(merchant=SHOP) as session:
        operations.drop(session, row, day=DAY, now=AT)
    assert aside.nets() == {}


def test_money_put_aside_before_there_were_cases_leaves_suspense_as_well(aside: Aside) -> None:
    move = unexplained(acquirer="wechat", transaction_no="T1", amount=1980, day=DAY)
    with aside.db.transaction(merchant=SHOP) as session:
        ledger.post(session, merchant_id=SHOP, moves=[move], now=AT)
    number = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        payments.book(session, merchant_id=SHOP, answer=aside.answer(number), payer_blind=None, now=AT)
    assert aside.nets() == RELEASED
    assert cleared(acquirer="wechat", transaction_no="T1", amount=1980, day=DAY).ref == move.ref


def test_the_database_refuses_a_transfer_between_two_currencies(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    confirmed()
    values = (
        "INSERT INTO transfers (merchant_id, kind, ref, debit, credit, amount, currency, business_date, created_at)"
        " VALUES (:shop, 'payment', 'X', 'clearing:wechat', 'suspense', 1, :currency, '2026-11-22', now())"
    )
    for currency, good in (("USD", False), ("CNY", True)):
        with aside.db.transaction(merchant=SHOP) as session:
            given = {"shop": SHOP, "currency": currency}
            if good:
                session.execute(sa.text(values), given)
            else:
                with pytest.raises(IntegrityError, match="currency"):
                    session.execute(sa.text(values), given)
                session.rollback()


def test_a_payment_of_nothing_is_told_of_and_not_posted(aside: Aside) -> None:
    row = aside.put(aside.answer(aside.order(), amount=0))
    assert (row.kept, row.amount, aside.nets()) == (False, 0, {})
