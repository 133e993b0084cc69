"""The shops' owners: signed in over HTTP, they check a refund and confirm it, as the portal's pages lead them.

An owner who gets no answer presses the same button again: the same form, the same key. Whatever number the portal
shows him he may rely on.
"""

import re
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from tests.chaos.payers import hidden
from tests.chaos.plan import Asking, Buy
from tests.chaos.product import Product

_PATIENCE = 12.0
_PAUSE_SECONDS = 0.5
_TRIES = 20
_NUMBER = re.compile(r"/refunds/([0-9A-Z]+)$")


@dataclass
class Counter:
    """What all owners share: the refunds the portal gave a number, and what it said no to."""

    product: Product
    shown: list[tuple[str, int]] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Owner:
    """One owner at one telephone."""

    def __init__(self, counter: Counter, login: dict[str, str]) -> None:
        self._counter, self._login = counter, login
        self._portal = counter.product.portal
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def sign_in(self) -> None:
        """Before the storm: a sign-in may be tried ten times in five minutes, and faults are not about that."""
        self._signed_in()

    def refund(self, payment_no: str, buy: Buy) -> None:
        """All that is asked for this payment."""
        if buy.asking is Asking.RIVALS:
            with ThreadPoolExecutor(len(buy.refunds)) as both:
                list(both.map(lambda fen: self._one(payment_no, fen, taps=1), buy.refunds))
            return
        for fen in buy.refunds:
            self._one(payment_no, fen, taps=2 if buy.asking is Asking.TWICE else 1)

    def _one(self, payment_no: str, fen: int, *, taps: int) -> None:
        """Look at the check page, then tap until there is an answer; a page that moved on is looked at again."""
        key, path, trouble = secrets.token_urlsafe(16), f"/receipts/{payment_no}/refund/check", ""
        asked = {"amount": f"{fen // 100}.{fen % 100:02d}", "reason": "多收了", "key": key}
        for _ in range(_TRIES):
            try:
                page = self._get(path, asked)
                if self._done(page, fen):
                    return
                if page.status_code in (requests.codes.conflict, requests.codes.unprocessable):
                    self._counter.declined.append(f"{payment_no} {fen}")
                    return
                if page.status_code == requests.codes.ok and self._tapped(page, fen, taps):
                    return
                trouble = f"HTTP {page.status_code}"
            except requests.RequestException as problem:
                trouble = type(problem).__name__
            time.sleep(_PAUSE_SECONDS)
        self._counter.failed.append(f"{payment_no} {fen}: {trouble}")

    def _tapped(self, page: requests.Response, fen: int, taps: int) -> bool:
        values, url = hidden(page.text), page.url.partition("?")[0]

        def tap() -> requests.Response:
            return self._signed_in().post(
                url, data=values, headers={"Referer": page.url}, timeout=_PATIENCE, allow_redirects=False
            )

        if taps == 1:
            return self._done(tap(), fen)
        with ThreadPoolExecutor(taps) as fingers:
            answers = list(fingers.map(lambda _: tap(), range(taps)))
        return sum(self._done(answer, fen) for answer in answers) > 0

    def _done(self, page: requests.Response, fen: int) -> bool:
        """Whether this page, or the one it leads to, is the refund's own."""
        moved = page.headers.get("Location", "") if page.is_redirect else ""
        found = _NUMBER.search(moved or page.url)
        if found is None or page.status_code >= requests.codes.bad_request:
            return False
        self._counter.shown.append((found[1], fen))
        return True

    def _get(self, path: str, query: dict[str, str]) -> requests.Response:
        answer = self._signed_in().get(self._portal + path, params=query, timeout=_PATIENCE)
        if "/login" in answer.url:
            with self._lock:
                self._session = None
            answer = self._signed_in().get(self._portal + path, params=query, timeout=_PATIENCE)
        return answer

    def _signed_in(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                session = requests.Session()
                session.trust_env = False
                page = session.get(f"{self._portal}/login", timeout=_PATIENCE)
                values = hidden(page.text) | {"phone": self._login["phone"], "password": self._login["password"]}
                answer = session.post(
                    f"{self._portal}/login", data=values, headers={"Referer": page.url}, timeout=_PATIENCE
                )
                if not answer.ok or "/login" in answer.url:
                    raise requests.ConnectionError(f"nobody is signed in: {answer.status_code}")
                self._session = session
            return self._session
