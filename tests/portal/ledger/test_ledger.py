"""The ledger: cached sums are the sums of their transfers whatever is posted, nothing is doubled, nobody deadlocks."""

import threading
from collections import defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from portal.ledger import operations, queries
from portal.ledger.rules import Move
from portal.plumbing.db import Database
from tests.conftest import TestDatabase

SHOP, OTHER = 482913057, 482913058
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
DAY = date(2026, 11, 22)
CODES = ("clearing:wechat", "clearing:jdpay", "merchant_payable", "fee:wechat", "suspense")
PAIRS = st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)).filter(lambda pair: pair[0] != pair[1])
LEGS = st.lists(st.tuples(PAIRS, st.integers(1, 10**12)), max_size=6)


def move(ref: str, *, debit: str = "clearing:wechat", credit: str = "merchant_payable", amount: int = 100) -> Move:
    return Move("test", ref, debit, credit, amount, DAY)


def post(db: Database, *moves: Move, merchant_id: int = SHOP) -> None:
    with db.transaction(merchant=merchant_id) as session:
        operations.post(session, merchant_id=merchant_id, moves=moves, now=NOW)


def sums(db: Database, merchant_id: int = SHOP) -> dict[str, tuple[int, int]]:
    with db.transaction(merchant=merchant_id) as session:
        found = queries.balances(session, merchant_id)
    return {code: (balance.debits, balance.credits) for code, balance in found.items()}


def disagreements(staff_db: Database) -> list[tuple[int, str]]:
    with staff_db.transaction() as session:
        return queries.accounts_that_disagree(session)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(postings=st.lists(LEGS, max_size=5))
def test_cached_sums_are_the_sums_of_the_transfers(
    db: Database, staff_db: Database, postings: list[list[tuple[tuple[str, str], int]]]
) -> None:
    before = sums(db)
    expected: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0), before)
    with db.transaction(merchant=SHOP) as session:
        begun = len(queries.transfers(session, SHOP))
    for place, legs in enumerate(postings):
        moves = [
            Move("test", f"{begun}-{place}-{leg}", debit, credit, amount, DAY)
            for leg, ((debit, credit), amount) in enumerate(legs)
        ]
        post(db, *moves)
        for (debit, credit), amount in legs:
            expected[debit] = (expected[debit][0] + amount, expected[debit][1])
            expected[credit] = (expected[credit][0], expected[credit][1] + amount)
    assert sums(db) == dict(expected)
    assert disagreements(staff_db) == []
    assert sum(debits - credits for debits, credits in sums(db).values()) == 0


def test_the_same_fact_is_refused_a_second_time_and_nothing_moves(db: Database) -> None:
    post(db, move("Y1"))
    with pytest.raises(IntegrityError):
        post(db, move("Y2"), move("Y1", amount=7))
    assert sums(db) == {"clearing:wechat": (100, 0), "merchant_payable": (0, 100)}


def test_the_same_number_may_be_another_kind_of_fact_or_another_merchants(db: Database) -> None:
    post(db, move("Y1"), Move("fee", "Y1", "fee:wechat", "clearing:wechat", 5, DAY))
    post(db, move("Y1"), merchant_id=OTHER)
    assert sums(db)["clearing:wechat"] == (100, 5)
    assert sums(db, OTHER)["clearing:wechat"] == (100, 0)


def test_a_fact_posted_once_is_not_posted_again_and_the_transaction_lives_on(db: Database) -> None:
    with db.transaction(merchant=SHOP) as session:
        told = [operations.post_once(session, merchant_id=SHOP, move=move("T1"), now=NOW) for _ in range(3)]
        operations.post(session, merchant_id=SHOP, moves=[move("Y1", amount=1)], now=NOW)
    assert told == [True, False, False]
    assert sums(db)["clearing:wechat"] == (101, 0)


