"""The proxy carries, cuts, holds back and lets flow."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from deploy.settings import ROOT


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that says everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while piece := connection.recv(1000):
                    connection.sendall(piece)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


class Proxy:
    def __init__(self, target: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.proxy", f"road:{self.port}:{target}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def obey(self, deed: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{deed} road\n".encode())
        self.process.stdin.flush()

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    started = Proxy(echo)
    yield started
    assert started.process.stdin is not None
    assert started.process.stdout is not None
    started.process.stdin.close()
    started.process.wait(timeout=10)
    started.process.stdout.close()


def test_it_carries_both_ways(proxy: Proxy) -> None:
    with proxy.open() as caller:
        caller.sendall(b"hello")
        assert caller.recv(100) == b"hello"


def test_it_cuts_what_is_open_and_takes_what_is_new(proxy: Proxy) -> None:
    with proxy.open() as caller:
        caller.sendall(b"hello")
        caller.recv(100)
        proxy.obey("cut")
        with pytest.raises(ConnectionResetError):
            caller.recv(100)
    with proxy.open() as caller:
        caller.sendall(b"again")
        assert caller.recv(100) == b"again"


def test_it_holds_back_and_lets_flow(proxy: Proxy) -> None:
    with proxy.open() as caller:
        caller.sendall(b"one")
        assert caller.recv(100) == b"one"
        proxy.obey("stall")
        with proxy.open() as other:
            caller.settimeout(0.3)
            other.settimeout(5)
            # A line of orders is read sooner or later; what was sent well after it is held back.
            threading.Event().wait(0.2)
            caller.sendall(b"two")
            with pytest.raises(TimeoutError):
                caller.recv(100)
            proxy.obey("flow")
            caller.settimeout(5)
            assert caller.recv(100) == b"two"


def test_it_ends_when_nobody_gives_orders_any_more(echo: int) -> None:
    started = Proxy(echo)
    assert started.process.stdin is not None
    assert started.process.stdout is not None
    started.process.stdin.close()
    assert started.process.wait(timeout=10) == 0
    started.process.stdout.close()
