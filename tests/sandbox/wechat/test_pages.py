"""WeChat's own pages in Chromium: anybody can use them, light and dark, on a small screen."""

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.chromium import sideways, violations
from tests.sandbox.conftest import PORTAL
from tests.sandbox.wechat.conftest import Till
from tests.sandbox.wechat.test_transfers import wish

SCENE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}


@pytest.fixture
def till(sandbox: Flask, sandbox_url: str) -> Till:
    return Till(sandbox)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_cashier_and_the_transfer_are_for_everybody(
    till: Till, sandbox_url: str, browser: Browser, scheme: str
) -> None:
    cashier = till.call("POST", "/v3/pay/partner/transactions/h5", till.native(scene_info=SCENE)).json["h5_url"]
    openid = till.openid({"X-Sandbox-Payer": "demo"})
    sent = till.call("POST", "/v3/fund-app/mch-transfer/transfer-bills", wish(till, openid=openid)).json
    context = browser.new_context(viewport={"width": 360, "height": 640}, color_scheme=scheme)
    page = context.new_page()
    page.goto(cashier, referer=f"{PORTAL}/o/1")
    assert (violations(page), sideways(page)) == ([], 0)
    page.get_by_role("button").click()
    page.get_by_text("支付成功").wait_for()
    assert till.query()["trade_state"] == "SUCCESS"
    page.goto(f"{sandbox_url}/wechat/transfers/{sent['package_info']}")
    assert (violations(page), sideways(page)) == ([], 0)
    page.get_by_role("button").click()
    page.get_by_text("已存入零钱").wait_for()
    assert violations(page) == []
    page.goto(cashier)
    assert "商家参数格式有误" in page.inner_text("main")
    context.close()
