"""The console by keyboard, in Chromium. Its requests go straight to the application, without a server."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect

from portal.audit.queries import entries
from portal.merchants import queries
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from tests.chromium import sideways, violations
from tests.portal.staff.conftest import FRUIT, TOFU, Desk

ADDRESS = "http://console.test"


@pytest.fixture
def screen(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`screen(client, path)`: the page in a window of 1280 × 800, signed in as the client is."""
    contexts = []

    def make(client: FlaskClient, path: str, width: int = 1280) -> Page:
        def answer(route: Route) -> None:
            asked = route.request
            with client.open(
                asked.url.removeprefix(ADDRESS),
                method=asked.method,
                data=asked.post_data_buffer,
                content_type=asked.headers.get("content-type"),
                follow_redirects=True,
            ) as answered:
                headers = {name: value for name, value in answered.headers.items() if name != "Set-Cookie"}
                route.fulfill(status=answered.status_code, headers=headers, body=answered.data)

        context = browser.new_context(viewport={"width": width, "height": 800})
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(ADDRESS + path)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def two_wait(apply: Callable[..., int]) -> None:
    apply(TOFU, at=now() - timedelta(hours=5))
    apply(FRUIT, shop="阿珍水果摊", phone="+8613800138002")


@pytest.mark.usefixtures("two_wait")
def test_the_queue_is_walked_opened_and_decided_by_keys(
    desk: Callable[..., Desk], screen: Callable[..., Page], staff_db: Database
) -> None:
    page = screen(desk("reviewer").browser, "/staff/applications")
    chosen = page.locator(".columns--list h2")
    expect(chosen).to_have_text("老周豆腐")
    page.keyboard.press("j")
    expect(chosen).to_have_text("阿珍水果摊")
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(chosen).to_have_text("老周豆腐")
    page.wait_for_load_state()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("老周豆腐")
    page.wait_for_load_state()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="确认通过 老周豆腐")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("老周豆腐通过了")
    with staff_db.transaction() as session:
        row = queries.application(session, TOFU, 1)
    assert row is not None
    assert row.state == "approved"


@pytest.mark.usefixtures("two_wait")
def test_each_picture_turned_to_is_a_look_of_its_own(
    desk: Callable[..., Desk], screen: Callable[..., Page], staff_db: Database
) -> None:
    page = screen(desk("reviewer").browser, f"/staff/applications/{TOFU}/1")
    picture = page.locator("#sheet")
    expect(picture).to_have_attribute("alt", "营业执照照片")
    page.keyboard.press("]")
    expect(picture).to_have_attribute("alt", "身份证人像面")
    page.get_by_role("link", name="对照 4 门头").first.click()
    expect(picture).to_have_attribute("alt", "门头照片")
    page.wait_for_function("document.getElementById('sheet').complete")
    with staff_db.transaction() as session:
        acts = [entry.act for entry in entries(session, TOFU, only=["document.viewed"])]
    assert [act.subject for act in acts] == ["1/storefront", "1/id_front", "1/licence"]
    page.keyboard.press("+")
    assert "zoomed" in (page.locator(".sheet__light").get_attribute("class") or "")
    page.keyboard.press("0")
    assert "zoomed" not in (page.locator(".sheet__light").get_attribute("class") or "")


@pytest.mark.usefixtures("two_wait")
def test_a_letter_in_a_field_is_only_a_letter(desk: Callable[..., Desk], screen: Callable[..., Page]) -> None:
    page = screen(desk("reviewer").browser, f"/staff/applications/{TOFU}/1")
    page.keyboard.press("r")
    reason = page.get_by_label("退回原因")
    expect(reason).to_be_focused()
    page.keyboard.type("jar / ka")
    expect(reason).to_have_value("jar / ka")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#staff-search")).to_be_focused()


@pytest.mark.usefixtures("two_wait")
@pytest.mark.parametrize("width", [1280, 360])
def test_it_passes_axe_and_never_scrolls_sideways(
    desk: Callable[..., Desk], screen: Callable[..., Page], width: int
) -> None:
    admin = desk("admin").browser
    page = screen(admin, "/staff/applications", width)
    shop = f"/staff/merchants/{TOFU}"
    given = {"function": "refund", "reason": "同一顾客反复退款", "way_out": "请上传退货凭证"}
    admin.post(f"{shop}/restrict", data=given)
    for path in (
        "/staff/applications",
        "/staff/applications?city=110100",
        f"/staff/applications/{TOFU}/1",
        "/staff/merchants",
        "/staff/merchants?q=nobody",
        shop,
        f"{shop}/restrict",
        f"{shop}/lift/refund",
    ):
        page.goto(ADDRESS + path)
        assert violations(page) == [], path
        assert sideways(page) <= 0, path
