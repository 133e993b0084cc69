"""The embedded PostgreSQL: initdb, start, stop, the four roles and their addresses.

It listens on 127.0.0.1 with SCRAM passwords and on no Unix socket: a socket's path is limited to 107 bytes and would
have to lie in a folder that both root's processes and the server's own user can reach, while loopback works alike for
root, for an ordinary user and below any private directory. The passwords are random and stand in `postgres.json`
(0600) in the data directory, beside the pointer to the cluster.

The wheel's own starter (`get_server()`) is not used: run by root it makes every parent of the data directory readable
to all.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import psycopg

from deploy.home import Home, default_home, lock, prepare, programs
from deploy.pointer import Pointer, read_pointer, write_pointer, write_private
from deploy.roles import APP, OWNER, READ_ONLY, ROLES, STAFF, SUPERUSER, drop_database, make_database, make_roles
from deploy.trouble import Trouble, disk_full

DATABASE = "portal"
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 30
LOG_LIMIT_BYTES = 5_000_000
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_checkpoints": "off",
    # After a crash the data directory is synchronised as one file system, not file by file: a tenth of the time.
    "recovery_init_sync_method": "syncfs",
}
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


class EmbeddedPostgres:
    """One server for one data directory. `durable=False` is for tests alone: it may lose everything at a crash.

    Start it from a thread that lives as long as the server shall: the kernel stops the server when that thread ends.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._settings = {**_SETTINGS, **({} if durable else _NOT_DURABLE), **(settings or {})}
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._pointer: Pointer | None = None
        self.moved_aside: Path | None = None

    def start(self) -> None:
        """Idempotent for the data: a second start keeps it. Raises Trouble with one clear line."""
        pointer = read_pointer(self.data_dir)
        home = self._claim_home(pointer)
        self._lock = lock(home)
        try:
            pointer = pointer or self._new_pointer(home)
            if not pointer.initialised:
                pointer = self._initialise(home, pointer)
            elif not home.cluster.exists():
                raise Trouble(
                    f"找不到数据库文件:{home.cluster}(请恢复备份,或用 ./dev reset 重新开始)",
                    f"the database files are gone: {home.cluster} (restore them, or start over with ./dev reset)",
                )
            _end_survivor(home)
            self._pointer = self._launch(home, pointer)
            with self.superuser() as connection:
                make_roles(connection, self._pointer.passwords)
                make_database(connection, DATABASE)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def urls(self, database: str = DATABASE) -> dict[str, str]:
        """The portal's settings, by the names of their environment variables."""
        return {
            "DATABASE_URL": self.url(APP, database),
            "DATABASE_DIRECT_URL": self.url(APP, database),
            "DATABASE_OWNER_URL": self.url(OWNER, database),
            "DATABASE_STAFF_URL": self.url(STAFF, database),
            "DATABASE_RO_URL": self.url(READ_ONLY, database),
        }

    def url(self, role: str, database: str = DATABASE) -> str:
        if self._pointer is None:
            raise RuntimeError("the server was not started")
        return f"postgresql://{role}:{self._pointer.passwords[role]}@{HOST}:{self._pointer.port}/{database}"

    def superuser(self) -> psycopg.Connection:
        return psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True, connect_timeout=10)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        with self.superuser() as connection:
            make_database(connection, name, template=template)

    def drop_database(self, name: str) -> None:
        with self.superuser() as connection:
            drop_database(connection, name)

    def exit_code(self) -> int | None:
        """None while the server runs."""
        return self._process.poll() if self._process is not None else 0

    def _claim_home(self, pointer: Pointer | None) -> Home:
        path = Path(pointer.home) if pointer else default_home(self.data_dir)
        if pointer is None and path.exists():
            # The data directory was deleted by hand and its keys with it: keep the old cluster, out of the way.
            self.moved_aside = path.with_name(f"{path.name}.before-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
            with lock(Home(path, owner=None)):
                path.rename(self.moved_aside)
        return prepare(path)

    def _new_pointer(self, home: Home) -> Pointer:
        passwords = {role: secrets.token_hex(24) for role in (SUPERUSER, *ROLES)}
        return Pointer(str(home.path), os.geteuid(), port=0, passwords=passwords, initialised=False)

    def _initialise(self, home: Home, pointer: Pointer) -> Pointer:
        """A new cluster appears whole or not at all: it is made beside its place and renamed into it."""
        write_pointer(self.data_dir, pointer)
        partial = home.path / "cluster-partial"
        for leftover in (partial, home.cluster):
            if leftover.exists():
                shutil.rmtree(leftover)
        password_file = home.path / "password"
        write_private(password_file, pointer.passwords[SUPERUSER])
        home.own(password_file)
        options = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--data-checksums"]
        options += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
        options += [] if self._durable else ["--no-sync"]
        command = home.command(programs(home) / "initdb", "-D", partial, "-U", SUPERUSER, *options)
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_ENVIRONMENT, check=False)
        password_file.unlink()
        if done.returncode != 0:
            raise _failed(home, done.stderr)
        partial.rename(home.cluster)
        return write_pointer(self.data_dir, replace(pointer, initialised=True))

    def _launch(self, home: Home, pointer: Pointer) -> Pointer:
        """Start on the port of last time where it is free: an address written down yesterday still works."""
        for port in (pointer.port, 0, 0, 0):
            pointer = write_pointer(self.data_dir, replace(pointer, port=_free_port(port)))
            if self._run(home, pointer.port):
                return pointer
        raise _failed(home, self._log_tail())

    def _run(self, home: Home, port: int) -> bool:
        """True when the server accepts connections, False when somebody took the port in between."""
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(port)}.items()]
        server: list[str | Path] = [programs(home) / "postgres", "-D", home.cluster, *settings]
        with self._open_log() as log:
            self._process = subprocess.Popen(
                home.command(*server, parent_death_signal="INT"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                tail = self._log_tail()
                if "Address already in use" in tail:
                    return False
                raise _failed(home, tail)
            if _is_ready(home, self._process.pid):
                return True
            time.sleep(0.02)
        raise _failed(home, self._log_tail() or f"not ready after {START_SECONDS} s")

    def _open_log(self) -> IO[bytes]:
        path = self.data_dir / "postgres.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")

    def _log_tail(self) -> str:
        with suppress(OSError):
            return "\n".join((self.data_dir / "postgres.log").read_text(errors="replace").splitlines()[-20:])
        return ""


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return int(probe.getsockname()[1])
    raise Trouble("127.0.0.1 上没有空闲端口", "no free port on 127.0.0.1")


def _postmaster(home: Home) -> list[str]:
    try:
        return (home.cluster / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ready(home: Home, pid: int) -> bool:
    lines = _postmaster(home)
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _end_survivor(home: Home) -> None:
    """End a server that outlived its starter; drop the pid file of one that did not. We hold the lock."""
    lines = _postmaster(home)
    if not lines:
        return
    pid = int(lines[0])
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        command = []
    if os.fsencode(home.cluster) not in command:
        # The number belongs to another program by now; PostgreSQL would refuse to start because of it.
        (home.cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists() and _postmaster(home):
        if time.monotonic() > deadline:
            raise Trouble(f"旧的数据库进程 {pid} 停不下来", f"the old database process {pid} does not stop")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)


def _failed(home: Home, output: str) -> Trouble:
    if "No space left on device" in output:
        return disk_full(home.path)
    lines = [line for line in output.splitlines() if "FATAL" in line or "error" in line.lower()] or output.splitlines()
    reason = lines[-1].strip() if lines else "?"
    return Trouble(f"PostgreSQL 启动失败:{reason}", f"PostgreSQL did not start: {reason}")
