"""`./dev run`: starts everything in order, says when it is ready, and stops everything together.

A child that ends by itself ends the run: nothing is restarted in silence. Started from the main thread only, because
the kernel tells the children when that thread is gone (even by kill -9).
"""

import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from deploy.console import announce, step
from deploy.keyring import make_secrets
from deploy.pointer import write_private
from deploy.postgres import EmbeddedPostgres
from deploy.process import Child
from deploy.settings import MARKER, RUN_LOCK, Settings, read_settings
from deploy.trouble import Trouble, disk_full, from_os_error, not_writable

STOP_SECONDS = 10
READY_SECONDS = 90
SMALLEST_DISK_BYTES = 200_000_000


class Stopped(BaseException):
    """Ctrl-C, SIGTERM, or the terminal went away."""


class Supervisor:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.postgres: EmbeddedPostgres | None = None
        self.children: list[Child] = []
        self._portal: dict[str, str] = {}

    def start(self) -> None:
        settings = self.settings
        for name, port in settings.ports().items():
            for address in settings.addresses:
                _refuse_taken_port(address, name, port)
        self._portal = settings.portal_environment(os.environ, settings.database or self._start_postgres())
        make_secrets(settings.secrets_file)
        if settings.demo:
            self._start_sandbox()
        with step("更新数据库结构", "migrating the database"):
            self._finish("migrate", flask_command("migrate"))
        if settings.demo:
            with step("准备演示数据", "loading the demo"):
                self._finish("demo", flask_command("demo"))
        for name, (command, own) in portal_commands(settings).items():
            self._start(name, command, {**self._portal, **own})
        with step("等待服务就绪", "waiting for the services"):
            self._answer(settings.port, "/readyz")
            self._answer(settings.notices_port, "/readyz")

    def watch(self) -> NoReturn:
        """Returns never: raises Trouble when a child ends, Stopped when we are told to."""
        while True:
            self._check()
            time.sleep(0.3)

    def stop(self) -> None:
        """Readers before what they read from: the processes, then the database."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.make_sure_it_stopped(deadline)
        if self.postgres is not None:
            self.postgres.stop()

    def _start_postgres(self) -> dict[str, str]:
        with step("启动 PostgreSQL", "starting PostgreSQL"):
            self.postgres = EmbeddedPostgres(self.settings.data_dir)
            self.postgres.start()
        if self.postgres.moved_aside is not None:
            kept = self.postgres.moved_aside
            print(f"! 数据目录是新的,旧数据库保留在 {kept} / new data directory: the old database is kept in {kept}")
        return self.postgres.urls()

    def _start_sandbox(self) -> None:
        """The sandbox makes its own keys; what a provider would be told by the wallets is asked of it over HTTP."""
        settings = self.settings
        with step("启动沙箱", "starting the sandbox"):
            self._start("sandbox", sandbox_command(settings), settings.sandbox_environment(os.environ))
            credentials = self._answer(settings.sandbox_port, "/credentials")
        write_private(settings.wallets_file, credentials)

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.children.append(Child(name, command, environment))

    def _finish(self, name: str, command: list[str]) -> None:
        """Run to its end; part of `children` meanwhile, so that Ctrl-C ends it too."""
        child = Child(name, command, self._portal)
        self.children.append(child)
        code = child.wait()
        self.children.remove(child)
        if code != 0:
            raise _ended(child, code)

    def _check(self) -> None:
        for child in self.children:
            code = child.exit_code()
            if code is not None:
                raise _ended(child, code)
        if self.postgres is not None and self.postgres.exit_code() is not None:
            raise Trouble(
                f"PostgreSQL 意外退出,详见 {self.settings.data_dir / 'postgres.log'}",
                f"PostgreSQL ended by itself: see {self.settings.data_dir / 'postgres.log'}",
            )

    def _answer(self, port: int, path: str) -> str:
        """The body of the first 200; any other answer is asked again."""
        deadline = time.monotonic() + READY_SECONDS
        last = ""
        while time.monotonic() < deadline:
            self._check()
            try:
                status, body = _get(port, path)
                if status == 200:
                    return body
                last = f"HTTP {status} {body[:300].strip()}"
            except (OSError, http.client.HTTPException) as error:
                last = str(error)
            time.sleep(0.1)
        raise Trouble(
            f"{path} {READY_SECONDS} 秒内没有就绪:{last}", f"{path} not ready within {READY_SECONDS} s: {last}"
        )


def portal_commands(settings: Settings) -> dict[str, tuple[list[str], dict[str, str]]]:
    """The portal's processes by name: how each is started, and what it is told besides the portal's environment."""
    addresses = settings.addresses
    web = ["--threads", "16", "--workers", "2", "app:app"]
    events = ["--threads", "200", "--workers", "1", "app:app"]
    notices = ["--threads", "8", "--workers", "2", "app:app"]
    return {
        "web": (_gunicorn(addresses, settings.port, web), {}),
        "events": (_gunicorn(addresses, settings.events_port, events), {"PROCESS": "events"}),
        "notices": (_gunicorn(addresses, settings.notices_port, notices), {"PROCESS": "notices"}),
        "worker": (flask_command("worker"), {}),
    }


def sandbox_command(settings: Settings) -> list[str]:
    """One process: its notifier lives inside it."""
    options = ["--threads", "32", "--workers", "1", "sandbox.factory:create_app()"]
    return _gunicorn(settings.addresses, settings.sandbox_port, options)


def main() -> int:
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, _stop)
    began = time.monotonic()
    supervisor: Supervisor | None = None
    with ExitStack() as stack:
        try:
            settings = read_settings(os.environ)
            stack.enter_context(_claim(settings.data_dir))
            supervisor = Supervisor(settings)
            supervisor.start()
            announce(settings, time.monotonic() - began)
            supervisor.watch()
        except Stopped:
            print("\n正在停止 / stopping …", flush=True)
            return 0
        except Trouble as trouble:
            print(f"✗ {trouble}", file=sys.stderr, flush=True)
            return 1
        except OSError as error:
            print(f"✗ {from_os_error(error)}", file=sys.stderr, flush=True)
            return 1
        finally:
            for number in signals:
                signal.signal(number, signal.SIG_IGN)
            if supervisor is not None:
                supervisor.stop()


def _stop(_number: int, _frame: object) -> NoReturn:
    raise Stopped


def _claim(data_dir: Path) -> ExitStack:
    """Make the data directory ours (0700 if new, untouched if not) and hold its lock until the run ends."""
    fresh = not data_dir.exists()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if fresh or not any(data_dir.iterdir()):
            write_private(data_dir / MARKER, "made by ./dev run; ./dev reset removes this directory\n")
        handle = (data_dir / RUN_LOCK).open("a")
    except FileExistsError:
        raise not_writable(data_dir, "not a directory") from None
    stack = ExitStack()
    stack.enter_context(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stack.close()
        raise Trouble(
            f"已有一个 ./dev run 在使用 {data_dir}", f"another ./dev run is already using {data_dir}"
        ) from None
    free = os.statvfs(data_dir)
    if free.f_bavail * free.f_frsize < SMALLEST_DISK_BYTES:
        stack.close()
        raise disk_full(data_dir)
    return stack


def _refuse_taken_port(address: str, name: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Trouble(
                f"端口 {address}:{port} 不可用({error.strerror}),换一个:{name}={port + 10} ./dev run",
                f"port {address}:{port} cannot be used ({error.strerror}), try {name}={port + 10} ./dev run",
            ) from None


def _get(port: int, path: str) -> tuple[int, str]:
    """Straight to this machine: no proxy from the environment, no redirect."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def _gunicorn(addresses: Sequence[str], port: int, options: list[str]) -> list[str]:
    """The control socket of newer gunicorns would be one more way in, in a place of its choosing."""
    binds = [f"--bind=[{one}]:{port}" if ":" in one else f"--bind={one}:{port}" for one in addresses]
    common = ["--no-control-socket", "--log-level", "warning", "--graceful-timeout", "5", *binds]
    return [sys.executable, "-m", "gunicorn", *common, "-k", "gthread", *options]


def flask_command(command: str) -> list[str]:
    """One of the portal's own commands."""
    return [sys.executable, "-m", "flask", "--app", "app", command]


def _ended(child: Child, code: int) -> Trouble:
    if any("No space left on device" in line for line in child.tail):
        return disk_full(child.name)
    how = f"信号 {-code}" if code < 0 else f"代码 {code}"
    how_en = f"by signal {-code}" if code < 0 else f"with code {code}"
    return Trouble(f"{child.name} 已退出({how}),全部停止", f"{child.name} ended {how_en}: everything stops")


if __name__ == "__main__":
    sys.exit(main())
