"""`doctor`: every look says ok on a sound installation, and each names what is wrong with an unsound one."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from portal.doctor import Finding, Level, Patient, examine
from portal.events import operations as events
from portal.ledger import operations as ledger
from portal.payments.postings import unexplained
from portal.plumbing.clock import now, real_now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.values.day import business_date
from portal.worker import work
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_payment, add_refund

SHOP = 482913057
# The tests' own server throws everything away.
KNOWN = {"durability": Level.FAIL, "worker": Level.FAIL}


@pytest.fixture
def patient(db: Database, tools: Tools, tmp_path: Path) -> Patient:
    files = (tmp_path / "secrets.json", tmp_path / "wallets.json")
    for path in files:
        path.touch(mode=0o600)
    return Patient(db, tools, files, now=now(), real_now=real_now())


@pytest.fixture
def said(patient: Patient) -> Callable[[str], Finding]:
    """What is said about one thing, now."""
    return lambda name: next(each for each in examine(patient) if each.name == name)


def owner_does(database: TestDatabase, statement: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement)


def test_a_sound_installation_is_sound(patient: Patient) -> None:
    levels = {each.name: each.level for each in examine(patient)}
    assert {name: level for name, level in levels.items() if level is not Level.OK} == KNOWN


def test_it_sees_that_durability_is_off(said: Callable[[str], Finding]) -> None:
    assert "fsync = off" in said("durability").says


def test_it_sees_a_living_worker(patient: Patient, tools: Tools, database: TestDatabase) -> None:
    stop = threading.Event()
    at_work = threading.Thread(target=work, args=(tools,), kwargs={"direct_url": database.staff, "stop": stop})
    at_work.start()
    try:
        until = time.monotonic() + 20
        while (found := _about(patient, "worker")).level is not Level.OK and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        stop.set()
        at_work.join(timeout=20)
    assert found.level is Level.OK


def test_it_sees_a_table_whose_rows_are_bare(said: Callable[[str], Finding], database: TestDatabase) -> None:
    owner_does(database, "ALTER TABLE payments NO FORCE ROW LEVEL SECURITY")
    assert said("row-level security") == Finding(Level.FAIL, "row-level security", "not forced on payments")


def test_it_sees_a_ledger_that_can_be_changed(said: Callable[[str], Finding], database: TestDatabase) -> None:
    owner_does(database, "GRANT UPDATE ON transfers TO portal_app")
    assert said("append-only").says == "portal_app may UPDATE transfers"


def test_it_sees_who_serves_merchants(patient: Patient, staff_db: Database) -> None:
    found = _about(replace(patient, app=staff_db), "roles")
    assert (found.level, found.says) == (Level.FAIL, "merchants are served by portal_staff")


def test_it_sees_an_old_schema(said: Callable[[str], Finding], database: TestDatabase) -> None:
    owner_does(database, "UPDATE alembic_version SET version_num = '0001'")
    assert said("migrations").level is Level.FAIL


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (5, Level.WARN), (90, Level.FAIL)])
def test_it_sees_two_clocks(patient: Patient, seconds: int, level: Level) -> None:
    assert _about(replace(patient, real_now=real_now() - timedelta(seconds=seconds)), "clock").level is level


def test_it_sees_keys_that_others_may_read(patient: Patient, said: Callable[[str], Finding]) -> None:
    patient.secret_files[0].chmod(0o644)
    assert said("secrets") == Finding(Level.FAIL, "secrets", "secrets.json has mode 0644")
    patient.secret_files[0].unlink()
    assert said("secrets").says == "cannot be examined (FileNotFoundError)"


def test_it_sees_that_no_wallet_is_set_up(patient: Patient) -> None:
    assert _about(replace(patient, tools=replace(patient.tools, wallets={})), "wallets").level is Level.FAIL
    assert _about(patient, "wallets").says == "jdpay, wechat"


def test_it_sees_a_relay_that_lags(patient: Patient, db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code=None)
    with db.transaction(merchant=SHOP) as session:
        events.append(session, merchant_id=SHOP, kind="a", subject="b", now=patient.now - timedelta(minutes=5))
    assert _about(patient, "relay") == Finding(Level.WARN, "relay", "300 s behind")
    assert _about(replace(patient, now=patient.now + timedelta(hours=1)), "relay").level is Level.FAIL


def test_it_sees_what_must_drain_and_does_not(patient: Patient, db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=patient.now)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=500, now=patient.now)
    assert _about(patient, "accounts").level is Level.OK, "a refund of today may be under way"
    with db.transaction(merchant=SHOP) as session:
        move = unexplained(acquirer="wechat", transaction_no="42", amount=1_234, day=business_date(patient.now))
        ledger.post(session, merchant_id=SHOP, moves=[move], now=patient.now)
    assert _about(replace(patient, now=patient.now + timedelta(days=2)), "accounts") == Finding(
        Level.WARN, "accounts", "¥12.34 in suspense, 1 refunds in flight for more than a day"
    )


def test_the_command_says_a_line_each_and_fails_with_one(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PORTAL_SECRETS_FILE", "WALLETS_FILE"):
        (tmp_path / name).touch(mode=0o600)
        monkeypatch.setenv(name, str(tmp_path / name))
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["doctor"])
    assert done.exit_code == 1, done.exception
    lines = done.output.splitlines()
    assert "ok    wallets: jdpay, wechat" in lines
    assert [line for line in lines if line.startswith("fail  durability: fsync = off")]
    assert len(lines) == 13


def _about(patient: Patient, name: str) -> Finding:
    return next(each for each in examine(patient) if each.name == name)
