"""The sandbox's phone in the hand of one person: what he taps, in a real browser."""

from typing import Any

import requests
from playwright.sync_api import FrameLocator, Page

from tests.chromium import violations
from tests.journeys.running import Running

APPS = {"wechat": "微信", "jdpay": "京东金融"}
ACTIVITY = "扫码付优惠"


class Handset:
    """A phone that belongs to `payer`, with `wallet` open. The screen is the frame on the desk's page."""

    def __init__(self, page: Page, running: Running, payer: str, wallet: str) -> None:
        self._page, self._running, self._payer, self._wallet = page, running, payer, wallet
        told = page.request.post(f"{running.sandbox}/phone/api/me", data={"payer": payer})
        assert told.ok, told.text()
        self._examined: set[str] = set()
        self.open("app")

    @property
    def screen(self) -> FrameLocator:
        return self._page.frame_locator("#screen")

    def open(self, tab: str) -> None:
        """The desktop (`home`), the wallet's first page (`app`), or the scanner (`scan`)."""
        self._page.goto(f"{self._running.sandbox}/phone?wallet={self._wallet}&tab={tab}")

    def reads(self, words: str, *, exact: bool = False) -> str:
        """The whole text of the screen, once these words stand on it; the first time axe looks at it too."""
        self.screen.get_by_text(words, exact=exact).first.wait_for()
        if words not in self._examined:
            frame = self._page.frame(name="screen")
            assert frame is not None
            assert violations(frame) == [], f"the screen with {words!r}"
            self._examined.add(words)
        return self.screen.locator("body").inner_text()

    def scan(self, text: str) -> None:
        """By what the code says; the scanner is open."""
        self.screen.locator("#text").fill(text)
        self.tap("打开")

    def tap(self, words: str, *, exact: bool = False) -> None:
        """A button or a link by its words."""
        button = self.screen.get_by_role("button", name=words, exact=exact)
        self.screen.get_by_role("link", name=words, exact=exact).or_(button).first.click()

    def pay_at_a_plate(self, text: str, yuan: str) -> None:
        """Scan with the open scanner, type, and say yes in the wallet."""
        self.ask_to_pay(text, yuan)
        self.tap("确认付款")

    def ask_to_pay(self, text: str, yuan: str) -> None:
        """As far as the wallet's own page, where the price stands."""
        self.scan(text)
        self.screen.locator("#amount").fill(yuan)
        self.screen.locator("#go").click()
        self.screen.get_by_role("button", name="确认付款").wait_for()

    def to_the_activity(self) -> None:
        """Search the app for the discount, as the announcement tells people to."""
        self.open("app")
        self.screen.get_by_role("searchbox").fill(ACTIVITY)
        self.tap("搜索", exact=True)
        self.tap(ACTIVITY)
        self.screen.get_by_role("heading", name=ACTIVITY).wait_for()

    def told(self, path: str = "") -> dict[str, Any]:
        """What the sandbox knows of this person in this wallet, or of `path` below it."""
        answer = requests.get(f"{self._running.sandbox}/payers/{self._payer}/{self._wallet}{path}", timeout=10)
        answer.raise_for_status()
        return dict(answer.json())
