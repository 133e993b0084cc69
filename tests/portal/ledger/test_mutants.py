"""What small faults drawn at random changed unseen (docs/proof-mutants.md): each reading of the ledger is held here."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from portal.ledger import operations, queries
from portal.ledger.models import Account
from portal.ledger.rules import SUSPENSE, Move, clearing, fee, refund_in_flight
from portal.plumbing.db import Database
from tests.conftest import TestDatabase

SHOP, OTHER = 482913057, 482913058
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
DAY = date(2026, 11, 22)


def move(kind: str, ref: str, debit: str, credit: str, amount: int, *, day: date = DAY) -> Move:
    return Move(kind, ref, debit, credit, amount, day)


def post(db: Database, *moves: Move, shop: int = SHOP) -> None:
    with db.transaction(merchant=shop) as session:
        operations.post(session, merchant_id=shop, moves=moves, now=NOW)


@pytest.fixture
def posted(staff_db: Database) -> None:
    """Two shops, three days, two kinds."""
    payable, tomorrow = "merchant_payable", DAY + timedelta(days=1)
    post(
        staff_db,
        move("payment", "Y1", clearing("wechat"), payable, 1000),
        move("fee", "Y1", fee("wechat"), clearing("wechat"), 4),
        move("payment", "Y2", clearing("jdpay"), payable, 500, day=tomorrow),
        move("refund_requested", "R1", payable, refund_in_flight("wechat"), 300, day=tomorrow),
        move("suspense", "wechat:T9", clearing("wechat"), SUSPENSE, 70, day=DAY - timedelta(days=1)),
    )
    post(staff_db, move("payment", "Y1", clearing("wechat"), payable, 9), shop=OTHER)


@pytest.mark.usefixtures("posted")
def test_what_was_posted_is_read_back_by_kind_by_moment_and_by_day(staff_db: Database) -> None:
    with staff_db.transaction() as session:
        amounts = {tuple(row) for row in session.execute(queries.booked("payment"))}
        moments = {tuple(row) for row in session.execute(queries.booked_at("fee"))}
        rows = sorted(tuple(row) for row in session.execute(queries.postings_of(OTHER)))
        counted = queries.counted_by_day(session, SHOP, until=DAY)
    assert amounts == {(SHOP, "Y1", 1000), (SHOP, "Y2", 500), (OTHER, "Y1", 9)}
    assert moments == {(SHOP, "Y1", NOW)}
    assert rows == [(DAY, "payment", "Y1", "clearing:wechat", "merchant_payable", 9)]
    assert counted == {DAY - timedelta(days=1): 1, DAY: 2}


@pytest.mark.usefixtures("posted")
def test_who_has_accounts_and_what_has_not_drained(staff_db: Database) -> None:
    with staff_db.transaction() as session:
        assert queries.merchants_with_postings(session) == [SHOP, OTHER]
        left = queries.not_drained(session)
    assert {code: (one.debits, one.credits, one.net) for code, one in left.items()} == {
        "suspense": (0, 70, -70),
        "refund_in_flight:wechat": (0, 300, -300),
    }


@pytest.mark.usefixtures("posted")
def test_an_account_that_has_drained_is_no_longer_told(staff_db: Database) -> None:
    post(
        staff_db,
        move("refund_arrived", "R1", refund_in_flight("wechat"), clearing("wechat"), 300),
        move("suspense_cleared", "wechat:T9", SUSPENSE, clearing("wechat"), 70),
    )
    with staff_db.transaction() as session:
        assert queries.not_drained(session) == {}


@pytest.mark.usefixtures("posted")
def test_transfers_of_one_shop_stand_in_the_order_they_were_posted(staff_db: Database) -> None:
    with staff_db.transaction() as session:
        told = [(one.kind, one.ref, one.debit, one.credit, one.amount) for one in queries.transfers(session, SHOP)]
    assert [kind for kind, *_ in told] == ["payment", "fee", "payment", "refund_requested", "suspense"]
    assert told[1] == ("fee", "Y1", "fee:wechat", "clearing:wechat", 4)


def test_a_fact_is_posted_once_and_says_so(staff_db: Database) -> None:
    one = move("suspense", "wechat:T1", clearing("wechat"), SUSPENSE, 1)
    with staff_db.transaction(merchant=SHOP) as session:
        assert operations.post_once(session, merchant_id=SHOP, move=one, now=NOW) is True
        assert operations.post_once(session, merchant_id=SHOP, move=one, now=NOW) is False


@pytest.mark.parametrize(
    ("debit", "credit", "amount"), [("suspense", "suspense", 1), ("suspense", "fee:wechat", 0), ("a", "b", -1)]
)
def test_what_moves_nothing_is_no_transfer(debit: str, credit: str, amount: int) -> None:
    with pytest.raises(ValueError, match="not a transfer"):
        move("test", "1", debit, credit, amount)


def test_one_fen_is_a_transfer() -> None:
    assert move("test", "1", "suspense", "fee:wechat", 1).amount == 1


@pytest.mark.parametrize(("sums", "disagrees"), [((0, 0), False), ((1, 1), True), ((0, 1), True), ((1, 0), True)])
def test_an_account_nothing_was_posted_to_has_nothing_on_it(
    staff_db: Database, sums: tuple[int, int], disagrees: bool
) -> None:
    post(staff_db, move("payment", "Y1", clearing("wechat"), "merchant_payable", 1))
    with staff_db.transaction() as session:
        session.add(Account(merchant_id=SHOP, code="suspense", debits=sums[0], credits=sums[1]))
        session.flush()
        assert queries.accounts_that_disagree(session) == ([(SHOP, "suspense")] if disagrees else [])


def test_a_transfer_without_its_account_is_found(database: TestDatabase, staff_db: Database) -> None:
    post(staff_db, move("payment", "Y1", clearing("wechat"), "merchant_payable", 1))
    with psycopg.connect(database.owner) as connection:
        for table in ("accounts", "transfers"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE transfers DROP CONSTRAINT fk_transfers_merchant_id_debit_currency_accounts")
        connection.execute("DELETE FROM accounts WHERE code = 'clearing:wechat'")
    with staff_db.transaction() as session:
        assert queries.accounts_that_disagree(session) == [(SHOP, "clearing:wechat")]
