"""Payers: each opens the portal's page as his wallet's browser would, and taps at the wallet's own till.

The pages are the real ones and the money moves in the sandbox alone. What fails on the way (a page that does not come,
a refused tap) is tried again from the scan, as a person would.
"""

import html
import json
import re
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.chaos.plan import Buy, Way
from tests.chaos.product import Product

AGENTS = {
    Way.PLATE_WECHAT: "Mozilla/5.0 (Linux; Android 10) Mobile MicroMessenger/8.0.49 NetType/4G Language/zh_CN",
    Way.PLATE_JD: "Mozilla/5.0 (Linux; Android 10) Mobile application=JDJR-App&clientType=android&version=6.9.60",
}
TRIES = 12
_PAUSE_SECONDS = 0.4
_PATIENCE = 12.0
_HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>")
_ATTRIBUTE = re.compile(r"(name|value)=\"([^\"]*)\"")
_BRIDGE = re.compile(r"<script type=\"application/json\" id=\"bridge\"[^>]*>(.*?)</script>", re.DOTALL)


class NotPaid(Exception):
    """This try came to nothing; the text says where."""


@dataclass(frozen=True)
class Paid:
    """What the wallet said: the acquirer's or our order number, and its transaction where it told one."""

    buy: Buy
    order_no: str
    transaction_no: str


@dataclass
class Till:
    """What all payers share: who is who, the shops' codes, and what was paid."""

    product: Product
    plates: list[str]
    static: list[str]
    personal: str
    phones: dict[str, str] = field(default_factory=dict)
    paid: list[Paid] = field(default_factory=list)
    failed: list[tuple[Buy, str]] = field(default_factory=list)
    tries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def till_of(product: Product) -> Till:
    """Every demonstration shop with its plate and its static code."""
    shops = product.demo["shops"]
    filed = requests.get(f"{product.sandbox}/control/codes", timeout=30).json()
    own = {code["holder_name"]: code["text"] for code in filed if code["holding"] == "own_sub_merchant"}
    return Till(
        product,
        plates=[shop["codes"][0] for shop in shops],
        static=[own[shop["name"]] for shop in shops],
        personal=next(text for shop in shops for text in shop["linked"]),
    )


