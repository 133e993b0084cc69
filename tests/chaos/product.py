"""The whole product with proxies between its parts, started as `./dev run` starts it, and ways to hurt it.

Whatever was killed is started again at once, as a service manager would. All of it from the main thread: the kernel
ends the children when the thread that started them is gone.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from deploy.home import system_tool
from deploy.keyring import make_secrets
from deploy.pointer import read_pointer, write_private
from deploy.postgres import EmbeddedPostgres
from deploy.roles import SUPERUSER
from deploy.settings import MARKER, ROOT, read_settings
from deploy.supervisor import flask_command, portal_commands, sandbox_command

ROADS = ("database", "notices", "gateway")
_OWN_PORTS = ("web", "events", "notices", "sandbox")
_READY_SECONDS = 180
# When a row was committed, in real time, whatever the business clock says.
_DATABASE = {"track_commit_timestamp": "on"}


class NotStarted(Exception):
    """The product did not come up, or a command of it failed; the text ends with what it said."""


class Product:
    """One product of its own in `data_dir`, its source in `root`."""

    def __init__(self, data_dir: Path, root: Path = ROOT) -> None:
        self.data_dir, self.root = data_dir, root
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.postgres = EmbeddedPostgres(data_dir, durable=True, settings=_DATABASE)
        self._ports = dict(zip(_OWN_PORTS, _free_ports(len(_OWN_PORTS)), strict=True))
        self._proxies = dict(zip(ROADS, _free_ports(len(ROADS)), strict=True))
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "PORTAL_", "SANDBOX_"))}
        self._environ = environ | {
            "PORT": str(self._ports["web"]),
            "EVENTS_PORT": str(self._ports["events"]),
            "NOTICES_PORT": str(self._ports["notices"]),
            "SANDBOX_PORT": str(self._ports["sandbox"]),
            "PORTAL_DATA_DIR": str(data_dir),
            "NOTICES_URL": f"http://127.0.0.1:{self._proxies['notices']}",
            # The addresses that the wallets give of themselves lead over the proxy.
            "SANDBOX_URL": self.gateway,
        }
        self._portal: dict[str, str] = {}
        self._commands: dict[str, tuple[list[str], dict[str, str]]] = {}

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self._ports['web']}"

    @property
    def sandbox(self) -> str:
        """Straight, past the proxy: for the payer's phone and for the harness."""
        return f"http://127.0.0.1:{self._ports['sandbox']}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self._proxies['gateway']}"

    @property
    def store(self) -> Path:
        """The sandbox's own store, for reading."""
        return self.data_dir / "sandbox" / "sandbox.sqlite3"

    @property
    def demo(self) -> dict[str, Any]:
        return dict(json.loads((self.data_dir / "demo.json").read_text(encoding="utf-8")))

    def start(self) -> None:
        """Everything, in the supervisor's order. Raises NotStarted."""
        write_private(self.data_dir / MARKER, "made by the chaos harness; ./dev reset removes this directory\n")
        self.postgres.start()
        self._start_proxy()
        settings = read_settings(self._environ)
        self._portal = settings.portal_environment(self._environ, self._database_over_proxy())
        self._portal["SANDBOX_URL"] = self.gateway
        make_secrets(settings.secrets_file)
        self._launch("sandbox", sandbox_command(settings), settings.sandbox_environment(self._environ))
        write_private(settings.wallets_file, self._answer(f"{self.sandbox}/credentials"))
        self.command("migrate")
        self.command("demo")
        self._commands = portal_commands(settings)
        for name in self._commands:
            self.start_again(name)
        self._answer(f"{self.portal}/readyz")
        self._answer(f"http://127.0.0.1:{self._ports['notices']}/readyz")

    def start_again(self, name: str) -> None:
        """A process of the portal's, new."""
        command, own = self._commands[name]
        self._launch(name, command, {**self._portal, **own})

    def stop(self) -> None:
        """End everything by force, and remove what it kept: nothing of it is looked at any more."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
        self.postgres.stop()
        subprocess.run(
            [sys.executable, "-m", "deploy.reset"], cwd=ROOT, env=self._environ, check=False, capture_output=True
        )

    def command(self, *words: str) -> str:
        """A command of the portal's; what it said. Raises NotStarted when its exit code is not 0."""
        done = subprocess.run(
            [*flask_command(words[0]), *words[1:]],
            cwd=self.root,
            env=self._portal,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotStarted(f"{' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def workers_of(self, name: str) -> list[psutil.Process]:
        """The processes that do the work: gunicorn's children, or the process itself."""
        try:
            found = psutil.Process(self.processes[name].pid)
            children = sorted(found.children(), key=lambda one: one.pid)
        except psutil.Error:
            return []
        return children or [found]

    def proxy(self, deed: str, road: str) -> None:
        """`cut`, `stall` or `flow` one of ROADS."""
        pipe = self.processes["proxy"].stdin
        if pipe is None:
            raise RuntimeError("the proxy has no input")
        pipe.write(f"{deed} {road}\n".encode())
        pipe.flush()

    def crash_database(self) -> tuple[float, float]:
        """Kill the server and all its backends in the middle of whatever they do, and start it again.

        The moments of the kill and of being up again, in seconds since the epoch.
        """
        server = self._postmaster()
        family = [server, *server.children(recursive=True)]
        killed = time.time()
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        while any(_lives(process) for process in family):
            time.sleep(0.01)
        self.postgres.stop()
        self.postgres.start()
        return killed, time.time()

    def look(self) -> psycopg.Connection[Any]:
        """The database past the proxy, seeing everything."""
        return psycopg.connect(self.postgres.url(SUPERUSER, "portal"), autocommit=True, connect_timeout=5)

    def control(self, what: str, **wish: object) -> dict[str, Any]:
        """Turn one of the sandbox's screws."""
        answer = requests.post(f"{self.sandbox}/control/{what}", json=wish, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def dead(self) -> list[str]:
        """Processes that ended, killed or by themselves."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def log_tail(self, name: str) -> str:
        with suppress(OSError):
            return (self.data_dir / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]
        return ""

    def _postmaster(self) -> psutil.Process:
        pointer = read_pointer(self.data_dir)
        if pointer is None:
            raise RuntimeError("the database was never started")
        return psutil.Process(int((Path(pointer.home) / "cluster" / "postmaster.pid").read_text().split()[0]))

    def _start_proxy(self) -> None:
        pointer = read_pointer(self.data_dir)
        if pointer is None:
            raise RuntimeError("the database was never started")
        targets = {"database": pointer.port, "notices": self._ports["notices"], "gateway": self._ports["sandbox"]}
        roads = [f"{name}:{self._proxies[name]}:{target}" for name, target in targets.items()]
        command = [sys.executable, "-m", "tests.chaos.proxy", *roads]
        with (self.data_dir / "proxy.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self.processes["proxy"] = process
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise NotStarted("the proxy did not start")
        process.stdout.close()

    def _database_over_proxy(self) -> dict[str, str]:
        pointer = read_pointer(self.data_dir)
        straight = f"127.0.0.1:{pointer.port if pointer else 0}/"
        over = f"127.0.0.1:{self._proxies['database']}/"
        return {name: url.replace(straight, over) for name, url in self.postgres.urls().items()}

    def _launch(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [system_tool("setpriv"), "--pdeathsig", "TERM", "--", *command],
                cwd=self.root,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answer(self, url: str) -> str:
        """The body of the first 200. Raises NotStarted."""
        give_up, last = time.monotonic() + _READY_SECONDS, ""
        while time.monotonic() < give_up:
            ended = self.dead()
            if ended:
                raise NotStarted(f"{ended[0]} ended by itself: {self.log_tail(ended[0])}")
            try:
                answer = requests.get(url, timeout=5)
                if answer.status_code == requests.codes.ok:
                    return answer.text
                last = f"HTTP {answer.status_code} {answer.text[:300]}"
            except requests.RequestException as trouble:
                last = str(trouble)
            time.sleep(0.2)
        raise NotStarted(f"{url} was not ready within {_READY_SECONDS} s: {last}")


def _lives(process: psutil.Process) -> bool:
    """A zombie holds nothing any more, even where nobody buries it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _free_ports(how_many: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(how_many)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
