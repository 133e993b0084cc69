"""One request of a wallet's built-in browser, made on the phone's behalf.

Nothing is followed by itself: every redirect comes back to the caller, who has its address checked again.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
from requests.cookies import get_cookie_header

from sandbox.language import HEADER
from sandbox.phone import cookies
from sandbox.phone.addresses import Places
from sandbox.phone.agents import USER_AGENTS
from sandbox.store import Store

PAYER_HEADER = "X-Sandbox-Payer"
CONNECT_SECONDS = 3
ANSWER_SECONDS = 20
LARGEST_ANSWER = 10 * 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEPT_REQUEST_HEADERS = ("Accept", "Accept-Language", "Content-Type", "If-None-Match", "If-Modified-Since")


class Unreachable(RuntimeError):
    """The page did not come: no connection, no answer in time, or far too much of it."""


@dataclass(frozen=True)
class Request:
    """What the person's click asks for. `referer` is the real address of the page that was clicked on."""

    url: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    referer: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back, body already unpacked."""

    url: str
    method: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower() in (
            "text/html",
            "application/xhtml+xml",
        )

    @property
    def is_css(self) -> bool:
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower() == "text/css"

    @property
    def charset(self) -> str | None:
        """As the header says it; None leaves it to the page."""
        return requests.utils.get_encoding_from_headers({"content-type": self._declared}) if self._declared else None

    @property
    def redirect(self) -> str | None:
        """The absolute address this answer sends to, if it does."""
        place = self.headers.get("Location")
        return urljoin(self.url, place) if self.status in _REDIRECTS and place else None

    @property
    def keeps_method(self) -> bool:
        return self.status in (307, 308)

    @property
    def _declared(self) -> str:
        kind = self.headers.get("Content-Type", "")
        return kind if "charset" in kind.lower() else ""


class Browser:
    """The browser of one wallet on one phone."""

    def __init__(self, store: Store, places: Places, phone: str, payer: str) -> None:
        self.places = places
        self._store = store
        self._phone = phone
        self._payer = payer

    def send(self, request: Request) -> Answer:
        """Fetch one page. Raises Foreign before anything is sent, Unreachable when nothing usable came back."""
        url = self.places.checked(request.url)
        owner = cookies.Owner(self._phone, self.places.wallet, self.places.site(url))
        with self._store.reading() as connection:
            jar = cookies.load(connection, owner, loopback=urlsplit(url).hostname in ("127.0.0.1", "localhost"))
        before = cookies.contents(jar)
        prepared = requests.Request(request.method, url, headers=self._headers(request, url), data=request.body)
        answer = _exchange(prepared.prepare(), jar)
        after = cookies.contents(jar)
        if cookies.differ(before, after):
            with self._store.writing() as connection:
                cookies.save(connection, owner, before, after)
        return answer

    def _headers(self, request: Request, url: str) -> dict[str, str]:
        headers = {name: request.headers[name] for name in _KEPT_REQUEST_HEADERS if request.headers.get(name)}
        headers["User-Agent"] = USER_AGENTS[self.places.wallet]
        headers.setdefault("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        headers.setdefault("Accept-Language", "zh-CN,zh;q=0.9")
        origin = f"{urlsplit(request.referer).scheme}://{urlsplit(request.referer).netloc}"
        if request.referer:
            same = self.places.site(request.referer) == self.places.site(url)
            headers["Referer"] = request.referer if same else f"{origin}/"
            headers["Sec-Fetch-Site"] = "same-origin" if same else "cross-site"
            if request.method == "POST":
                headers["Origin"] = origin
        if self.places.site(url) == "sandbox":
            headers[PAYER_HEADER] = self._payer
            headers |= {HEADER: request.headers[HEADER]} if HEADER in request.headers else {}
        return headers


def _exchange(prepared: requests.PreparedRequest, jar: requests.cookies.RequestsCookieJar) -> Answer:
    if header := get_cookie_header(jar, prepared):
        prepared.headers["Cookie"] = header
    with requests.Session() as session:
        session.trust_env = False  # no proxy of the machine between the phone and the portal
        session.cookies = jar
        try:
            with session.send(
                prepared, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), allow_redirects=False, stream=True
            ) as response:
                content = _read(response)
        except requests.RequestException as problem:
            raise Unreachable(type(problem).__name__) from problem
    return Answer(str(prepared.url), str(prepared.method), response.status_code, response.headers, content)


def _read(response: requests.Response) -> bytes:
    """The whole body, unless it grows too long or takes too long."""
    enough = time.monotonic() + ANSWER_SECONDS
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(64 * 1024):
        size += len(chunk)
        chunks.append(chunk)
        if size > LARGEST_ANSWER or time.monotonic() > enough:
            raise Unreachable("too long")
    return b"".join(chunks)
