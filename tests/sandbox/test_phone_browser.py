"""What only a real browser shows: the bridge and its sheet inside the frame, and whether everybody can use the page."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.chromium import violations
from tests.sandbox.jd_merchant import Merchant, eventually, served
from tests.sandbox.phone_portal import CODE, Portal
from tests.sandbox.wechat_merchant import Provider


@pytest.fixture
def portal(sandbox: Flask, sandbox_url: str) -> Iterator[Portal]:
    one = Portal(Provider(sandbox), Merchant(sandbox))
    with served(one.app) as url:
        one.url, one.sandbox_url = url, sandbox_url
        sandbox.config["PORTAL_URL"] = url
        yield one


@pytest.fixture
def desk(browser: Browser, portal: Portal) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{portal.sandbox_url}/phone")
    yield page
    context.close()


def at_the_sheet(desk: Page) -> FrameLocator:
    glass = desk.frame_locator("#screen")
    glass.locator("#text").fill(CODE)
    glass.get_by_role("button", name="打开").click()
    glass.locator("#amount").fill("12.34")
    glass.get_by_role("button", name="付款").click()
    expect(glass.get_by_role("dialog")).to_contain_text("¥12.34")
    return glass


def paid(portal: Portal) -> list[int]:
    with portal.provider.app.extensions["store"].reading() as connection:
        return [row["total"] for row in connection.execute("SELECT total FROM wechat_orders WHERE state = 'SUCCESS'")]


def test_a_person_pays_on_the_sheet(desk: Page, portal: Portal) -> None:
    glass = at_the_sheet(desk)
    glass.get_by_role("button", name="确认付款").click()
    glass.get_by_role("button", name="完成").click()
    expect(glass.locator("#said")).to_have_text("get_brand_wcpay_request:ok")
    assert paid(portal) == [1234]
    eventually(lambda: portal.notices)
    expect(desk.locator("#told")).to_contain_text("第 7 步，共 8 步")
    expect(desk.locator("#told")).to_contain_text("店主到手")


def test_a_person_cancels_the_sheet(desk: Page, portal: Portal) -> None:
    glass = at_the_sheet(desk)
    glass.get_by_role("button", name="取消").click()
    expect(glass.locator("#said")).to_have_text("get_brand_wcpay_request:cancel")
    assert paid(portal) == []
    expect(desk.locator("#told")).to_contain_text("付款人取消了")


def test_a_wrong_signature_fails_the_call(desk: Page, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    right = portal.bridge_params
    monkeypatch.setattr(portal, "bridge_params", lambda *given: right(*given) | {"nonceStr": "another"})
    glass = desk.frame_locator("#screen")
    glass.locator("#text").fill(CODE)
    glass.get_by_role("button", name="打开").click()
    glass.locator("#amount").fill("1")
    glass.get_by_role("button", name="付款").click()
    expect(glass.get_by_role("dialog")).to_contain_text("支付验证签名失败")
    glass.get_by_role("button", name="知道了").click()
    expect(glass.locator("#said")).to_have_text("get_brand_wcpay_request:fail")


def test_a_script_that_the_page_forbids_stays_forbidden(desk: Page, portal: Portal) -> None:
    at_the_sheet(desk)
    expect(desk.locator("#app")).to_have_text("请付款")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everybody_can_use_the_phone(browser: Browser, portal: Portal, scheme: str, language: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    api = {"data": {"wallet": "wechat", "text": CODE, "amount": 1234}}
    assert page.request.post(f"{portal.sandbox_url}/phone/api/pay", **api).json()["result"] == "paid"
    found = {}
    for path in ("/phone?tab=scan", "/phone/scan", "/phone/inbox?number=13800138000", "/phone/outside?to=x"):
        page.goto(f"{portal.sandbox_url}{path}{'&' if '?' in path else '?'}lang={language}")
        found[path] = violations(page, frames=False)
    context.close()
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_narrow_window_does_not_scroll_sideways(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(f"{portal.sandbox_url}/phone")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    context.close()
