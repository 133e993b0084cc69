"""A printing process kept warm beside the web process, so that no web thread ever loads or runs a layout engine.

`Press` is the side that asks; `serve` is the loop inside the child. They speak frames over its stdin and stdout: four
bytes of length and a JSON object, and behind an answer's object as many bytes of print as it says.
"""

import json
import math
import os
import resource
import select
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from portal.values.errors import DomainError

ROOT = Path(__file__).resolve().parents[2]
# Only faces named by the page are used: the same print on every machine, and no scan of its fonts.
NO_FONTS = Path(__file__).with_name("no-system-fonts.conf")
_EXPECTED = "No fonts configured in FontConfig"
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "COVERAGE_PROCESS_START")
_MOST_REQUEST = 32 * 1024
_MOST_ANSWER = 64 * 1024 * 1024
_MEMORY = 1024 * 1024 * 1024
_MOST_FILE = 64 * 1024 * 1024
_CPU_SECONDS = 10
_IDLE_SECONDS = 900.0


class PressRefused(DomainError):
    """The child understood the request and refuses it; reason and facts are its own."""


class PressFailed(Exception):
    """No print came: the child broke, was too slow and was killed, or is still busy with others."""


class Press:
    """One child process of `module` (whose main calls `serve`), started when first needed and again after any failure.

    Requests queue: a thread waits at most `deadline` seconds for its turn and as long again for its print; then the
    child is killed. The child knows no secret: it inherits no setting but the search paths.
    """

    def __init__(self, module: str, *, deadline: float = 10.0) -> None:
        self._module = module
        self._deadline = deadline
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        os.register_at_fork(after_in_child=self._forget)

    def ask(self, request: Mapping[str, object]) -> bytes:
        """The print for a JSON `request` of at most 32 KB. Raises PressRefused or PressFailed."""
        frame = _frame(request)
        if len(frame) > _MOST_REQUEST:
            raise PressFailed("the request is too long")
        if not self._turn.acquire(timeout=self._deadline):
            raise PressFailed("busy")
        try:
            return self._ask_twice(frame)
        finally:
            self._turn.release()

    def warm(self) -> None:
        """Start the child now and return at once, so that a request soon to come finds it loaded."""
        if self._turn.acquire(blocking=False):
            try:
                self._running()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _ask_twice(self, frame: bytes) -> bytes:
        # A child that went idle may leave between our look and our question: a second one then answers.
        for last in (False, True):
            try:
                return self._converse(self._running(), frame)
            except (BrokenPipeError, _Gone):
                self.close()
                if last:
                    raise PressFailed("the printing process ends at once; its words are in the log") from None
            except PressFailed:
                self.close()
                raise
        raise AssertionError("the second attempt returns or raises")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is not None:
            self.close()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-W", f"ignore:{_EXPECTED}", "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd="/",
                env=_environment(),
                bufsize=0,
            )
        return self._child

    def _converse(self, child: "subprocess.Popen[bytes]", frame: bytes) -> bytes:
        if child.stdin is None or child.stdout is None:
            raise _Gone
        child.stdin.write(frame)
        until, answers = time.monotonic() + self._deadline, child.stdout.fileno()
        length = int.from_bytes(_read(answers, 4, until), "big")
        answer: dict[str, Any] = json.loads(_read(answers, length, until))
        if "refused" in answer:
            raise PressRefused(answer["refused"], **answer["facts"])
        if "failed" in answer:
            raise PressFailed(answer["failed"])
        return _read(answers, answer["size"], until)

    def _forget(self) -> None:
        # In a forked process: the child belongs to the parent, and a lock held at that moment is never released here.
        self._turn = threading.Lock()
        self._child = None


class _Gone(Exception):
    """The child closed its end."""


def serve(answer: Callable[[dict[str, Any]], bytes]) -> None:
    """Answer requests on stdin until it closes or nobody asks for a quarter of an hour.

    Each request may use ten seconds of processor time. A DomainError becomes a refusal, anything else a failure whose
    traceback goes to the log.
    """
    questions, answers = os.dup(0), os.dup(1)
    # Whatever a library prints must not land among the frames.
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE, _MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        while True:
            until = time.monotonic() + _IDLE_SECONDS
            length = int.from_bytes(_read(questions, 4, until), "big")
            request = json.loads(_read(questions, length, until))
            _allow_seconds(_CPU_SECONDS)
            _write(answers, _reply(answer, request))
    except (_Gone, PressFailed, BrokenPipeError):
        return


def _reply(answer: Callable[[dict[str, Any]], bytes], request: dict[str, Any]) -> bytes:
    try:
        print_ = answer(request)
        if len(print_) > _MOST_ANSWER:
            return _frame({"failed": "the print is too large"})
    except DomainError as refusal:
        return _frame({"refused": refusal.reason, "facts": refusal.facts})
    except Exception as error:
        traceback.print_exc()
        return _frame({"failed": f"{type(error).__name__}: {error}"})
    return _frame({"size": len(print_)}) + print_


def _allow_seconds(seconds: int) -> None:
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


def _frame(message: Mapping[str, object]) -> bytes:
    body = json.dumps(message).encode()
    return len(body).to_bytes(4, "big") + body


def _read(stream: int, length: int, until: float) -> bytes:
    if length > _MOST_ANSWER:
        raise PressFailed("a frame beyond all measure")
    parts, missing = [], length
    while missing:
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise PressFailed("too slow")
        part = os.read(stream, min(missing, 1 << 16))
        if not part:
            raise _Gone
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _write(stream: int, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(stream, view) :]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "FONTCONFIG_FILE": str(NO_FONTS),
    }
