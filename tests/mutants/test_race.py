"""Many at once: what is right for one after the other must be right for all together."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError, TimeoutError

from portal.events import queries as feed
from portal.ledger import operations as ledger_operations
from portal.ledger import queries as ledger
from portal.ledger.rules import Move
from portal.notices.flows import receive
from portal.notices.flows import receiving as receiving_flow
from portal.payments import operations as payments
from portal.payments import queries as payment_queries
from portal.payments.flows import Parties
from portal.payments.operations import Outcome
from portal.payments.rules import Road
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations as refunds
from portal.values.day import business_date
from portal.values.errors import Refused
from portal.wallets.port import RefundAnswer, RefundState, Wallet
from tests.conftest import TestDatabase
from tests.factories.payments import add_order, add_payment
from tests.mutants.bank import NOW, SHOP, SUB_MERCHANT, WECHAT, Bank

_TRIES = 6

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def many(database: TestDatabase) -> Iterator[Database]:
    """A connection for each thread."""
    opened = Database(database.app, pool_size=25)
    yield opened
    opened.close()


@pytest.fixture
def parties(many: Database, keyring: Keyring) -> Parties:
    return Parties(many, keyring, {WECHAT: Bank()}, "http://127.0.0.1:8000")  # type: ignore[dict-item]


@pytest.fixture(params=["in one round trip", "the long way"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice is booked in one statement, or step by step where that statement found something unusual."""
    if request.param == "the long way":
        monkeypatch.setattr(receiving_flow.ordinary, "take", lambda *_, **__: None)


def at_once(number: int, what: Callable[[int], Any]) -> list[Any]:
    """What each of `number` threads came to, all let go at one moment: its answer, or what it raised."""
    everybody = threading.Barrier(number)

    def one(place: int) -> Any:
        everybody.wait()
        for _ in range(_TRIES):
            try:
                return what(place)
            except (OperationalError, TimeoutError) as problem:
                # Waited too long for a lock or a connection, as happens on a busy machine: whoever asked asks again.
                last: Exception = problem
            except Exception as problem:
                return problem
        return last

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def tell(parties: Parties, body: bytes) -> tuple[int, str]:
    answered = receive(parties, acquirer=WECHAT, headers={}, body=body, now=NOW, real_now=NOW)
    return answered.status, answered.outcome


def nets(db: Database) -> dict[str, int]:
    with db.transaction(merchant=SHOP) as session:
        return {code: found.net for code, found in ledger.balances(session, SHOP).items() if found.net}


def kinds(db: Database) -> list[str]:
    """What the feed tells, without the orders' own creation; its numbers have no gap."""
    with db.transaction(merchant=SHOP) as session:
        told = feed.since(session, SHOP, after=0, most=1000)
    assert [each.seq for each in told] == list(range(1, len(told) + 1))
    return [each.kind for each in told if each.kind != "payment.created"]


def day(db: Database) -> tuple[int, int, int]:
    """Count, received and refunded of the day, as the pages read them."""
    with db.transaction(merchant=SHOP) as session:
        row = session.connection().exec_driver_sql("SELECT count, received, refunded FROM day_totals").one()
    return tuple(row)  # type: ignore[return-value]


def assert_ledger_holds(staff_db: Database) -> None:
    with staff_db.transaction() as session:
        assert ledger.accounts_that_disagree(session) == []


def test_twenty_posters_at_once_add_up_and_post_a_fact_they_share_once(staff_db: Database, many: Database) -> None:
    def move(ref: str, credit: str) -> Move:
        return Move("test", ref, "clearing:wechat", credit, amount=100, business_date=business_date(NOW))

    def post(place: int) -> bool:
        for turn in range(3):
            own = move(f"{place}-{turn}", "suspense" if place % 2 else "merchant_payable")
            with many.transaction(merchant=SHOP) as session:
                ledger_operations.post_once(session, merchant_id=SHOP, move=own, now=NOW)
        with many.transaction(merchant=SHOP) as session:
            shared = move("shared", "fee:wechat")
            return ledger_operations.post_once(session, merchant_id=SHOP, move=shared, now=NOW)

    assert Counter(at_once(20, post)) == {True: 1, False: 19}
    assert nets(many) == {"clearing:wechat": 6_100, "suspense": -3_000, "merchant_payable": -3_000, "fee:wechat": -100}
    assert_ledger_holds(staff_db)


