"""What only a browser can tell of the sealed days: accessibility, and no scrolling sideways on a small phone."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from portal.settlement.queries import SheetRow
from portal.wallets.port import Acquirer, Wallet
from tests.chromium import violations
from tests.portal.settlement.conftest import DAY
from tests.portal.stall import SHOP

PATHS = ("/days?month=2026-11", f"/days/{DAY}", "/days/2026-11-02", "/receipts", "/")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def open_page(
    browser: Browser, address: str, app: Flask, owner: int, client_of: Callable[..., FlaskClient]
) -> Iterator[Callable[..., Page]]:
    """The owner's phone: `open_page(width=320, lang="en")`."""
    client = client_of(owner, SHOP)
    client.get("/healthz")
    cookie = client.get_cookie("yima")
    assert cookie is not None
    contexts = []

    def make(*, width: int = 360, height: int = 780, **look: str) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        contexts.append(context)
        kept = {"yima": cookie.value, **look}
        context.add_cookies([{"name": name, "value": value, "url": address} for name, value in kept.items()])
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(autouse=True)
def days(
    paid: Callable[..., str],
    refunded: Callable[..., str],
    close: Callable[..., list[SheetRow]],
    tell: Callable[..., None],
    post: Callable[..., None],
) -> None:
    """A day with everything on it, told apart, half of it matched, and a late payment."""
    first = paid(1_231_650, hour=8)
    paid(64_280, wallet=Wallet.JDPAY, discount=6_150)
    paid(1_800, wallet=Wallet.UNKNOWN, hour=17)
    paid(20_800, acquirer=Acquirer.JDPAY, hour=19)
    refunded(first, 41_200)
    post("suspense", 35)
    post("rebate_payable", 420, debit="rebate_expense")
    close()
    tell("wechat", paid=1_251_750)
    tell("jdpay", paid_state="not_reported")
    paid(700)
    close(nights=1)


LOOKS: tuple[dict[str, str], ...] = ({}, {"theme": "dark"}, {"lang": "en", "type": "large"})


def test_its_pages_pass_axe_and_never_scroll_sideways(open_page: Callable[..., Page], address: str) -> None:
    found: dict[str, object] = {}
    for look in LOOKS:
        # Tall enough that nothing is half under the bar at the bottom.
        page = open_page(width=320, height=4_000, **look)
        for path in PATHS:
            page.goto(address + path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            found[f"{path} {look}"] = violations(page) or (f"{wide} px wide" if wide > 320 else "")
    assert {place: what for place, what in found.items() if what} == {}
