"""The one door through which a connector talks to the outside.

Only hosts named in the settings, no redirects, no proxies or passwords picked up from the machine, one budget of
seconds for a whole call. Every failure is sorted by the only question that matters for money: was anything sent?
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util import Timeout

from portal.wallets.errors import WalletError, WalletUnavailable, WalletUnknown

USER_AGENT = "Yima-Portal/1 (+requests)"
CONNECT_SECONDS = 2.0
# Less than this is not worth a connection: the answer could not arrive in time.
LEAST_SECONDS = 0.05
MAX_ANSWER_BYTES = 2 * 1024 * 1024
PARALLEL_CALLS = 8
QUEUE_SECONDS = 0.2
# A file that stands still for longer than this will not come.
STALL_SECONDS = 30.0

log = logging.getLogger(__name__)


class Budget:
    """The seconds one call of the port may take in all, however many requests it needs."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that remain; zero or less when the time is up."""
        return self._ends_at - time.monotonic()

    def part(self, share: float) -> "Budget":
        """A budget of its own for a first try: this share of what remains."""
        return Budget(self.left() * share)


@dataclass(frozen=True)
class Answer:
    """What came back, byte for byte. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """The wallet's own trace of this request, for its support desk."""
        return self.headers.get("request-id")


def origin_of(url: str) -> str:
    """`scheme://host:port` of an address. Raises ValueError for anything but http and https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError(f"not an address of a wallet: {parts.scheme}://{parts.hostname}")
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


class Transport:
    """One pool of connections to one institution. Safe to share between threads.

    `addresses` are the base addresses that may be called; everything else is refused. `parallel` calls at most run at
    once, so that a slow wallet cannot take every thread of the web process.
    """

    def __init__(self, *, addresses: Collection[str], parallel: int = PARALLEL_CALLS) -> None:
        self._origins = frozenset(origin_of(address) for address in addresses)
        self._seats = threading.BoundedSemaphore(parallel)
        self._session = requests.Session()
        # The machine's proxies and .netrc could redirect a call or overwrite its Authorization header.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_maxsize=parallel, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(
        self,
        name: str,
        method: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and read its whole answer. `name` goes to the log in place of the address.

        Raises WalletUnavailable when nothing was sent, WalletUnknown when it was and no complete answer came.
        """
        with self._conversation(name, method, url, budget=budget, headers=headers, body=body) as (head, response):
            content = b"".join(_chunks(response, budget, name, most_bytes=MAX_ANSWER_BYTES))
        return Answer(head.status, head.headers, content)

    def receive(
        self,
        name: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        take: Callable[[bytes], object],
        most_bytes: int,
        form: bytes | None = None,
    ) -> Answer:
        """Fetch a file, by GET or by posting `form`: each piece of a 200 goes to `take` as it comes and is forgotten.

        The answer returned has no body; that of any other status is read as usual, for it says what is wrong. Raises as
        `send` does, and whatever `take` raises.
        """
        method = "GET" if form is None else "POST"
        with self._conversation(
            name, method, url, budget=budget, headers=headers, body=form, stall=STALL_SECONDS
        ) as found:
            head, response = found
            if head.status != 200:
                content = b"".join(_chunks(response, budget, name, most_bytes=MAX_ANSWER_BYTES))
                return Answer(head.status, head.headers, content)
            for piece in _chunks(response, budget, name, most_bytes=most_bytes):
                take(piece)
        return head

    @contextmanager
    def _conversation(
        self,
        name: str,
        method: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None = None,
        stall: float | None = None,
    ) -> Iterator[tuple[Answer, requests.Response]]:
        """One request whose answer has begun: its head, and where its body can be read. One line of the log."""
        if origin_of(url) not in self._origins:
            raise WalletUnavailable("HOST_NOT_ALLOWED", name)
        if not self._seats.acquire(timeout=max(0.0, min(QUEUE_SECONDS, budget.left()))):
            raise WalletUnavailable("BUSY", name)
        started = time.monotonic()
        outcome, head = "no answer", None
        try:
            with self._sent(name, method, url, budget=budget, headers=headers, body=body, stall=stall) as response:
                answered = {key.lower(): value for key, value in response.headers.items()}
                head = Answer(response.status_code, answered, b"")
                outcome = f"{head.status} request_id={head.request_id or '-'}"
                if 300 <= head.status < 400:
                    raise WalletUnknown("REDIRECTED", name)
                yield head, response
        except WalletError as trouble:
            outcome = f"{outcome} {trouble.code}"
            trouble.request_id = trouble.request_id or (head.request_id if head else None)
            raise
        finally:
            self._seats.release()
            log.info("%s: %s in %d ms", name, outcome, (time.monotonic() - started) * 1000)

    def _sent(
        self,
        name: str,
        method: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None,
        stall: float | None,
    ) -> requests.Response:
        prepared = self._session.prepare_request(
            requests.Request(
                method, url, data=body, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
            )
        )
        left = budget.left()
        if left < LEAST_SECONDS:
            raise WalletUnavailable("OUT_OF_TIME", name)
        if prepared.url != url:
            raise WalletUnavailable("ADDRESS_CHANGED", name)
        patience = Timeout(total=left, connect=min(left, CONNECT_SECONDS))
        if stall is not None:
            patience = Timeout(connect=min(left, CONNECT_SECONDS), read=min(left, stall))
        try:
            return self._session.send(prepared, timeout=patience, allow_redirects=False, stream=True)  # type: ignore[arg-type]
        except requests.RequestException as error:
            if _nothing_was_sent(error):
                raise WalletUnavailable("NO_CONNECTION", name) from error
            raise WalletUnknown("NO_ANSWER", name) from error
        except (HTTPError, OSError) as error:
            raise WalletUnknown("BROKEN_ANSWER", name) from error


def _chunks(response: requests.Response, budget: Budget, name: str, *, most_bytes: int) -> Iterator[bytes]:
    """The body as sent. A trickling answer ends with the budget, not with the patience of each single read."""
    size = 0
    while True:
        try:
            chunk = response.raw.read1(64 * 1024)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise WalletUnknown("BROKEN_ANSWER", name) from error
        if not chunk:
            return
        size += len(chunk)
        if size > most_bytes:
            raise WalletUnknown("ANSWER_TOO_LONG", name)
        if budget.left() <= 0:
            raise WalletUnknown("NO_ANSWER", name)
        yield chunk


def _nothing_was_sent(error: requests.RequestException) -> bool:
    """Whether no byte of the request can have reached the wallet: no route, name, port or trusted certificate."""
    cause: object = error
    for _ in range(5):
        if isinstance(cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError):
            return True
        if not isinstance(cause, BaseException):
            return False
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
    return False
