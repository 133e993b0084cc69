"""Pictures of the pages for README and docs, from a demonstration that is running already.

    ./dev run                                        # in another terminal
    .venv/bin/python -m tests.journeys.screens       # all of SCREENS into docs/images/screens/
    .venv/bin/python -m tests.journeys.screens strip-zh receipts-zh
    .venv/bin/python -m tests.journeys.screens --every /tmp/look    # every page, both languages, both sizes

PORTAL_DATA_DIR names the demonstration (default ./.data). It pays, refunds and registers in it: never near real data.
"""

import argparse
import io
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.journeys import road
from tests.journeys.running import ROOT, Running

OUTPUT = ROOT / "docs" / "images" / "screens"
PHONE, DESK = (360, 780), (1280, 800)
_WECHAT = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/116.0 Mobile MicroMessenger/8.0.44"
_JD = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/116.0 Mobile JDJR-App&"
_MOST_BYTES = 60_000
_COLOURS = 96
_APPLICANTS = (("小巷口水果店", "林小巷", 7), ("李记早点", "李建民", 8))
_MORNING = (("wechat", 1260), ("wechat", 850), ("jdpay", 3600), ("wechat", 4800), ("jdpay", 1800), ("wechat", 3550))


@dataclass(frozen=True)
class Screen:
    """One picture. `path` may hold {code}, {token}, {receipt}, {merchant}; `deed` goes on from there."""

    name: str
    path: str
    person: str | None = "owner"
    size: tuple[int, int] = PHONE
    lang: str = "zh"
    user_agent: str | None = None
    deed: Callable[[Page, dict[str, str]], None] | None = None
    on_sandbox: bool = False


def refund_to_the_check(page: Page, _values: dict[str, str]) -> None:
    """Ask for a part and go to the check, without confirming."""
    page.locator("input[name=amount]").fill("12.00")
    page.locator("input[name=reason]").first.check()
    road.submit(page)


def type_an_amount(page: Page, _values: dict[str, str]) -> None:
    """26.80 on the keypad."""
    for key in "26.80":
        page.locator(f".kp button[value='{key}']").click()


def start_announcing(page: Page, _values: dict[str, str]) -> None:
    """The tap a browser wants before it may speak."""
    page.get_by_role("button", name="开启播报").click()
    page.wait_for_timeout(1500)


def open_the_first(page: Page, _values: dict[str, str]) -> None:
    """The first application of the queue."""
    with page.expect_navigation():
        page.get_by_role("link", name="打开").first.click()


def scan_and_pay(page: Page, values: dict[str, str]) -> None:
    """Scan a code in the phone and go as far as WeChat's sheet."""
    glass = page.frame_locator("#screen")
    glass.locator("#text").fill(values["code"])
    glass.get_by_role("button", name="打开").click()
    for key in "26.80":
        glass.locator(f".kp button[value='{key}']").click()
    glass.locator("#go").click()
    page.wait_for_timeout(4000)


SCREENS = (
    Screen("receipts-zh", "/receipts"),
    Screen("code-zh", "/codes/1"),
    Screen("rebates-zh", "/rebates"),
    Screen("announcer-zh", "/announcer", deed=start_announcing),
    Screen("pay-jd-en", "/c/{code}", person=None, user_agent=_JD, lang="en", deed=type_an_amount),
    Screen("review-zh", "/staff", person="reviewer", size=DESK, deed=open_the_first),
    Screen("merchant-en", "/staff/merchants/{merchant}", person="reviewer", size=DESK, lang="en"),
    Screen("sandbox-phone-zh", "/phone", person=None, size=DESK, on_sandbox=True, deed=scan_and_pay),
)
# The first screen of the READMEs: phones beside each other, in the order of the road.
STRIPS = {
    f"strip-{lang}": (
        Screen("application", "/application", person="newcomer", lang=lang),
        Screen("pay", "/c/{code}", person=None, user_agent=_WECHAT, lang=lang, deed=type_an_amount),
        Screen("today", "/", lang=lang),
        Screen("receipt", "/receipts/{receipt}", lang=lang),
        Screen("refund", "/receipts/{receipt}/refund", lang=lang, deed=refund_to_the_check),
    )
    for lang in ("zh", "en")
}
# For `--every`: what else is worth a look beside the pictures of the design.
_OWNERS = ("/", "/receipts", "/receipts/{receipt}", "/receipts/{receipt}/refund", "/refunds", "/codes", "/codes/1",
           "/codes/link", "/rebates", "/announcer", "/settings", "/settings/devices", "/settings/records",
           "/application")  # fmt: skip
_STAFFS = ("/staff", "/staff/applications", "/staff/merchants", "/staff/merchants/{merchant}",
           "/staff/merchants/{merchant}/restrict")  # fmt: skip
_PUBLIC = ("/login", "/register", "/forgot", "/c/{code}", "/r/{token}", "/v/{receipt}")


