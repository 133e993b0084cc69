"""The portal's ear in these tests: receives the wallets' notices and answers what it is told to answer."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Delivery:
    """One delivery as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Ear:
    """Keeps every delivery. `replies` holds what to answer, by path; without one the answer is 503."""

    replies: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def at(self, path: str, *, count: int = 1, seconds: float = 20) -> list[Delivery]:
        """The deliveries to `path`, once there are `count` of them."""
        deadline = time.monotonic() + seconds
        while True:
            found = [delivery for delivery in self.deliveries if delivery.path == path]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} deliveries at {path}"
            time.sleep(0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _handler(ear: Ear) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            ear.deliveries.append(Delivery(self.path, dict(self.headers.items()), body))
            status, media_type, text = ear.replies.get(self.path, (503, "text/plain", "later"))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            if status != 204:
                self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            if status != 204:
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """The tests' output stays quiet."""

    return Handler
