"""A sandbox per test. Keys are made once for the run: making four RSA keys takes longer than most tests."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from sandbox.factory import create_app
from tests.sandbox.receiver import Receiver

PORTAL = "http://127.0.0.1:8000"


def _environment(data_dir: Path) -> dict[str, str]:
    return {"PORTAL_MODE": "demo", "PORTAL_DATA_DIR": str(data_dir), "PORTAL_URL": PORTAL}


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a sandbox that has its keys and nothing else."""
    data_dir = tmp_path_factory.mktemp("fresh")
    create_app(_environment(data_dir)).extensions["notifier"].stop()
    return data_dir


@pytest.fixture
def sandbox(fresh_store: Path, tmp_path: Path) -> Iterator[Flask]:
    """The sandbox as an application, its notifier running."""
    shutil.copytree(fresh_store / "sandbox", tmp_path / "sandbox")
    app = create_app(_environment(tmp_path))
    yield app
    app.extensions["notifier"].stop()


@pytest.fixture
def sandbox_url(sandbox: Flask) -> Iterator[str]:
    """The same sandbox, served on a free port of this machine."""
    server = make_server("127.0.0.1", 0, sandbox, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    sandbox.config["SANDBOX_URL"] = url
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's server that writes down every notice it gets."""
    with Receiver() as one:
        yield one
