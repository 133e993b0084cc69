"""When the database is in trouble the wallet hears "not now", nothing is half written, and its next try is booked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.plumbing.db import Database
from tests.conftest import TestDatabase
from tests.portal.notices.conftest import SHOP, Books, Message, Teller, answer_of


@pytest.fixture(params=["scripted", "wechat"])
def teller(request: pytest.FixtureRequest) -> Teller:
    """Whose word is booked at once; what must be asked about first stands in test_asking.py."""
    made: Teller = request.getfixturevalue(f"{request.param}_teller")
    return made


@pytest.fixture
def told(teller: Teller, books: Books) -> Message:
    return teller.paid(books.order(teller.acquirer))


def as_owner(database: TestDatabase, *statements: str) -> None:
    with psycopg.connect(database.owner) as connection:
        for statement in statements:
            connection.execute(statement)


def comes_again(told: Message, client: FlaskClient, teller: Teller, books: Books) -> None:
    """What was refused for a moment's trouble is booked when the wallet sends it again."""
    assert answer_of(told.send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets()["merchant_payable"] == -1234
    assert books.kinds() == ["payment.success"]


@pytest.mark.parametrize("table", ["events", "transfers", "accounts", "day_totals", "inbox_notices"])
def test_a_failure_at_any_table_leaves_nothing_half_written(
    client: FlaskClient, database: TestDatabase, teller: Teller, told: Message, books: Books, table: str
) -> None:
    as_owner(database, f"REVOKE INSERT ON {table} FROM portal_app")
    assert answer_of(told.send(client))[0] == 503
    books.assert_untouched()
    as_owner(database, f"GRANT INSERT ON {table} TO portal_app")
    comes_again(told, client, teller, books)


def test_only_what_is_committed_is_acknowledged(
    client: FlaskClient, database: TestDatabase, teller: Teller, told: Message, books: Books
) -> None:
    """Every statement succeeds, and the COMMIT itself fails."""
    as_owner(
        database,
        "CREATE FUNCTION no_commit() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the commit fails'; END $$",
        "CREATE CONSTRAINT TRIGGER no_commit AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no_commit()",
    )
    assert answer_of(told.send(client))[0] == 503
    books.assert_untouched()
    as_owner(database, "DROP TRIGGER no_commit ON events")
    comes_again(told, client, teller, books)


def test_a_crash_between_commit_and_answer_does_no_harm(
    client: FlaskClient, teller: Teller, told: Message, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Database.transaction

    @contextmanager
    def cut(self: Database, *, merchant: int | None = None, ends_at: float | None = None) -> Iterator[object]:
        with real(self, merchant=merchant, ends_at=ends_at) as session:
            yield session
        if ends_at is not None:
            raise KeyboardInterrupt("the process is gone")

    single = Database.at_once

    def cut_single(self: Database, statement: sa.TextClause, values: Mapping[str, Any]) -> object:
        single(self, statement, values)
        raise KeyboardInterrupt("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "transaction", cut)
        patch.setattr(Database, "at_once", cut_single)
        with pytest.raises(KeyboardInterrupt):
            told.send(client)
    comes_again(told, client, teller, books)


def test_a_database_that_does_not_answer_is_no_reason_to_say_yes(
    app: Flask, client: FlaskClient, database: TestDatabase, teller: Teller, told: Message, books: Books
) -> None:
    real = app.extensions["database"]
    nowhere = Database("postgresql://portal_app:x@127.0.0.1:1/nowhere", pool_size=1)
    app.extensions["database"] = nowhere
    assert answer_of(told.send(client))[0] == 503
    nowhere.close()
    app.extensions["database"] = real
    books.assert_untouched()
    comes_again(told, client, teller, books)


def test_a_row_held_too_long_by_somebody_else_is_not_waited_for_forever(
    client: FlaskClient, database: TestDatabase, teller: Teller, told: Message, books: Books
) -> None:
    with psycopg.connect(database.staff) as holder:
        holder.execute("SELECT 1 FROM payments FOR UPDATE")
        assert answer_of(told.send(client))[0] == 503
    books.assert_untouched()
    comes_again(told, client, teller, books)


def test_a_row_held_for_a_moment_is_waited_for(
    client: FlaskClient, database: TestDatabase, teller: Teller, told: Message, books: Books
) -> None:
    with psycopg.connect(database.staff) as holder:
        holder.execute("SELECT 1 FROM payments FOR UPDATE")
        release = threading.Timer(0.5, holder.rollback)
        release.start()
        comes_again(told, client, teller, books)
        release.join()