def test_of_many_who_post_a_fact_once_one_does(db: Database, staff_db: Database) -> None:
    told: list[bool] = []
    started = threading.Barrier(8)

    def write() -> None:
        started.wait()
        with db.transaction(merchant=SHOP) as session:
            told.append(operations.post_once(session, merchant_id=SHOP, move=move("T1"), now=NOW))

    run_together([write] * 8)
    assert sorted(told) == [False] * 7 + [True]
    assert sums(db)["clearing:wechat"] == (100, 0)
    assert disagreements(staff_db) == []


@pytest.mark.parametrize("known", [True, False])
def test_posters_that_touch_the_same_accounts_crosswise_do_not_deadlock(
    db: Database, staff_db: Database, known: bool
) -> None:
    if known:
        post(db, *(move(f"open-{code}", debit=code, credit="rebate_expense") for code in CODES))
    started = threading.Barrier(4)

    def poster(name: int, codes: tuple[str, ...]) -> None:
        started.wait()
        for number in range(15):
            chain = pairwise(codes)
            post(db, *(move(f"{name}-{number}-{debit}", debit=debit, credit=credit) for debit, credit in chain))

    run_together([lambda name=name: poster(name, CODES[:: 1 - 2 * (name % 2)]) for name in range(4)])
    assert disagreements(staff_db) == []
    with db.transaction(merchant=SHOP) as session:
        assert len(queries.transfers(session, SHOP)) == 4 * 15 * 4 + (5 if known else 0)


def run_together(deeds: list) -> None:
    """Each in a thread; the first error of any is raised."""
    errors: list[BaseException] = []

    def guarded(deed) -> None:
        try:
            deed()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_money_asked_back_comes_out_of_its_account_and_never_more(db: Database) -> None:
    asked = Move("refund_requested", "R1", "merchant_payable", "refund_in_flight:wechat", 100, DAY)
    arrived = Move("refund_arrived", "R1", "refund_in_flight:wechat", "clearing:wechat", 100, DAY)
    post(db, asked)
    post(db, arrived)
    assert sums(db)["refund_in_flight:wechat"] == (100, 100)
    with pytest.raises(IntegrityError):
        post(db, Move("refund_arrived", "R2", "refund_in_flight:wechat", "clearing:wechat", 1, DAY))


def test_another_merchants_ledger_cannot_be_written(db: Database) -> None:
    with pytest.raises(Exception, match="row-level security"), db.transaction(merchant=OTHER) as session:
        operations.post(session, merchant_id=SHOP, moves=[move("Y1")], now=NOW)


def test_nothing_to_post_is_no_error(db: Database) -> None:
    post(db)
    assert sums(db) == {}


@pytest.mark.parametrize(("amount", "debit"), [(0, "suspense"), (-1, "suspense"), (1, "merchant_payable")])
def test_what_is_no_transfer_cannot_even_be_said(amount: int, debit: str) -> None:
    with pytest.raises(ValueError):
        move("Y1", debit=debit, amount=amount)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET debits = debits + 1 WHERE code = 'clearing:wechat'",
        "INSERT INTO accounts (merchant_id, code, debits, credits) VALUES (482913057, 'suspense', 1, 1)",
    ],
)
def test_a_cached_sum_that_is_wrong_is_found(
    db: Database, staff_db: Database, database: TestDatabase, statement: str
) -> None:
    post(db, move("Y1"))
    with psycopg.connect(database.staff) as connection:
        connection.execute(statement)
    assert len(disagreements(staff_db)) == 1


def test_a_transfer_that_was_changed_is_found(db: Database, staff_db: Database, database: TestDatabase) -> None:
    post(db, move("Y1"), move("Y2", debit="fee:wechat", credit="clearing:wechat", amount=5))
    with psycopg.connect(database.owner) as connection:
        connection.execute("ALTER TABLE transfers NO FORCE ROW LEVEL SECURITY")
        assert connection.execute("UPDATE transfers SET amount = 4 WHERE ref = 'Y2'").rowcount == 1
        connection.execute("ALTER TABLE transfers FORCE ROW LEVEL SECURITY")
    assert sorted(disagreements(staff_db)) == [(SHOP, "clearing:wechat"), (SHOP, "fee:wechat")]
