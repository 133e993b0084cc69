"""The embedded server: what it promises about data, roles, passwords, and directories that are not ours."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.home import default_home
from deploy.pointer import POINTER
from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from deploy.roles import ROLES
from deploy.trouble import Trouble
from tests.conftest import TestDatabase

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import sys, time
from pathlib import Path
from deploy.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def private_directory() -> Iterator[Path]:
    """A data directory inside somebody's 0700 folder, like a clone in a private home."""
    home = Path(tempfile.mkdtemp(prefix="yima-test-"))
    data_dir = home / "clone" / "data"
    data_dir.mkdir(parents=True)
    yield data_dir
    remove_cluster(data_dir)
    shutil.rmtree(home)


def _modes(path: Path) -> dict[Path, tuple[int, int]]:
    found = {}
    for place in (path, *path.parents):
        status = place.stat()
        found[place] = (stat.S_IMODE(status.st_mode), status.st_uid)
    return found


def _runs(pid: int) -> bool:
    """A process that ended but that nobody has asked about yet has no command line any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def test_a_0700_parent_stays_0700_and_no_mode_on_the_way_to_the_root_changes(private_directory: Path) -> None:
    before = _modes(private_directory)
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    assert _modes(private_directory) == before
    assert before[private_directory.parents[1]][0] == 0o700


def test_the_cluster_belongs_to_a_user_who_is_not_root(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    cluster = default_home(private_directory) / "cluster"
    assert cluster.stat().st_uid != 0
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o700
    assert cluster.is_relative_to(private_directory) == (os.geteuid() != 0)


def test_a_second_start_keeps_the_data_and_the_port(private_directory: Path) -> None:
    for expected in ([], [(7,)]):
        server = EmbeddedPostgres(private_directory, durable=False)
        server.start()
        url = server.urls()["DATABASE_OWNER_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (fen BIGINT)")
            assert connection.execute("SELECT fen FROM kept").fetchall() == expected
            connection.execute("INSERT INTO kept VALUES (7)")
        server.stop()
    again = EmbeddedPostgres(private_directory, durable=False)
    again.start()
    assert again.urls()["DATABASE_OWNER_URL"] == url
    again.stop()


def test_killing_the_starter_stops_the_server_and_the_next_start_finds_everything(private_directory: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(private_directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == "started\n"
    pid = int((default_home(private_directory) / "cluster" / "postmaster.pid").read_text().split()[0])
    starter.kill()
    starter.wait()
    starter.stdout.close()
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    with server.superuser() as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'portal'").fetchone() == (1,)
    server.stop()
    assert not _runs(pid)


def test_a_pid_file_whose_number_now_belongs_to_another_program_does_not_stop_a_start(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    pid_file = default_home(private_directory) / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    server.start()
    server.stop()
    assert stranger.poll() is None
    stranger.send_signal(signal.SIGKILL)
    stranger.wait()


def test_a_second_server_on_the_same_data_is_refused_in_one_line(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    with pytest.raises(Trouble, match="in use"):
        EmbeddedPostgres(private_directory, durable=False).start()
    with server.superuser() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_a_first_start_that_was_interrupted_is_done_again(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    pointer = json.loads((private_directory / POINTER).read_text())
    (private_directory / POINTER).write_text(json.dumps({**pointer, "initialised": False}))
    (default_home(private_directory) / "cluster" / "PG_VERSION").unlink()
    server.start()
    server.stop()


def test_lost_files_are_reported_and_never_replaced_by_an_empty_database(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    shutil.rmtree(default_home(private_directory) / "cluster")
    with pytest.raises(Trouble, match="gone"):
        server.start()


def test_passwords_are_readable_by_their_owner_alone(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    for name in (POINTER, "postgres.log"):
        assert stat.S_IMODE((private_directory / name).stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's database lies in the data directory itself")
def test_a_data_directory_deleted_by_hand_leaves_the_old_database_aside(private_directory: Path) -> None:
    server = EmbeddedPostgres(private_directory, durable=False)
    server.start()
    server.stop()
    (private_directory / POINTER).unlink()
    server.start()
    server.stop()
    assert server.moved_aside is not None
    assert (server.moved_aside / "cluster" / "PG_VERSION").exists()


def test_the_four_roles_can_log_in_and_are_neither_superusers_nor_above_row_security(
    postgres: EmbeddedPostgres,
) -> None:
    with postgres.superuser() as connection:
        rows = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
            " FROM pg_roles WHERE rolname LIKE 'portal\\_%' ORDER BY rolname"
        ).fetchall()
    assert rows == [(role, True, False, False, False, False, False) for role in sorted(ROLES)]


@pytest.mark.parametrize("role", ["app", "staff", "ro"])
def test_only_the_owner_makes_tables(database: TestDatabase, role: str) -> None:
    with (
        psycopg.connect(getattr(database, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE public.mine (fen BIGINT)")


def test_a_wrong_password_is_refused_from_this_machine_too(database: TestDatabase) -> None:
    role, _, rest = database.app.removeprefix("postgresql://").partition(":")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://{role}:wrong@{rest.partition('@')[2]}")


def test_the_database_is_utf8_sorts_by_code_point_and_checks_its_pages(database: TestDatabase) -> None:
    with psycopg.connect(database.app) as connection:
        row = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('data_checksums'), datlocprovider::text,"
            " datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("UTF8", "on", "b", "C.UTF-8")


def test_each_test_gets_its_own_migrated_database_quickly(database: TestDatabase, postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(database.owner) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    began = time.monotonic()
    postgres.create_database("copy_for_speed", template="migrated")
    assert time.monotonic() - began < 5
    postgres.drop_database("copy_for_speed")
