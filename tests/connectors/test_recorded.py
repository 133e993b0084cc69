"""Conversations that were once held with WeChat Pay's side, held again: neither side can drift without a word.

What stands in recorded/wechat.json is what went over the wire (see recording.py). A tiny server answers with the very
same bytes, and only to the request that was made then.
"""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from portal.wallets.port import Acquirer, WalletPort
from portal.wallets.registry import connectors
from tests.connectors.recording import CONVERSATIONS, FILE, told

RECORDED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
HELD = {held["name"]: held for held in RECORDED["conversations"]}
NOW = datetime.fromisoformat(RECORDED["given"]["now"])


class Server:
    """Answers as it was answered then; what it is asked must be what was asked then."""

    def __init__(self) -> None:
        self.expected: list[dict[str, Any]] = []
        self.surprises: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, method: str, path: str, headers: set[str], body: bytes) -> dict[str, Any]:
        if not self.expected:
            self.surprises.append(f"{method} {path} was not expected")
            return {"status": 500, "headers": {}, "content": ""}
        exchange = self.expected.pop(0)
        sent = json.loads(body) if body else None
        if (method, path, sent) != (exchange["method"], exchange["path"], exchange["body"]):
            self.surprises.append(f"{method} {path} {sent} instead of {exchange}")
        if missing := {name.lower() for name in exchange["sends"]} - headers:
            self.surprises.append(f"{method} {path} without {missing}")
        return exchange

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                names = {name.lower() for name in self.headers}
                exchange = server.answer(self.command, self.path, names, body)
                content = base64.b64decode(exchange["content"])
                self.send_response(exchange["status"])
                for name, value in exchange["headers"].items():
                    self.send_header(name, value)
                if exchange["status"] != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if exchange["status"] != 204:
                    self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """The tests' output stays quiet."""

        return Handler


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(scope="module")
def port(server: Server) -> WalletPort:
    """The connector at the moment of the recording.

    The addresses of files in the recording name the gateway of then; as the backup gateway they are still ours, and
    are fetched from the near one.
    """
    section = RECORDED["settings"]
    section = section | {"gateway": server.url, "backup_gateway": section["gateway"]}
    return connectors({"wechat": section}, budget=20, now=lambda: NOW)[Acquirer.WECHAT]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_held_again_word_for_word(port: WalletPort, server: Server, name: str) -> None:
    held = HELD[name]
    server.expected, server.surprises = list(held["exchanges"]), []
    assert told(lambda: CONVERSATIONS[name](port, RECORDED["given"])) == held["told"]
    assert (server.surprises, server.expected) == ([], [])


@pytest.mark.parametrize("notice", RECORDED["notices"], ids=lambda notice: notice["told"]["kind"])
def test_a_notice_is_read_as_it_was_then(port: WalletPort, notice: dict[str, Any]) -> None:
    found = told(
        lambda: port.read_notice(
            headers=notice["headers"], body=base64.b64decode(notice["body"]), now=NOW, keys_of=lambda number: None
        )
    )
    assert found == notice["told"]


def test_every_answer_that_was_believed_then_was_signed() -> None:
    for held in HELD.values():
        for exchange in held["exchanges"]:
            signed = "wechatpay-signature" in exchange["headers"]
            is_file = exchange["path"].startswith("/v3/billdownload/")
            assert signed is (exchange["status"] in (200, 204) and not is_file), exchange["path"]
