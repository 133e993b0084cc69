"""A copy of the whole tree to break in, and pytest run inside it with this Python's packages."""

import importlib
import itertools
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.postgres import EmbeddedPostgres
from tests.conftest import TEMPLATE
from tests.proofs.lending import Lent

ROOT = Path(__file__).resolve().parents[2]
_NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", ".data", ".proofs", ".bench", "test-results", "__pycache__", ".*_cache", ".hypothesis")
)
_PYTEST = ("-p", "no:cacheprovider", "-p", "no:randomly", "-x", "-q", "--tb=line", "-rfE", "--no-header")
# Loaded before pytest could look at them: their asserts speak no less.
_LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
# A line of pytest's summary; the name may hold spaces within its brackets.
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - (.*))?$", re.MULTILINE)
_OURS = frozenset({"portal", "sandbox", "deploy", "bench", "tests", "app"})
TIMEOUT = "timeout"


@dataclass(frozen=True)
class Run:
    """What pytest said. `failed` names the first test that failed, and is empty when all passed."""

    failed: str
    reason: str
    seconds: float


class CannotRun(Exception):
    """Pytest did not get as far as running tests."""


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """A folder with the tree as it stands here, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="yima-mutants-"))
    try:
        shutil.copytree(ROOT, folder / "tree", ignore=_NOT_COPIED)
        yield folder / "tree"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def changed(tree: Path, texts: Mapping[str, str]) -> Iterator[None]:
    """The tree with these files' texts, put back afterwards."""
    before = {name: (tree / name).read_text(encoding="utf-8") for name in texts}
    try:
        _write(tree, texts)
        yield
    finally:
        _write(tree, before)


def run_tests(tree: Path, selection: Sequence[str], server: EmbeddedPostgres, *, migrated: bool, seconds: float) -> Run:
    """Run these tests up to the first that fails. Raises CannotRun when there was none to run.

    In a fork of this process, which has the packages of others loaded already: of ours it forgets everything.
    `migrated`: the tree's migrations are those of the server's template.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os._exit(_pytest(tree, selection, Lent(server, migrated=migrated), said.fileno()))
        code = _wait(child, began + seconds)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    took = time.monotonic() - began
    if code is None:
        return Run(TIMEOUT, f"not done after {seconds:.0f} s", took)
    if code == pytest.ExitCode.OK:
        return Run("", "", took)
    found = _FAILED.search(text)
    if code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED) and found is not None:
        return Run(found[1], (found[2] or "")[:160], took)
    raise CannotRun(text[-2000:])


def _pytest(tree: Path, selection: Sequence[str], lent: Lent, output: int) -> int:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    # Runs beside this one sweep up what they take for leftovers in the usual place.
    os.environ["TMPDIR"] = str(tree.parent)
    # The reason of a failure stands at the end of its line.
    os.environ["COLUMNS"] = "400"
    tempfile.tempdir = None
    sys.path[:] = [str(tree), *(place for place in sys.path if place not in ("", str(ROOT)))]
    for name in [name for name in sys.modules if name.split(".")[0] in _OURS]:
        del sys.modules[name]
    try:
        _lend(lent)
        return int(pytest.main([*_PYTEST, *_LOADED, *selection]))
    except BaseException as problem:
        print(f"pytest broke down: {problem!r}")
        return int(pytest.ExitCode.INTERNAL_ERROR)
    finally:
        sys.stdout.flush()


def _lend(lent: Lent) -> None:
    """What the tree's tests take for their own server, and names of databases that no other run has used."""
    conftest: Any = importlib.import_module("tests.conftest")
    conftest.EmbeddedPostgres = lambda *_, **__: lent
    conftest._numbers = itertools.count(os.getpid() * 10_000)
    if lent.migrated:
        conftest.upgrade = lambda _url: None
    else:
        conftest.TEMPLATE = f"{TEMPLATE}_{os.getpid()}"


def _wait(child: int, ends_at: float) -> int | None:
    """The child's exit code; None when its time was up. Whatever it had started goes with it."""
    try:
        while time.monotonic() < ends_at:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
    except BaseException:
        # Stopped by hand: pytest ends its database itself.
        os.killpg(child, signal.SIGINT)
        os.waitpid(child, 0)
        raise
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _write(tree: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = tree / name
        path.write_text(text, encoding="utf-8")
        # Compiled code is told from stale by second and size, and a mutant may share both with what it replaces.
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            stale.unlink(missing_ok=True)
