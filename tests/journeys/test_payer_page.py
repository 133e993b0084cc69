"""The payer's page on an old phone: one small response, nothing from elsewhere, and no script needed to pay."""

import json
from collections.abc import Callable

import requests
from playwright.sync_api import Page

from tests.journeys import road
from tests.journeys.running import ROOT, Running
from tests.journeys.test_pages import JD, WECHAT

MOST_BYTES = 14_600
MOST_SCRIPT_BYTES = 2_048


def test_it_is_one_small_response_and_asks_nobody_else(running: Running, window: Callable[..., Page]) -> None:
    address = f"{running.portal}/c/{running.demo['shops'][0]['codes'][0]}"
    measured = {}
    for name, agent in (("wechat", WECHAT), ("jd", JD)):
        asked: list[str] = []
        page = window(user_agent=agent)
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(address, wait_until="networkidle")
        answer = requests.get(address, headers={"User-Agent": agent, "Accept-Encoding": "identity"}, timeout=10)
        head = sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) + len(
            "HTTP/1.1 200 OK\r\n\r\n"
        )
        script = page.locator("script").evaluate_all("all => all.reduce((sum, one) => sum + one.textContent.length, 0)")
        measured[name] = {"bytes": head + len(answer.content), "requests": len(asked), "script_bytes": script}
        assert asked == [address]
        assert head + len(answer.content) <= MOST_BYTES
        assert script <= MOST_SCRIPT_BYTES
    kept = ROOT / "test-results" / "payer-page.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(measured, indent=1), encoding="utf-8")


def test_jd_is_paid_without_any_script(running: Running, window: Callable[..., Page]) -> None:
    page = window(java_script_enabled=False, user_agent=JD)
    page.goto(f"{running.portal}/c/{running.demo['shops'][0]['codes'][0]}")
    page.locator("#amount").fill("3.21")
    with page.expect_navigation():
        page.locator("#go").click()
    assert page.url.startswith(f"{running.sandbox}/jd/cashier/")
    with page.expect_navigation():
        page.get_by_role("button").first.click()
    assert "3.21" in page.locator("body").inner_text()


def test_wechat_is_reached_without_any_script(running: Running, window: Callable[..., Page]) -> None:
    page = window(java_script_enabled=False, user_agent=WECHAT)
    page.goto(f"{running.portal}/c/{running.demo['shops'][0]['codes'][0]}")
    page.locator("#amount").fill("3.21")
    with page.expect_navigation():
        page.locator("#go").click()
    assert page.url.startswith(f"{running.sandbox}/wechat/open/connect/oauth2/authorize")


def test_an_amount_nobody_can_pay_stays_typed_without_script(running: Running, window: Callable[..., Page]) -> None:
    page = window(java_script_enabled=False, user_agent=WECHAT)
    page.goto(f"{running.portal}/c/{running.demo['shops'][0]['codes'][0]}")
    page.locator("#amount").fill("0.001")
    road.submit(page)
    assert page.locator("#amount").input_value() == "0.001"
    assert "金额最多两位小数" in page.locator("main").inner_text()
    assert page.title().startswith("错误：")
