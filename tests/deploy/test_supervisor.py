"""The supervisor around a portal and a sandbox of a few lines: order, one clear line, and nothing left behind."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.reset import remove_cluster

ROOT = Path(__file__).resolve().parents[2]
PORTAL = """
import json, os, pathlib, sys, time
import psycopg
from flask import Flask
app = Flask(__name__)
data = pathlib.Path(os.environ["PORTAL_DATA_DIR"])
@app.route("/readyz")
def readyz():
    psycopg.connect(os.environ["DATABASE_URL"]).close()
    return "ready"
@app.route("/process")
def process():
    return os.environ.get("PROCESS", "web")
@app.cli.command("migrate")
def migrate():
    psycopg.connect(os.environ["DATABASE_OWNER_URL"]).close()
@app.cli.command("demo")
def demo():
    login = {"role": "owner", "phone": "13800000001", "password": "peach-plum"}
    (data / "demo.json").write_text(json.dumps({"logins": [login]}))
@app.cli.command("worker")
def worker():
    print("pid", os.getpid(), flush=True)
    while not (data / "fail").exists():
        time.sleep(0.05)
    sys.exit(3)
"""
SANDBOX = """
import os
from flask import Flask
def create_app():
    app = Flask(__name__)
    seen = [name for name in os.environ if name.startswith(("DATABASE_", "PORTAL_SECRETS", "WALLETS"))]
    app.add_url_rule("/credentials", view_func=lambda: {"wechat": {}, "jd": {}, "seen": seen})
    return app
"""


class Run:
    """One `./dev run` in a tree of its own; its lines are read from a file."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.data = tree / ".data"
        self.ports = _free_ports()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        return (self.tree / "output").read_text()

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))}
        with (self.tree / "output").open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.supervisor"],
                cwd=self.tree,
                env={**ours, **self.ports, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def ready(self) -> subprocess.Popen[bytes]:
        process = self.start()
        _until(lambda: "Ctrl-C" in self.output or process.poll() is not None, seconds=60)
        assert process.poll() is None, self.output
        return process

    def left_over(self) -> list[str]:
        """Command lines of processes that still work in this tree."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.tree) in (place := os.readlink(entry / "cwd")):
                    found.append(f"{place} {(entry / 'cmdline').read_text()}")
        return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "app.py").write_text(PORTAL)
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "factory.py").write_text(SANDBOX)
    one = Run(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(timeout=60)
    if one.data.is_dir():
        remove_cluster(one.data)


def _free_ports() -> dict[str, str]:
    with contextlib.ExitStack() as stack:
        ports = {}
        for name in ("PORT", "EVENTS_PORT", "NOTICES_PORT", "SANDBOX_PORT"):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = str(probe.getsockname()[1])
        return ports


def _until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def test_it_says_where_everything_is_and_stops_everything_when_asked(run: Run) -> None:
    process = run.ready()
    assert f"http://127.0.0.1:{run.ports['PORT']}/" in run.output
    assert "13800000001   peach-plum" in run.output
    for name in ("secrets.json", "wallets.json", "postgres.json"):
        assert stat.S_IMODE((run.data / name).stat().st_mode) == 0o600
    assert json.loads((run.data / "wallets.json").read_text())["seen"] == []
    assert asked_of(run, "NOTICES_PORT", "/process") == "notices"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert run.left_over() == []


def asked_of(run: Run, port: str, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{run.ports[port]}{path}", timeout=5) as answer:
        return answer.read().decode()


def test_a_second_start_keeps_the_keys(run: Run) -> None:
    run.ready().send_signal(signal.SIGTERM)
    assert run.process is not None
    run.process.wait(timeout=60)
    keys = (run.data / "secrets.json").read_text()
    run.ready()
    assert (run.data / "secrets.json").read_text() == keys


def test_a_child_that_ends_by_itself_ends_the_run_with_one_line(run: Run) -> None:
    process = run.ready()
    (run.data / "fail").touch()
    assert process.wait(timeout=60) == 1
    assert run.output.splitlines()[-1] == (
        "✗ worker 已退出(代码 3),全部停止 / worker ended with code 3: everything stops"
    )
    assert run.left_over() == []


def test_killing_the_supervisor_by_force_leaves_no_process_behind(run: Run) -> None:
    process = run.ready()
    process.kill()
    process.wait()
    _until(lambda: not run.left_over(), seconds=30)
    assert run.left_over() == []
    run.ready()


def test_a_second_run_on_the_same_data_is_refused(run: Run) -> None:
    run.ready()
    second = Run(run.tree)
    refused = subprocess.run(
        [sys.executable, "-m", "deploy.supervisor"],
        cwd=run.tree,
        env={**os.environ, **second.ports},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "already using" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["PORT", "EVENTS_PORT", "NOTICES_PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_one_line_that_names_the_setting(run: Run, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = run.start(**{name: port})
        assert process.wait(timeout=60) == 1
    assert len(run.output.splitlines()) == 1
    assert f"127.0.0.1:{port}" in run.output
    assert f"try {name}=" in run.output


def test_a_data_directory_that_cannot_be_is_one_line(run: Run) -> None:
    (run.tree / "file").touch()
    process = run.start(PORTAL_DATA_DIR=str(run.tree / "file" / "data"))
    assert process.wait(timeout=60) == 1
    assert len(run.output.splitlines()) == 1
    assert "cannot write to" in run.output
