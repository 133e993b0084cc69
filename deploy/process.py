"""One child process: its lines carry its name, and it goes when we go, however we go."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from deploy.home import system_tool
from deploy.settings import ROOT

_COLOURS = {"web": 32, "events": 36, "notices": 31, "worker": 33, "sandbox": 35, "migrate": 34, "demo": 34}
_WIDTH = max(len(name) for name in _COLOURS)
_printing = threading.Lock()


class Child:
    """Runs in a session of its own, so that Ctrl-C reaches the supervisor first and the children in its order."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=30)
        self._process = subprocess.Popen(
            [system_tool("setpriv"), "--pdeathsig", "TERM", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=dict(environment),
            start_new_session=True,
        )
        if self._process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Until it ends by itself, all its lines printed."""
        code = self._process.wait()
        self._reader.join(timeout=5)
        return code

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def make_sure_it_stopped(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic seconds), then end the whole group by force."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=2)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip()
                self.tail.append(line)
                with _printing, suppress(BrokenPipeError, ValueError):
                    print(f"{_prefix(self.name)} {line}", flush=True)


def _prefix(name: str) -> str:
    label = f"{name:>{_WIDTH}} │"
    plain = os.environ.get("NO_COLOR") or not sys.stdout.isatty()
    return label if plain else f"\033[{_COLOURS.get(name, 37)}m{label}\033[0m"
