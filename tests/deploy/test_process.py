"""A child's lines carry its name, and its whole group goes when it is told to."""

import os
import sys
import time
from pathlib import Path

import pytest

from deploy.process import Child

GRANDCHILD = """
import subprocess, sys, time
grandchild = subprocess.Popen(["sleep", "60"])
print(grandchild.pid, flush=True)
time.sleep(60)
"""


def _child(code: str) -> Child:
    return Child("worker", [sys.executable, "-c", code], os.environ)


def _wait_for_line(child: Child) -> str:
    deadline = time.monotonic() + 10
    while not child.tail and time.monotonic() < deadline:
        time.sleep(0.02)
    return child.tail[0]


def test_every_line_is_printed_behind_the_childs_name(capfd: pytest.CaptureFixture[str]) -> None:
    child = _child("import sys; print('收款 12.34', flush=True); print('oops', file=sys.stderr)")
    assert child.wait() == 0
    child.make_sure_it_stopped(time.monotonic())
    printed = capfd.readouterr().out.splitlines()
    assert [line.split("│") for line in printed] == [[" worker ", " 收款 12.34"], [" worker ", " oops"]]


def test_a_grandchild_does_not_outlive_its_group() -> None:
    child = _child(GRANDCHILD)
    grandchild = int(_wait_for_line(child))
    child.ask_to_stop()
    child.make_sure_it_stopped(time.monotonic() + 5)
    status = Path(f"/proc/{grandchild}/cmdline")
    assert not status.exists() or status.read_bytes() == b""


def test_a_child_that_ignores_the_request_is_ended_at_the_deadline() -> None:
    child = _child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    _wait_for_line(child)
    child.ask_to_stop()
    began = time.monotonic()
    child.make_sure_it_stopped(time.monotonic() + 0.5)
    assert time.monotonic() - began < 5
    assert child.exit_code() == -9
