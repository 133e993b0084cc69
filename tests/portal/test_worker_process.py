"""The worker as a process of its own: it begins, it is told to stop, it is killed."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import TestDatabase
from tests.portal.wallets.conftest import merchant_key, sections, wechat_key  # noqa: F401 - fixtures by name

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "secret_key": "s",
    "reference_key": "r",
    "blind_index_key": "b",
    "field_keys": {"k1": base64.b64encode(bytes(32)).decode()},
    "field_key": "k1",
}


@pytest.fixture
def process(
    database: TestDatabase,
    sections: dict[str, Any],  # noqa: F811
    tmp_path: Path,
) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "secrets.json").write_text(json.dumps(SECRETS))
    (tmp_path / "wallets.json").write_text(json.dumps({**sections, "sms": {}}))
    settings = {
        **database.environment,
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_SECRETS_FILE": str(tmp_path / "secrets.json"),
        "WALLETS_FILE": str(tmp_path / "wallets.json"),
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    begun = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with begun:
        yield begun
        begun.kill()


def wait_until_it_works(process: subprocess.Popen[str], database: TestDatabase) -> None:
    give_up = time.monotonic() + 90
    while not workers(database):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < give_up
        time.sleep(0.2)


def workers(database: TestDatabase) -> int:
    with psycopg.connect(database.staff) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_takes_its_leave(
    process: subprocess.Popen[str], database: TestDatabase, number: signal.Signals
) -> None:
    wait_until_it_works(process, database)
    process.send_signal(number)
    words, _ = process.communicate(timeout=30)
    assert (process.returncode, words) == (0, "")
    assert workers(database) == 0


def test_killed_it_leaves_its_name_behind_by_which_its_jobs_are_found(
    process: subprocess.Popen[str], database: TestDatabase
) -> None:
    wait_until_it_works(process, database)
    process.kill()
    process.communicate(timeout=30)
    assert workers(database) == 1
