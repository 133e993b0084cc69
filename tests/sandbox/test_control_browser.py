"""The sandbox's control and books pages in a real browser: for everybody, in both languages, light and dark, narrow."""

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.chromium import sideways, violations
from tests.sandbox.paying import wechat_paid

PATHS = ("/", "/control", "/control/books")
NARROW = {"width": 360, "height": 740}


@pytest.fixture
def busy_url(sandbox: Flask, sandbox_url: str) -> str:
    """A sandbox where every list of the pages has a row."""
    client = sandbox.test_client()
    for name, more in (("notify_never", {}), ("refuse", {"number": "R" * 40, "operation": "refund", "times": 3})):
        client.post("/control/faults", json={"institution": "wechat", "name": name, **more})
    wechat_paid(sandbox)
    wechat_paid(sandbox, "T00000002")
    return sandbox_url


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(browser: Browser, busy_url: str, language: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    found = {}
    for path in PATHS:
        page.goto(f"{busy_url}{path}?lang={language}")
        found[path] = violations(page)
    page.close()
    assert found == {path: [] for path in PATHS}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_narrow_window_does_not_scroll_sideways(browser: Browser, busy_url: str, language: str) -> None:
    page = browser.new_page(viewport=NARROW)
    wide = {}
    for path in PATHS:
        page.goto(f"{busy_url}{path}?lang={language}")
        wide[path] = sideways(page)
    page.close()
    assert wide == dict.fromkeys(PATHS, 0)


def test_a_fault_is_armed_and_the_clock_moved_by_hand(browser: Browser, busy_url: str, sandbox: Flask) -> None:
    page = browser.new_page()
    page.goto(f"{busy_url}/control")
    page.get_by_label("金额不对").check()
    page.get_by_label("京东支付").check()
    page.get_by_label("几次").fill("2")
    page.get_by_role("button", name="布置", exact=True).click()
    page.get_by_role("cell", name="金额不对 notify_wrong_amount").wait_for()
    page.get_by_role("button", name="+24 小时").click()
    page.get_by_text("比真实时间快 1 天").wait_for()
    page.close()
    armed = sandbox.test_client().get("/control/faults").json["armed"]
    assert [(one["institution"], one["times"]) for one in armed if one["name"] == "notify_wrong_amount"] == [("jd", 2)]
