"""The whole product as `./dev run` starts it: every process its own, every word over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 180
_STOP_SECONDS = 30


@dataclass
class Running:
    """A started product with its addresses and its demonstration people."""

    portal: str
    sandbox: str
    data_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def demo(self) -> dict[str, Any]:
        return dict(json.loads((self.data_dir / "demo.json").read_text(encoding="utf-8")))

    def login(self, role: str) -> dict[str, str]:
        """Phone and password of the first demonstration person with this role."""
        return next(dict(login) for login in self.demo["logins"] if login["role"] == role)

    def database_url(self, role: str) -> str:
        """The embedded database, for looking at the ledger from outside."""
        pointer = json.loads((self.data_dir / "postgres.json").read_text(encoding="utf-8"))
        return f"postgresql://{role}:{pointer['passwords'][role]}@127.0.0.1:{pointer['port']}/portal"

    def books(self, day: str) -> dict[str, Any]:
        """What the institutions believe, to the fen."""
        answer = requests.get(f"{self.sandbox}/control/books", params={"date": day}, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())

    def sms_code(self, phone: str) -> str:
        """The newest verification code in a number's inbox, waiting for the worker to send it."""
        for _ in range(100):
            answer = requests.get(f"{self.sandbox}/sms/inbox", params={"phone": phone}, timeout=10).json()
            messages = answer["messages"]
            if messages:
                digits = "".join(sign if sign.isdigit() else " " for sign in messages[0]["text"]).split()
                return next(part for part in digits if len(part) == 6)
            time.sleep(0.1)
        raise AssertionError(f"no SMS for {phone}")

    def pay(self, wallet: str, amount: int, *, text: str = "", picture: bytes = b"") -> dict[str, Any]:
        """Pay `amount` fen like a person: scan a text or a picture with the phone, and confirm."""
        data = {"wallet": wallet, "amount": str(amount), "text": text}
        files = {"file": ("plate.pdf", picture, "application/pdf")} if picture else None
        answer = requests.post(f"{self.sandbox}/phone/api/pay", data=data, files=files, timeout=60)
        return dict(answer.json())


@contextmanager
def whole(data_dir: Path) -> Iterator[Running]:
    """A product of its own in a new directory, gone afterwards."""
    data_dir.mkdir()
    started = start(data_dir)
    yield started
    stop(started)
    subprocess.run(
        ["./dev", "reset"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PORTAL_DATA_DIR": str(data_dir)},
        check=True,
        capture_output=True,
    )


def start(data_dir: Path) -> Running:
    """Start everything on free ports and wait until the portal is ready."""
    port, events, notices, sandbox = _free_ports(4)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PORTAL_"))}
    environment |= {
        "PORT": str(port),
        "EVENTS_PORT": str(events),
        "NOTICES_PORT": str(notices),
        "SANDBOX_PORT": str(sandbox),
        "PORTAL_DATA_DIR": str(data_dir),
    }
    log = (data_dir.parent / "run.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.supervisor"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    log.close()
    running = Running(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox}", data_dir, process)
    _wait_until_ready(running)
    return running


def stop(running: Running) -> None:
    """Ctrl-C, as a person would."""
    running.process.send_signal(signal.SIGINT)
    running.process.wait(timeout=_STOP_SECONDS)


def _wait_until_ready(running: Running) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        if running.process.poll() is not None:
            break
        try:
            if requests.get(f"{running.portal}/readyz", timeout=5).status_code == requests.codes.ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    running.process.terminate()
    running.process.wait(timeout=_STOP_SECONDS)
    log = (running.data_dir.parent / "run.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"the product did not start:\n{log[-4000:]}")


def _free_ports(how_many: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(how_many)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