class Payer:
    """One thread's hands: its own connections, everybody's phones."""

    def __init__(self, till: Till) -> None:
        self._till, self._product = till, till.product
        self._till_session = requests.Session()
        self._till_session.trust_env = False

    def pay(self, buy: Buy) -> Paid | None:
        """Try until the wallet says yes. None when it never did."""
        trouble = ""
        for number in range(TRIES):
            self._till.tries += 1
            try:
                paid = self._once(buy)
            except (requests.RequestException, NotPaid, ValueError, KeyError, sqlite3.Error) as problem:
                trouble = f"{type(problem).__name__}: {problem}"[:200]
                time.sleep(_PAUSE_SECONDS * (1 + number / 4))
                continue
            self._till.paid.append(paid)
            return paid
        self._till.failed.append((buy, trouble))
        return None

    def _once(self, buy: Buy) -> Paid:
        if buy.way is Way.PLATE_WECHAT:
            return self._in_wechat(buy)
        if buy.way is Way.PLATE_JD:
            return self._in_jd(buy)
        return self._static(buy)

    def _static(self, buy: Buy) -> Paid:
        wallet = "wechat" if buy.way is Way.STATIC_WECHAT else "jdpay"
        if buy.reduction:
            self._reduce(buy)
        wish = {
            "text": self._till.personal if buy.way is Way.PERSONAL else self._till.static[buy.shop],
            "amount": buy.amount,
            "wallet": wallet,
            "payer": buy.payer,
        }
        told = self._sandbox("/control/interconnect/pay", wish)
        if told["state"] == "REVERSED":
            raise NotPaid("reversed")
        return Paid(buy, str(told["number"]), str(told["transaction_id"]))

    def _in_wechat(self, buy: Buy) -> Paid:
        with self._browser(buy) as browser:
            login = self._posted_amount(browser, buy)
            back = self._moved(self._straight(login, buy), "the login page")
            number = back.partition("/o/")[2].partition("/")[0]
            page = browser.get(back, timeout=_PATIENCE)
            found = _BRIDGE.search(page.text)
            if found is None:
                raise NotPaid(f"no bridge: HTTP {page.status_code}")
            cookies = {"phone": self._phone(buy.payer)}
            sheet = self._sandbox("/phone/api/bridge", {"params": json.loads(found[1])}, cookies)["sheet"]
            self._arm(buy, "wechat", number)
            done = self._sandbox(f"/phone/api/sheet/{sheet['id']}", {"outcome": "pay"}, cookies)["sheet"]
        if done["state"] != "paid":
            raise NotPaid(f"sheet {done['state']}: {done['problem']}")
        return Paid(buy, number, "")

    def _in_jd(self, buy: Buy) -> Paid:
        with self._browser(buy) as browser:
            cashier = self._posted_amount(browser, buy)
        token = cashier.partition("/jd/cashier/")[2]
        if not token:
            raise NotPaid(f"no cashier: {cashier}")
        number = self._order_of(token)
        if buy.reduction:
            self._reduce(buy)
        self._arm(buy, "jd", number)
        answer = self._till_session.post(
            f"{self._product.sandbox}/jd/cashier/{token}",
            data={"action": "pay"},
            headers={"X-Sandbox-Payer": buy.payer},
            timeout=_PATIENCE,
            allow_redirects=False,
        )
        if answer.status_code != requests.codes.see_other or not self._is_paid(token):
            raise NotPaid(f"the cashier answered {answer.status_code}")
        return Paid(buy, number, "")

    def _posted_amount(self, browser: requests.Session, buy: Buy) -> str:
        """Scan the plate and send the amount; where the portal leads on."""
        url = f"{self._product.portal}/c/{self._till.plates[buy.shop]}"
        page = browser.get(url, timeout=_PATIENCE)
        if page.status_code != requests.codes.ok:
            raise NotPaid(f"the plate answered {page.status_code}")
        values = hidden(page.text) | {"amount": f"{buy.amount // 100}.{buy.amount % 100:02d}", "note": ""}
        answer = browser.post(url, data=values, headers={"Referer": url}, timeout=_PATIENCE, allow_redirects=False)
        return self._moved(answer, "the amount")

    def _straight(self, url: str, buy: Buy) -> requests.Response:
        """A page of the wallet's own, past the proxy, on this payer's phone."""
        here = url.replace(self._product.gateway, self._product.sandbox)
        return self._till_session.get(
            here, headers={"X-Sandbox-Payer": buy.payer}, timeout=_PATIENCE, allow_redirects=False
        )

    def _moved(self, answer: requests.Response, what: str) -> str:
        place = answer.headers.get("Location", "")
        if answer.status_code not in (requests.codes.found, requests.codes.see_other) or not place:
            raise NotPaid(f"{what} was answered {answer.status_code}")
        return place if "://" in place else f"{self._product.portal}{place}"

    def _browser(self, buy: Buy) -> requests.Session:
        browser = requests.Session()
        browser.trust_env = False
        browser.headers["User-Agent"] = AGENTS[buy.way]
        return browser

    def _phone(self, payer: str) -> str:
        with self._till.lock:
            known = self._till.phones.get(payer)
        if known is None:
            answer = requests.post(f"{self._product.sandbox}/phone/api/me", json={"payer": payer}, timeout=_PATIENCE)
            answer.raise_for_status()
            known = answer.cookies["phone"]
            with self._till.lock:
                self._till.phones[payer] = known
        return known

    def _reduce(self, buy: Buy) -> None:
        self._sandbox(f"/payers/{buy.payer}/jdpay", {"next_reduction": buy.reduction})

    def _arm(self, buy: Buy, institution: str, number: str) -> None:
        if buy.notice:
            wish: dict[str, object] = {"institution": institution, "name": buy.notice, "number": number}
            if buy.notice in ("notify_late", "notify_out_of_order"):
                wish["seconds"] = 30
            self._sandbox("/control/faults", wish)

    def _sandbox(self, path: str, wish: dict[str, Any], cookies: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self._till_session.post(
            f"{self._product.sandbox}{path}", json=wish, cookies=cookies, timeout=_PATIENCE
        )
        if not answer.ok:
            raise NotPaid(f"{path} answered {answer.status_code} {answer.text[:120]}")
        return dict(answer.json())

    def _order_of(self, token: str) -> str:
        return str(self._jd_order(token)["out_trade_no"])

    def _is_paid(self, token: str) -> bool:
        return self._jd_order(token)["state"] == "FINISH"

    def _jd_order(self, token: str) -> sqlite3.Row:
        store = sqlite3.connect(f"file:{self._product.store}?mode=ro", uri=True, timeout=10)
        store.row_factory = sqlite3.Row
        try:
            row = store.execute("SELECT out_trade_no, state FROM jd_orders WHERE token = ?", (token,)).fetchone()
        finally:
            store.close()
        if row is None:
            raise NotPaid("JD does not know its own cashier")
        found: sqlite3.Row = row
        return found


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    found = {}
    for text in _HIDDEN.findall(page):
        told = dict(_ATTRIBUTE.findall(text))
        if "name" in told:
            found[told["name"]] = html.unescape(told.get("value", ""))
    return found
