"""Every way a conversation can break off, sorted by whether something was sent."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from portal.wallets.errors import WalletError, WalletUnavailable, WalletUnknown
from portal.wallets.transport import MAX_ANSWER_BYTES, Answer, Budget, Transport, origin_of

OK = b"HTTP/1.1 200 OK\r\nRequest-ID: 08F-0\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of this machine that treats every connection as `behave` says."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def hear(connection: socket.socket) -> bytes:
    """The whole request: closing a connection with unread bytes would reset it."""
    heard = b""
    while not heard.endswith(b"\r\n\r\n{}"):
        part = connection.recv(65536)
        if not part:
            break
        heard += part
    return heard


def ask(url: str, *, seconds: float = 5, transport: Transport | None = None, path: str = "/v3/x") -> Answer:
    chosen = transport or Transport(addresses=(url,))
    return chosen.send("test", "POST", url + path, budget=Budget(seconds), headers={"A": "b"}, body=b"{}")


def test_it_brings_the_answer_back_byte_for_byte() -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(hear(connection))
        connection.sendall(OK)

    with server(behave) as url:
        answer = ask(url)
    assert (answer.status, answer.body, answer.request_id) == (200, b"{}", "08F-0")
    assert b"User-Agent: Yima" in seen[0]
    assert b"Accept-Encoding: identity" in seen[0]


def test_nothing_was_sent_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(WalletUnavailable) as found:
        ask(f"http://127.0.0.1:{port}")
    assert found.value.code == "NO_CONNECTION"


def test_nothing_is_sent_to_a_host_that_is_not_in_the_settings() -> None:
    transport = Transport(addresses=("http://127.0.0.1:1",))
    for url in ("http://127.0.0.1:2", "https://127.0.0.1:1", "http://localhost:1"):
        with pytest.raises(WalletUnavailable) as found:
            ask(url, transport=transport)
        assert found.value.code == "HOST_NOT_ALLOWED"


def test_nothing_is_sent_when_the_time_is_up() -> None:
    with pytest.raises(WalletUnavailable) as found:
        ask("http://127.0.0.1:1", seconds=0)
    assert found.value.code in ("OUT_OF_TIME", "BUSY")


def test_nothing_is_sent_to_a_host_without_a_trusted_certificate(tmp_path: Path, merchant_key: RSAPrivateKey) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path, merchant_key))
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            seen.append(secured.recv(65536))

    with server(behave) as url, pytest.raises(WalletUnavailable) as found:
        ask(url.replace("http://", "https://"))
    assert found.value.code == "NO_CONNECTION"
    assert not any(seen)


def hang_up(connection: socket.socket) -> None:
    hear(connection)


def say_nothing(connection: socket.socket) -> None:
    hear(connection)
    time.sleep(1.5)


def trickle(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.1)


def break_off(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def babble(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"220 smtp.example ESMTP\r\n\r\n")


def redirect(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


def flood(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (MAX_ANSWER_BYTES + 65536))


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (hang_up, "NO_ANSWER"),
        (say_nothing, "NO_ANSWER"),
        (trickle, "NO_ANSWER"),
        (break_off, "BROKEN_ANSWER"),
        (babble, "NO_ANSWER"),
        (redirect, "REDIRECTED"),
        (flood, "ANSWER_TOO_LONG"),
    ],
)
def test_what_was_sent_without_a_whole_answer_is_unknown(behave: Callable[[socket.socket], None], code: str) -> None:
    started = time.monotonic()
    with server(behave) as url, pytest.raises(WalletUnknown) as found:
        ask(url, seconds=10.0 if behave is flood else 1.0)
    assert found.value.code == code
    assert time.monotonic() - started < 12


def test_a_trickling_answer_ends_with_the_budget() -> None:
    started = time.monotonic()
    with server(trickle) as url:
        with pytest.raises(WalletUnknown):
            ask(url, seconds=0.8)
        assert time.monotonic() - started < 2


def test_a_slow_wallet_takes_only_its_share_of_the_threads() -> None:
    release = threading.Event()

    def behave(connection: socket.socket) -> None:
        hear(connection)
        release.wait(10)
        connection.sendall(OK)

    found: list[WalletError] = []
    with server(behave) as url:
        transport = Transport(addresses=(url,), parallel=1)
        first = threading.Thread(target=ask, args=(url,), kwargs={"transport": transport, "seconds": 10})
        first.start()
        time.sleep(0.2)
        try:
            ask(url, transport=transport)
        except WalletError as error:
            found.append(error)
        finally:
            release.set()
            first.join(10)
    assert [(type(error), error.code) for error in found] == [(WalletUnavailable, "BUSY")]


def test_the_log_names_the_call_and_never_the_address(caplog: pytest.LogCaptureFixture) -> None:
    def behave(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK)

    with server(behave) as url, caplog.at_level("INFO", logger="portal.wallets.transport"):
        ask(url, path="/sns/oauth2/access_token?secret=hidden")
    assert "request_id=08F-0" in caplog.text
    assert "hidden" not in caplog.text


def fetch(url: str, take: Callable[[bytes], None], *, seconds: float = 5, most_bytes: int = 10**7) -> Answer:
    transport = Transport(addresses=(url,))
    return transport.receive(
        "test", url + "/file", budget=Budget(seconds), headers={}, take=take, most_bytes=most_bytes
    )


def hear_a_question(connection: socket.socket) -> None:
    heard = b""
    while not heard.endswith(b"\r\n\r\n"):
        heard += connection.recv(65536)


def send_a_file(connection: socket.socket) -> None:
    hear_a_question(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nRequest-ID: 08F-3\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)


def test_a_file_comes_in_pieces_and_may_be_longer_than_an_answer() -> None:
    pieces: list[int] = []
    with server(send_a_file) as url:
        answer = fetch(url, lambda piece: pieces.append(len(piece)))
    assert (answer.status, answer.body, answer.request_id) == (200, b"", "08F-3")
    assert sum(pieces) == 3_000_000 > MAX_ANSWER_BYTES
    assert max(pieces) <= 64 * 1024


def test_a_file_longer_than_allowed_ends_with_the_wallets_trace() -> None:
    with server(send_a_file) as url, pytest.raises(WalletUnknown) as found:
        fetch(url, lambda piece: None, most_bytes=100_000)
    assert (found.value.code, found.value.request_id) == ("ANSWER_TOO_LONG", "08F-3")


def test_a_file_that_breaks_off_ends_with_the_wallets_trace(caplog: pytest.LogCaptureFixture) -> None:
    def behave(connection: socket.socket) -> None:
        hear_a_question(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nRequest-ID: 08F-4\r\nContent-Length: 1000\r\n\r\nhalf")

    taken: list[bytes] = []
    caplog.set_level("INFO", logger="portal.wallets.transport")
    with server(behave) as url, pytest.raises(WalletUnknown) as found:
        fetch(url, taken.append)
    assert (found.value.code, found.value.request_id, taken) == ("BROKEN_ANSWER", "08F-4", [b"half"])
    assert "200 request_id=08F-4 BROKEN_ANSWER" in caplog.text


def test_a_file_that_is_refused_says_why() -> None:
    def behave(connection: socket.socket) -> None:
        hear_a_question(connection)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 18\r\n\r\n" + b'{"code":"NO_AUTH"}')

    taken: list[bytes] = []
    with server(behave) as url:
        answer = fetch(url, taken.append)
    assert (answer.status, answer.body, taken) == (403, b'{"code":"NO_AUTH"}', [])


def test_what_the_taker_finds_wrong_carries_the_wallets_trace() -> None:
    def refuse(piece: bytes) -> None:
        raise WalletUnknown("BILL_DAMAGED")

    with server(send_a_file) as url, pytest.raises(WalletUnknown) as found:
        fetch(url, refuse)
    assert (found.value.code, found.value.request_id) == ("BILL_DAMAGED", "08F-3")


def test_a_first_try_gets_its_share_of_the_time() -> None:
    budget = Budget(10)
    assert 5.5 < budget.part(0.6).left() <= 6
    assert budget.left() > 9


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://user:pw@host/", "file:///etc/passwd", "//host"])
def test_it_knows_no_origin_but_http_and_https(url: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        origin_of(url)


def self_signed(folder: Path, key: RSAPrivateKey) -> Path:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
