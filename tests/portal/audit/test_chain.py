"""The chain of acts: what was recorded can be read, and whatever is done to it behind our back is found."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.audit import queries
from portal.audit.operations import record
from portal.audit.rules import GENESIS, SYSTEM, Act, Actor, link
from portal.plumbing.db import Database
from tests.conftest import TestDatabase

SHOP = 482913057
NOW = datetime(2026, 11, 22, 6, 32, 5, 123456, tzinfo=UTC)
REVIEWER = Actor("staff", 900, "许静")
# What the database keeps as it is: no NUL, no lone half of a sign.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
FACTS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def act(number: int, **facts: Any) -> Act:
    return Act(NOW, REVIEWER, "merchant.restricted", f"M{number}", "顾客投诉", {"n": number, **facts})


@pytest.fixture
def chain(db: Database) -> list[int]:
    """Five acts of one shop."""
    with db.transaction(merchant=SHOP) as session:
        return [record(session, act(number), merchant_id=SHOP) for number in range(5)]


def broken_at(db: Database) -> int | None:
    with db.transaction(merchant=SHOP) as session:
        return queries.first_break(session, SHOP)


def behind_our_back(database: TestDatabase, statement: str) -> None:
    """As the tables' owner, who can lift what forces row-level security on him too."""
    with psycopg.connect(database.owner) as connection:
        for table in ("audit_entries", "audit_heads"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        assert connection.execute(statement).rowcount == 1
        for table in ("audit_entries", "audit_heads"):
            connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def test_acts_are_numbered_and_their_chain_holds(db: Database, chain: list[int]) -> None:
    assert chain == [1, 2, 3, 4, 5]
    assert broken_at(db) is None
    with db.transaction(merchant=SHOP) as session:
        newest = queries.entries(session, SHOP, most=1)[0]
    assert (newest.seq, newest.act, newest.intact) == (5, act(4), True)


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'something else'",
        "actor_name = '林岚'",
        "actor_id = 901",
        "actor_id = NULL",
        "actor_kind = 'system'",
        "action = 'merchant.viewed'",
        "subject = 'M9'",
        "at = at + interval '1 microsecond'",
        "facts = '{\"n\": 7}'",
        "facts = '{\"n\": 1.5}'",
        "hash = repeat('0', 64)",
        "prev_hash = repeat('0', 64)",
    ],
)
def test_a_changed_act_is_found(db: Database, database: TestDatabase, chain: list[int], change: str) -> None:
    behind_our_back(database, f"UPDATE audit_entries SET {change} WHERE seq = 3")  # noqa: S608 - our own text
    assert broken_at(db) == 3


def test_a_change_shows_where_the_acts_are_listed(db: Database, database: TestDatabase, chain: list[int]) -> None:
    behind_our_back(database, "UPDATE audit_entries SET facts = '{\"n\": 1.5}' WHERE seq = 3")
    with db.transaction(merchant=SHOP) as session:
        assert [entry.seq for entry in queries.entries(session, SHOP) if not entry.intact] == [3]


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_missing_act_is_found(db: Database, database: TestDatabase, chain: list[int], seq: int) -> None:
    behind_our_back(database, f"DELETE FROM audit_entries WHERE seq = {seq}")  # noqa: S608 - a number of ours
    assert broken_at(db) == seq


def test_a_chain_that_is_gone_altogether_is_found(db: Database, staff_db: Database, database: TestDatabase) -> None:
    with db.transaction(merchant=SHOP) as session:
        record(session, act(0), merchant_id=SHOP)
    behind_our_back(database, "DELETE FROM audit_entries")
    assert broken_at(db) == 1
    with staff_db.transaction() as session:
        assert queries.chains(session) == [SHOP]


def test_an_act_made_up_and_put_in_is_found(db: Database, database: TestDatabase, chain: list[int]) -> None:
    columns = "merchant_id, at, actor_kind, actor_id, actor_name, action, subject, reason, facts, prev_hash, hash"
    behind_our_back(
        database,
        f"INSERT INTO audit_entries (seq, {columns}) SELECT 6, {columns} FROM audit_entries WHERE seq = 5",  # noqa: S608
    )
    assert broken_at(db) == 6


def test_a_chain_written_anew_from_one_act_on_no_longer_meets_its_head(
    db: Database, database: TestDatabase, chain: list[int]
) -> None:
    with db.transaction(merchant=SHOP) as session:
        fourth = queries.entries(session, SHOP)[1]
        assert fourth.seq == 4
    forged = replace(act(4), reason="nothing happened")
    with psycopg.connect(database.staff) as connection:
        row = connection.execute("SELECT hash FROM audit_entries WHERE seq = 4").fetchone()
    assert row is not None
    digest = link(row[0], SHOP, 5, forged)
    behind_our_back(
        database,
        f"UPDATE audit_entries SET reason = 'nothing happened', hash = '{digest}' WHERE seq = 5",  # noqa: S608
    )
    assert broken_at(db) == 5


def test_writers_at_the_same_time_make_one_chain(db: Database) -> None:
    def write(number: int) -> None:
        for _ in range(5):
            with db.transaction(merchant=SHOP) as session:
                record(session, act(number), merchant_id=SHOP)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken_at(db) is None
    with db.transaction(merchant=SHOP) as session:
        assert [entry.seq for entry in queries.entries(session, SHOP)] == list(range(30, 0, -1))


def test_the_platforms_own_acts_are_a_chain_of_their_own(db: Database, staff_db: Database, chain: list[int]) -> None:
    with staff_db.transaction() as session:
        assert record(session, Act(NOW, SYSTEM, "merchants.searched", "text")) == 1
        assert queries.chains(session) == [0, SHOP]
        assert queries.first_break(session, 0) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(facts=FACTS, reason=TEXTS)
def test_whatever_facts_are_recorded_the_database_gives_them_back_the_same(
    db: Database, facts: dict[str, Any], reason: str
) -> None:
    with db.transaction(merchant=SHOP) as session:
        record(session, replace(act(0), facts=facts, reason=reason), merchant_id=SHOP)
    with db.transaction(merchant=SHOP) as session:
        assert queries.entries(session, SHOP, most=1)[0].intact


def test_the_order_in_which_facts_were_named_does_not_matter() -> None:
    one, other = replace(act(0), facts={10: 1, 2: 2}), replace(act(0), facts={"2": 2, "10": 1})
    assert link(GENESIS, SHOP, 1, one) == link(GENESIS, SHOP, 1, other)


@pytest.mark.parametrize("value", [0.5, 1e30, float("nan"), float("inf")])
def test_a_fraction_cannot_be_recorded(value: float) -> None:
    with pytest.raises(ValueError):
        link(GENESIS, SHOP, 1, act(0, rate=value))


def test_every_part_of_an_act_counts() -> None:
    first = act(0)
    others = [
        replace(first, at=NOW.replace(microsecond=1)),
        replace(first, actor=SYSTEM),
        replace(first, action="x"),
        replace(first, subject="x"),
        replace(first, reason="x"),
        replace(first, facts={}),
    ]
    digests = {link(GENESIS, SHOP, 1, each) for each in [first, *others]}
    digests |= {link("1" * 64, SHOP, 1, first), link(GENESIS, 1, 1, first), link(GENESIS, SHOP, 2, first)}
    assert len(digests) == len(others) + 4
