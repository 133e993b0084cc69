"""A small TCP proxy before the database that cuts a connection once a word has gone through and been carried out."""

import socket
import threading
from contextlib import suppress


class Severing:
    """Listens on a free port. After `after(word)` the first connection on which the server has answered a message that
    holds `word` is closed without that answer; all others go through. A context: what is left open closes with it."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._word = b""
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def after(self, word: bytes) -> None:
        """Cut once, at the answer to a message with this word."""
        self._word = word

    def __enter__(self) -> "Severing":
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                doomed = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, doomed), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, doomed), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while piece := client.recv(65536):
                if self._word and self._word in piece:
                    self._word = b""
                    self.cuts += 1
                    doomed.set()
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while piece := server.recv(65536):
                if doomed.is_set():
                    # The server has done what it was told; nobody hears of it.
                    break
                client.sendall(piece)
        for each in (client, server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
