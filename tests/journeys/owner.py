"""An owner without a browser: signs in and refunds over HTTP, one form after the other, as the pages give them."""

import html
import re

import requests

from tests.journeys.running import Running

_HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>")
_ATTRIBUTE = re.compile(r"(name|value)=\"([^\"]*)\"")


class Owner:
    """One signed-in person."""

    def __init__(self, running: Running, person: dict[str, str]) -> None:
        self._portal = running.portal
        self._session = requests.Session()
        answer = self._post("/login", {"phone": person["phone"], "password": person["password"]})
        assert "/login" not in answer.url, "nobody is signed in"

    def refund(self, payment_no: str, yuan: str, reason: str = "多收了") -> str:
        """Ask for a refund and confirm it; answers the refund's number."""
        answer = self._post(f"/receipts/{payment_no}/refund", {"amount": yuan, "reason": "own", "own": reason})
        answer = self._send(answer.url, _hidden(answer.text))
        found = re.search(r"/refunds/([0-9A-Z]+)$", answer.url)
        assert found, f"no refund: {answer.url} {answer.status_code} {answer.text[:2000]}"
        return found[1]

    def _post(self, path: str, values: dict[str, str]) -> requests.Response:
        page = self._session.get(self._portal + path, timeout=30)
        return self._send(page.url, _hidden(page.text) | values)

    def _send(self, url: str, values: dict[str, str]) -> requests.Response:
        return self._session.post(url.partition("?")[0], data=values, headers={"Referer": url}, timeout=30)


def _hidden(page: str) -> dict[str, str]:
    found = {}
    for field in _HIDDEN.findall(page):
        told = dict(_ATTRIBUTE.findall(field))
        found[told["name"]] = html.unescape(told.get("value", ""))
    return found
