"""What every test may ask for. The database part: one server for the run, a migrated template, a database each."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright
from xdist.scheduler import LoadScopeScheduling

from deploy.pointer import POINTER
from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from deploy.trouble import Trouble
from portal.plumbing.schema_upgrade import upgrade
from tests import chromium

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# Tests that share a started product stay on one worker; the longest of them begin, so that no worker ends alone.
TOGETHER = {
    "tests/chaos/": "chaos",
    "tests/journeys/test_faults.py": "faults",
    "tests/journeys/test_interconnect.py": "hurried",
    "tests/journeys/test_ladder.py": "hurried",
    "tests/journeys/": "journeys",
}
FIRST = ("journeys", "faults", "chaos", "hurried")
TEMPLATE = "migrated"
TEST_DIRECTORIES = "yima-test-"
_numbers = itertools.count(1)


class Together(LoadScopeScheduling):
    """Which tests go to one worker: those of a file, and of several files where they share a started product.

    Not xdist's own groups: they hang on a private name that pytest 9 does not have any more (pytest-xdist 3.8.0).
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest go first, whatever the order is otherwise."""
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(_group(item.nodeid), len(FIRST)))


def _group(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    return next((group for start, group in TOGETHER.items() if path.startswith(start)), path)


@dataclass(frozen=True)
class TestDatabase:
    """One database and its address for each role. `environment` names them as the portal's settings do."""

    __test__ = False

    name: str
    environment: dict[str, str]

    @property
    def owner(self) -> str:
        return self.environment["DATABASE_OWNER_URL"]

    @property
    def app(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def staff(self) -> str:
        return self.environment["DATABASE_STAFF_URL"]

    @property
    def ro(self) -> str:
        return self.environment["DATABASE_RO_URL"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The run's own server, without fsync: it is thrown away with everything in it."""
    _sweep_after_killed_runs()
    data_dir = Path(tempfile.mkdtemp(prefix=TEST_DIRECTORIES))
    server = EmbeddedPostgres(data_dir, durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        _remove(data_dir)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database at the newest migration. Nobody connects to it: copies need it free of connections."""
    postgres.create_database(TEMPLATE)
    upgrade(postgres.urls(TEMPLATE)["DATABASE_OWNER_URL"])
    return TEMPLATE


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[TestDatabase]:
    """A migrated, empty database for this test alone (a copy takes about 10 ms)."""
    with _copy(postgres, template) as copy:
        yield copy


@pytest.fixture(scope="module")
def module_database(postgres: EmbeddedPostgres, template: str) -> Iterator[TestDatabase]:
    """A migrated, empty database that the tests of one module share."""
    with _copy(postgres, template) as copy:
        yield copy


def _sweep_after_killed_runs() -> None:
    """A run ended by force leaves its cluster behind; one that is still at work holds its lock and is left alone."""
    for left in Path(tempfile.gettempdir()).glob(f"{TEST_DIRECTORIES}*"):
        with suppress(PermissionError):
            if (left / POINTER).exists():
                _remove(left)


def _remove(data_dir: Path) -> None:
    """Another run that sweeps may be at it at the same moment: then that one ends it."""
    with suppress(Trouble, FileNotFoundError):
        remove_cluster(data_dir)
        shutil.rmtree(data_dir)


@contextmanager
def _copy(postgres: EmbeddedPostgres, template: str) -> Iterator[TestDatabase]:
    name = f"test_{next(_numbers)}"
    postgres.create_database(name, template=template)
    try:
        yield TestDatabase(name, postgres.urls(name))
    finally:
        postgres.drop_database(name)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the run; each test opens windows of its own in it."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS)
        yield opened
        opened.close()
