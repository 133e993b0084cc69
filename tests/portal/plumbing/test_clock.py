"""The business clock: moved by a file, in a demonstration only, and what walks with it."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient

from portal.config import SettingsError, from_environment
from portal.identity import queries as identity
from portal.identity.operations import token_hash
from portal.plumbing import clock
from portal.plumbing.db import Database
from portal.plumbing.jobs import defer, pull_forward
from tests.conftest import TestDatabase
from tests.portal.stall import owner, owners_browser  # noqa: F401 - fixtures are found by their names here

A_DAY = 86_400


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """The file that this process walks with."""
    place = tmp_path / "business-clock.json"
    clock.follow(place)
    yield place
    clock.follow(None)


def move(file: Path, told: object) -> None:
    """As the other side writes it: a new file in the old one's place."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"offset_seconds": told}), encoding="ascii")
    fresh.replace(file)


def gap() -> float:
    return round((clock.now() - datetime.now(UTC)).total_seconds())


def test_without_a_file_business_has_real_time(file: Path) -> None:
    assert (gap(), clock.ahead()) == (0, timedelta())
    clock.follow(None)
    assert gap() == 0


def test_it_walks_with_the_file_and_real_time_does_not(file: Path) -> None:
    for seconds in (60, A_DAY, A_DAY + 1):
        move(file, seconds)
        assert gap() == seconds
        assert abs((clock.real_now() - datetime.now(UTC)).total_seconds()) < 5


def test_two_changes_within_one_tick_of_the_file_system_are_both_seen(file: Path) -> None:
    moment = 1_790_000_000_000_000_000
    for seconds in (60, 90):
        move(file, seconds)
        os.utime(file, ns=(moment, moment))
        assert gap() == seconds


@pytest.mark.parametrize("told", [-5, "60", None, 1.5, 10**20, [60]])
def test_a_file_that_says_anything_else_moves_nothing(file: Path, told: object) -> None:
    move(file, told)
    assert gap() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"offset": 5}', "\udcff"])
def test_a_file_that_is_no_message_moves_nothing(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert gap() == 0


def environment(folder: Path, **more: str) -> dict[str, str]:
    secrets = {"secret_key": "s", "reference_key": "r", "blind_index_key": "b", "field_keys": {}, "field_key": "k"}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    (folder / "wallets.json").write_text("{}")
    return {
        "DATABASE_URL": "postgresql://portal_app@127.0.0.1/x",
        "PORTAL_SECRETS_FILE": str(folder / "secrets.json"),
        "WALLETS_FILE": str(folder / "wallets.json"),
        **more,
    }


def test_production_refuses_a_clock_that_can_be_moved(tmp_path: Path) -> None:
    given = environment(tmp_path, BUSINESS_CLOCK_FILE=str(tmp_path / "clock"))
    for mode in ({}, {"PORTAL_MODE": "production"}):
        with pytest.raises(SettingsError, match="BUSINESS_CLOCK_FILE"):
            from_environment({**given, **mode})
    assert from_environment({**given, "PORTAL_MODE": "demo"}).clock_file == tmp_path / "clock"
    assert from_environment(environment(tmp_path)).clock_file is None


def due(database: TestDatabase) -> list[str]:
    with psycopg.connect(database.staff) as connection:
        rows = connection.execute(
            "SELECT task_name FROM procrastinate_jobs WHERE coalesce(scheduled_at, now()) <= now() ORDER BY task_name"
        ).fetchall()
    return [name for (name,) in rows]


def test_jobs_put_off_become_due_when_business_gets_there(
    file: Path, db: Database, staff_db: Database, database: TestDatabase
) -> None:
    move(file, A_DAY)
    with db.transaction() as session:
        defer(session, "in.ten.seconds", at=clock.now() + timedelta(seconds=10))
        defer(session, "in.an.hour", at=clock.now() + timedelta(hours=1))
        defer(session, "at.once")
    with staff_db.transaction() as session:
        assert pull_forward(session, now=clock.now()) == 0
    assert due(database) == ["at.once"]
    move(file, A_DAY + 11)
    with staff_db.transaction() as session:
        assert pull_forward(session, now=clock.now()) == 1
    assert due(database) == ["at.once", "in.ten.seconds"]
    move(file, 2 * A_DAY)
    with staff_db.transaction() as session:
        assert [pull_forward(session, now=clock.now()) for _ in range(2)] == [1, 0]
    assert due(database) == ["at.once", "in.an.hour", "in.ten.seconds"]


def test_a_job_that_failed_waits_in_real_time(
    file: Path, db: Database, staff_db: Database, database: TestDatabase
) -> None:
    """Its wait was chosen by the queue against the database's clock; else it would be tried again without rest."""
    with db.transaction() as session:
        defer(session, "has.failed", at=clock.now() + timedelta(minutes=5))
    with psycopg.connect(database.staff) as connection:
        connection.execute("UPDATE procrastinate_jobs SET attempts = 1")
    move(file, A_DAY)
    with staff_db.transaction() as session:
        assert pull_forward(session, now=clock.now()) == 0


def test_nobody_is_signed_out_because_a_day_was_skipped(
    file: Path,
    db: Database,
    client_of: Callable[..., FlaskClient],
    owners_browser: FlaskClient,  # noqa: F811
) -> None:
    clock.follow(file)
    move(file, 30 * A_DAY)
    assert owners_browser.get("/settings").status_code == 200
    with owners_browser.session_transaction() as cookie, db.transaction() as session:
        live = identity.signed_in(session, token_hash(cookie["_user_id"]), now=clock.real_now())
    assert live is not None