@pytest.mark.usefixtures("road")
@pytest.mark.parametrize("tellings", [1, 20])
def test_fifty_tellings_of_one_payment_at_once_are_one_payment(
    db: Database, staff_db: Database, keyring: Keyring, parties: Parties, tellings: int
) -> None:
    bank: Any = parties.wallets[WECHAT]
    number = add_order(db, keyring, merchant_id=SHOP, amount=1234, now=NOW)
    bank.pay(number, 1234)
    bodies = [bank.tell(number, telling=str(place % tellings)) for place in range(50)]
    answers = at_once(25, lambda place: [tell(parties, body) for body in bodies[place::25]])
    assert {status for some in answers for status, _ in some} == {204}
    assert nets(db) == {"clearing:wechat": 1229, "fee:wechat": 5, "merchant_payable": -1234}
    assert (kinds(db), day(db)) == (["payment.success"], (1, 1234, 0))
    assert_ledger_holds(staff_db)


@pytest.mark.usefixtures("road")
def test_twenty_payers_at_once_each_have_a_place_in_the_day(
    db: Database, staff_db: Database, keyring: Keyring, parties: Parties
) -> None:
    bank: Any = parties.wallets[WECHAT]
    numbers = [add_order(db, keyring, merchant_id=SHOP, amount=1000 + place, now=NOW) for place in range(20)]
    for place, number in enumerate(numbers):
        bank.pay(number, 1000 + place)
    bodies = [bank.tell(number) for number in numbers]
    assert set(at_once(20, lambda place: tell(parties, bodies[place]))) == {(204, "applied")}
    with db.transaction(merchant=SHOP) as session:
        rows = [payment_queries.payment(session, SHOP, number) for number in numbers]
    assert sorted(row.day_number or 0 for row in rows if row) == list(range(1, 21))
    assert (day(db), nets(db)["merchant_payable"]) == ((20, 20_190, 0), -20_190)
    assert kinds(db) == ["payment.success"] * 20
    assert_ledger_holds(staff_db)


def test_a_notice_and_twenty_answers_to_questions_at_once_are_one_payment(
    db: Database, keyring: Keyring, many: Database
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=1234, now=NOW)
    bank = Bank()
    bank.pay(number, 1234)

    def book(_place: int) -> Outcome:
        with many.transaction(merchant=SHOP) as session:
            return payments.book(session, merchant_id=SHOP, answer=bank.answer(number), payer_blind=None, now=NOW)

    assert Counter(at_once(20, book)) == {Outcome.BOOKED: 1, Outcome.ALREADY_BOOKED: 19}
    assert nets(db)["merchant_payable"] == -1234


def test_what_fits_no_order_told_by_twenty_at_once_is_put_aside_once(
    db: Database, keyring: Keyring, parties: Parties
) -> None:
    bank: Any = parties.wallets[WECHAT]
    number = add_order(db, keyring, merchant_id=SHOP, amount=500, now=NOW)
    bank.pay(number, 500)
    tell(parties, bank.tell(number))
    bodies = [bank.tell(number, telling=str(place), transaction="T-second") for place in range(20)]
    assert {status for status, _ in at_once(20, lambda place: tell(parties, bodies[place]))} == {204}
    assert nets(db)["suspense"] == -500
    assert kinds(db).count("payment.unexplained") == 1


