"""What only a real browser shows: the bridge and its sheet inside the frame, and whether everybody can use the page."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect

from sandbox.interconnect import directory
from tests.chromium import sideways, violations
from tests.sandbox.jd_merchant import Merchant, eventually, served
from tests.sandbox.phone_portal import CODE, Portal
from tests.sandbox.wechat_merchant import Provider

STALL = next(text for text, holding, _, _ in directory.SEEDS if holding == directory.OTHER)


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
    for path in _pages(page, portal):
        page.goto(f"{portal.sandbox_url}{path}{'&' if '?' in path else '?'}lang={language}")
        found[path] = violations(page, frames=False)
    context.close()
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_narrow_window_does_not_scroll_sideways(browser: Browser, portal: Portal, language: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    wide = {}
    for path in _pages(page, portal):
        page.goto(f"{portal.sandbox_url}{path}{'&' if '?' in path else '?'}lang={language}")
        wide[path] = sideways(page)
    context.close()
    assert {path: pixels for path, pixels in wide.items() if pixels > 0} == {}


def _pages(page: Page, portal: Portal) -> list[str]:
    """Every page of the phone, with something on it."""
    own, api = portal.sandbox_url, page.request
    api.post(f"{own}/phone/api/shortcut")
    api.post(f"{own}/phone/api/wallet/jd", data={"next_reduction": 300})
    api.post(f"{own}/phone/api/wallet/jd/cards/cmb-credit-5518", data={"act": "expire"})
    paid = api.post(f"{own}/phone/api/pay", data={"text": STALL, "wallet": "jdpay", "amount": 2000}).json()["page"]
    left = api.post(f"{own}/phone/stall", form={"code": STALL, "amount": "20"}).url.removeprefix(own)
    over = api.post(f"{own}/phone/stall", form={"code": STALL, "amount": "600"}).url.removeprefix(own)
    return [
        *(
            "/phone?tab=scan",
            "/phone?tab=home",
            "/phone/scan",
            "/phone/inbox?number=13800138000",
            "/phone/outside?to=x",
        ),
        *("/phone/home", "/phone/app/wechat", "/phone/app/jdpay", "/phone/app/jdpay/search?q=扫码付优惠"),
        *("/phone/app/jdpay/search?q=x", "/phone/app/jdpay/activity?did=share&just=8000", "/phone/app/wechat/messages"),
        *("/phone/wallet/jdpay", "/phone/wallet/wechat", "/phone/wallet/jdpay/bind", "/phone/wallet/jdpay/history"),
        *("/phone/wallet/wechat/history", "/phone/wallet/jdpay/cards/ccb-debit-2231"),
        *("/phone/wallet/jdpay/cards/cmb-credit-5518", f"/phone/stall?code={quote(STALL, safe='')}", paid, left, over),
    ]


def test_a_person_finds_the_activity_and_puts_the_scanner_on_the_desktop(desk: Page) -> None:
    desk.get_by_role("link", name="京东金融").first.click()
    desk.get_by_role("link", name="桌面").click()
    glass = desk.frame_locator("#screen")
    glass.get_by_role("link", name="京东金融").click()
    glass.get_by_role("searchbox").fill("扫码付优惠")
    glass.get_by_role("button", name="搜索").click()
    glass.get_by_role("link", name="扫码付优惠").click()
    glass.get_by_role("button", name="添加到桌面").click()
    expect(glass.get_by_role("status")).to_contain_text("¥28.00")
    glass.get_by_role("link", name="已在桌面").click()
    glass.get_by_role("link", name="京东扫一扫").click()
    expect(glass.get_by_role("heading", level=1)).to_contain_text("桌面快捷方式")
    glass.locator("#text").fill(STALL)
    glass.get_by_role("button", name="打开").click()
    glass.locator("#amount").fill("20")
    glass.get_by_role("button", name="下一步").click()
    glass.get_by_role("button", name="确认付款 ¥20.00").click()
    expect(glass.get_by_text("付款 ¥20.00，商家收到 ¥20.00")).to_be_visible()
    expect(glass.get_by_text("到账补贴 ¥60.00")).to_be_visible()
    expect(desk.locator("#told")).to_contain_text("转问收单机构")


def test_the_sheet_shows_the_reduction_before_the_tap(desk: Page, portal: Portal) -> None:
    desk.request.post(f"{portal.sandbox_url}/phone/api/wallet/wechat", data={"next_reduction": 300})
    glass = desk.frame_locator("#screen")
    glass.locator("#text").fill(CODE)
    glass.get_by_role("button", name="打开").click()
    glass.locator("#amount").fill("20")
    glass.get_by_role("button", name="付款").click()
    sheet = glass.get_by_role("dialog")
    expect(sheet.locator(".amount")).to_have_text("¥17.00")
    expect(sheet).to_contain_text("订单金额¥20.00")
    expect(sheet).to_contain_text("微信支付立减−¥3.00")
    sheet.get_by_role("button", name="确认付款").click()
    expect(sheet).to_contain_text("付款成功")
    assert paid(portal) == [2000]