@dataclass
class Studio:
    """A browser before a running demonstration; whoever has signed in once stays signed in."""

    browser: Browser
    running: Running
    values: dict[str, str]
    states: dict[str, Any] = field(default_factory=dict)

    def take(self, screen: Screen) -> bytes:
        """The picture of one screen as PNG, at twice the density on the phone."""
        width, height = screen.size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2 if screen.size == PHONE else 1,
            locale="zh-CN" if screen.lang == "zh" else "en-GB",
            user_agent=screen.user_agent,
            storage_state=self._signed_in(screen.person) if screen.person else None,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        base = self.running.sandbox if screen.on_sandbox else self.running.portal
        page.goto(base + screen.path.format(**self.values), wait_until="load")
        if screen.deed is not None:
            screen.deed(page, self.values)
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(400)
        picture = page.screenshot(animations="disabled")
        context.close()
        return picture

    def _signed_in(self, person: str) -> Any:
        if person not in self.states:
            context = self.browser.new_context(locale="zh-CN")
            page = context.new_page()
            if person == "newcomer":
                self._register(page, "小巷口水果店")
                road.submit(page)
            else:
                login = self.running.login(person)
                page.goto(f"{self.running.portal}/login")
                page.locator("input[name=phone]").fill(login["phone"])
                page.locator("input[name=password]").fill(login["password"])
                road.submit(page)
            self.states[person] = context.storage_state()
            context.close()
        return self.states[person]

    def apply(self) -> None:
        """Applications for the console's queue."""
        for shop, person, seed in _APPLICANTS:
            context = self.browser.new_context(locale="zh-CN")
            page = context.new_page()
            self._register(page, shop)
            road.apply(page, shop=shop, person=road.invented_person(person, seed))
            context.close()

    def _register(self, page: Page, shop: str) -> None:
        road.register(page, self.running, phone=f"137{secrets.randbelow(10**8):08d}", shop=shop)


def small(picture: bytes) -> bytes:
    """The same picture with a palette, a little smaller where that is not enough."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    while True:
        written = io.BytesIO()
        image.quantize(_COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
        if written.tell() <= _MOST_BYTES:
            return written.getvalue()
        image = image.resize((image.width * 9 // 10, image.height * 9 // 10), Image.Resampling.LANCZOS)


def beside(shots: list[bytes]) -> bytes:
    """Several phones beside each other."""
    height, gap = 560, 16
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    scaled = [one.resize((one.width * height // one.height, height), Image.Resampling.LANCZOS) for one in images]
    whole = Image.new("RGB", (sum(one.width + gap for one in scaled) + gap, height + 2 * gap), "#8A8F8F")
    left = gap
    for one in scaled:
        whole.paste(one, (left, gap))
        left += one.width + gap
    written = io.BytesIO()
    whole.save(written, "PNG")
    return written.getvalue()


def prepare(running: Running) -> dict[str, str]:
    """A morning's payments with both wallets, and the values the paths name."""
    shop = running.demo["shops"][0]
    code = shop["codes"][0]
    for wallet, amount in _MORNING:
        running.pay(wallet, amount, text=code)
    last = running.pay("jdpay", 2000, text=code)
    if last.get("result") != "paid":
        raise SystemExit(f"the phone could not pay: {last}")
    token = shop["rebate_tokens"][0]
    for wallet, amount in (("wechat", 6000), ("jdpay", 4550)):
        running.pay(wallet, amount, text=f"{running.portal}/r/{token}")
    return {"code": code, "token": token, "receipt": str(last["order"]), "merchant": str(shop["id"])}


def every() -> list[Screen]:
    """Each page in both languages and at both widths."""
    kinds = [(_OWNERS, "owner", None), (_STAFFS, "reviewer", None), (_PUBLIC, None, _WECHAT)]
    return [
        Screen(f"{path.strip('/').replace('/', '-') or 'today'}-{lang}-{size[0]}", path, person, size, lang, agent)
        for paths, person, agent in kinds
        for path in paths
        for lang in ("zh", "en")
        for size in (PHONE, DESK)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="which of SCREENS and STRIPS; all when left out")
    parser.add_argument("--every", type=Path, metavar="DIRECTORY", help="every page, unreduced, into a directory")
    asked = parser.parse_args()
    data_dir = Path(os.environ.get("PORTAL_DATA_DIR", ROOT / ".data"))
    demo = json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))
    # The process belongs to whoever started it; here it is only looked at.
    running = Running(demo["portal"], demo["sandbox"], data_dir, process=None)  # type: ignore[arg-type]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS)
        studio = Studio(browser, running, prepare(running))
        studio.apply()
        if asked.every:
            write_every(studio, asked.every)
        else:
            write_chosen(studio, set(asked.names) or {one.name for one in SCREENS} | set(STRIPS))
        browser.close()


def write_chosen(studio: Studio, names: set[str]) -> None:
    """The pictures that are kept in the repository."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for screen in SCREENS:
        if screen.name in names:
            (OUTPUT / f"{screen.name}.png").write_bytes(small(studio.take(screen)))
    for name, parts in STRIPS.items():
        if name in names:
            (OUTPUT / f"{name}.png").write_bytes(small(beside([studio.take(part) for part in parts])))


def write_every(studio: Studio, folder: Path) -> None:
    """Every page, for eyes only."""
    folder.mkdir(parents=True, exist_ok=True)
    for screen in every():
        (folder / f"{screen.name}.png").write_bytes(studio.take(screen))


if __name__ == "__main__":
    main()