def test_twenty_taps_on_the_payers_page_at_once_are_one_order(db: Database, keyring: Keyring, many: Database) -> None:
    def tap(_place: int) -> str:
        with many.transaction(merchant=SHOP) as session:
            return payments.create_order(
                session,
                merchant_id=SHOP,
                code_id=1,
                share_token=None,
                road=Road(Wallet.WECHAT, WECHAT),
                sub_merchant_no=SUB_MERCHANT,
                fee_rate_bp=38,
                amount=500,
                note="",
                form_key="one form",
                reference_key=keyring.reference_key,
                now=NOW,
            )

    assert len(set(at_once(20, tap))) == 1


def test_twenty_taps_on_one_refund_form_at_once_are_one_refund(db: Database, keyring: Keyring, many: Database) -> None:
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=NOW)

    def tap(_place: int) -> str:
        with many.transaction(merchant=SHOP) as session:
            return refunds.request(
                session,
                merchant_id=SHOP,
                payment_no=paid,
                amount=3_000,
                reason="多收了",
                form_key="one form",
                asked_by=None,
                reference_key=keyring.reference_key,
                now=NOW,
            ).refund_no

    assert len(set(at_once(20, tap))) == 1
    assert nets(db)["refund_in_flight:wechat"] == -3_000


def test_forty_refunds_at_once_then_their_arrivals_told_twice_at_once(
    db: Database, staff_db: Database, keyring: Keyring, many: Database
) -> None:
    """¥30 each of ¥100.00: three pass. Their arrivals take the fee back once each, and the day counts each once."""
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=NOW)

    def ask(place: int) -> str | None:
        with many.transaction(merchant=SHOP) as session:
            try:
                return refunds.request(
                    session,
                    merchant_id=SHOP,
                    payment_no=paid,
                    amount=3_000,
                    reason="多收了",
                    form_key=f"tap-{place}",
                    asked_by=None,
                    reference_key=keyring.reference_key,
                    now=NOW,
                ).refund_no
            except Refused:
                return None

    passed = [number for place in (0, 20) for number in at_once(20, lambda one: ask(place + one)) if number]  # noqa: B023
    assert len(passed) == 3
    assert (nets(db)["refund_in_flight:wechat"], nets(db)["merchant_payable"]) == (-9_000, -1_000)

    def arrive(place: int) -> bool:
        answer = RefundAnswer(
            WECHAT, passed[place % 3], RefundState.SUCCESS, SUB_MERCHANT, amount=3_000, arrived_at=NOW
        )
        with many.transaction(merchant=SHOP) as session:
            return refunds.note_answer(session, merchant_id=SHOP, answer=answer, now=NOW)

    assert Counter(at_once(12, arrive)) == {True: 3, False: 9}
    assert nets(db) == {"clearing:wechat": 1_000 - 38 + 33, "fee:wechat": 5, "merchant_payable": -1_000}
    assert day(db) == (1, 10_000, 9_000)
    assert kinds(db).count("refund.success") == 3
    assert_ledger_holds(staff_db)


def test_refunds_of_twenty_payments_arriving_at_once_all_count_in_the_day(
    db: Database, staff_db: Database, keyring: Keyring, many: Database
) -> None:
    numbers = []
    for place in range(20):
        paid = add_payment(db, keyring, merchant_id=SHOP, amount=1_000, now=NOW)
        with db.transaction(merchant=SHOP) as session:
            numbers.append(
                refunds.request(
                    session,
                    merchant_id=SHOP,
                    payment_no=paid,
                    amount=100 + place,
                    reason="多收了",
                    form_key=f"form-{place}",
                    asked_by=None,
                    reference_key=keyring.reference_key,
                    now=NOW,
                ).refund_no
            )

    def arrive(place: int) -> bool:
        answer = RefundAnswer(WECHAT, numbers[place], RefundState.SUCCESS, SUB_MERCHANT, arrived_at=NOW)
        with many.transaction(merchant=SHOP) as session:
            return refunds.note_answer(session, merchant_id=SHOP, answer=answer, now=NOW)

    assert set(at_once(20, arrive)) == {True}
    assert day(db) == (20, 20_000, 2_190)
    assert_ledger_holds(staff_db)
