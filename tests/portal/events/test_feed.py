"""The feed: numbers without gaps however many write, and a relay that can die at any point."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from portal.events import operations, queries
from portal.events.queries import Happening
from portal.plumbing.db import Database

SHOP, OTHER = 482913057, 482913058
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)


class KilledError(Exception):
    """The process is gone."""


def append(db: Database, *subjects: str, merchant_id: int = SHOP) -> None:
    with db.transaction(merchant=merchant_id) as session:
        for subject in subjects:
            operations.append(session, merchant_id=merchant_id, kind="test.fact", subject=subject, now=NOW)


def numbers(db: Database, merchant_id: int = SHOP) -> list[int]:
    with db.transaction(merchant=merchant_id) as session:
        return [each.seq for each in queries.since(session, merchant_id, after=0, most=1000)]


def test_eight_writers_leave_no_gap_and_no_double(db: Database) -> None:
    started = threading.Barrier(8)

    def write(writer: int) -> None:
        started.wait()
        for number in range(10):
            append(db, f"{writer}-{number}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(db) == list(range(1, 81))


def test_a_transaction_that_rolls_back_leaves_no_gap(db: Database) -> None:
    append(db, "a")
    with pytest.raises(KilledError):
        append_and_die(db)
    append(db, "b")
    assert numbers(db) == [1, 2]


def append_and_die(db: Database) -> None:
    with db.transaction(merchant=SHOP) as session:
        operations.append(session, merchant_id=SHOP, kind="test.fact", subject="lost", now=NOW)
        raise KilledError


def test_each_merchant_has_numbers_of_his_own(db: Database) -> None:
    append(db, "a", "b")
    append(db, "x", merchant_id=OTHER)
    assert (numbers(db), numbers(db, OTHER)) == ([1, 2], [1])


def test_a_reader_goes_on_after_the_number_he_has_seen(db: Database) -> None:
    append(db, "a", "b", "c")
    with db.transaction(merchant=SHOP) as session:
        assert [each.subject for each in queries.since(session, SHOP, after=1, most=1)] == ["b"]
        assert [each.seq for each in queries.about(session, SHOP, ["c", "a"])] == [1, 3]
        assert queries.last_seq(session, SHOP) == 3
        assert queries.last_seq(session, OTHER) == 0


def test_another_merchant_sees_nothing_of_it(db: Database) -> None:
    append(db, "a")
    with db.transaction(merchant=OTHER) as session:
        assert queries.since(session, SHOP, after=0) == []
    with db.transaction() as session:
        assert queries.since(session, SHOP, after=0) == []


def carry(staff_db: Database, seen: list[str], *, die_at: str | None = None, most: int = 100) -> int:
    def handle(session: Session, happening: Happening) -> None:
        if happening.subject == die_at:
            raise KilledError
        seen.append(happening.subject)
        operations.append(session, merchant_id=OTHER, kind="test.effect", subject=happening.subject, now=NOW)

    with staff_db.transaction(merchant=SHOP) as session:
        return operations.carry(session, merchant_id=SHOP, handle=handle, most=most)


def behind(staff_db: Database) -> list[int]:
    with staff_db.transaction() as session:
        return queries.merchants_behind(session, relay=operations.RELAY)


def test_a_relay_that_dies_midway_begins_again_and_each_effect_is_there_once(db: Database, staff_db: Database) -> None:
    append(db, "a", "b", "c")
    with pytest.raises(KilledError):
        carry(staff_db, [], die_at="c")
    assert numbers(db, OTHER) == []
    assert behind(staff_db) == [SHOP]
    seen: list[str] = []
    assert carry(staff_db, seen) == 3
    assert seen == ["a", "b", "c"]
    assert numbers(db, OTHER) == [1, 2, 3]
    assert carry(staff_db, seen) == 0


def test_a_relay_takes_no_more_than_it_is_told(db: Database, staff_db: Database) -> None:
    append(db, "a", "b", "c")
    seen: list[str] = []
    assert [carry(staff_db, seen, most=2) for _ in range(3)] == [2, 1, 0]
    assert seen == ["a", "b", "c"]


def test_a_second_relay_does_not_wait_for_the_first(db: Database, staff_db: Database) -> None:
    append(db, "a")
    seen: list[str] = []

    def handle(session: Session, happening: Happening) -> None:
        seen.append(happening.subject)
        assert carry(staff_db, seen) == 0

    append(db, "b")
    carry(staff_db, [], most=1)
    with staff_db.transaction(merchant=SHOP) as session:
        assert operations.carry(session, merchant_id=SHOP, handle=handle) == 1
    assert seen == ["b"]


def test_an_effect_may_itself_be_an_event_and_is_carried_next(db: Database, staff_db: Database) -> None:
    append(db, "a")
    seen: list[str] = []

    def handle(session: Session, happening: Happening) -> None:
        seen.append(happening.subject)
        if happening.subject == "a":
            operations.append(session, merchant_id=SHOP, kind="test.effect", subject="effect of a", now=NOW)

    for _ in range(2):
        with staff_db.transaction(merchant=SHOP) as session:
            operations.carry(session, merchant_id=SHOP, handle=handle)
    assert seen == ["a", "effect of a"]
    assert behind(staff_db) == []
