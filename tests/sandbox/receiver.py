"""A small HTTP server in the merchant's place."""

import queue
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Notice:
    """One delivery."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes POSTs on a free port. `answers` are the statuses of the next deliveries; after them everything is 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.headers_of_answer: dict[str, str] = {}
        self.seconds_to_answer = 0.0
        self._notices: queue.Queue[Notice] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/notify"

    def next(self, seconds: float = 10) -> Notice:
        """Wait for the next delivery."""
        return self._notices.get(timeout=seconds)

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing arrives for a while."""
        try:
            self._notices.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._notices.put(Notice(self.path, dict(self.headers.items()), body))
                time.sleep(receiver.seconds_to_answer)
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                for name, value in receiver.headers_of_answer.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler
