"""The whole way over HTTP: the phone's browser, a portal that is not ours, both wallets, and pages that lead astray."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask

from sandbox.phone import browser
from tests.sandbox.jd_merchant import Merchant, eventually, served
from tests.sandbox.phone_portal import CODE, SHOP, Portal
from tests.sandbox.wechat_merchant import Provider


@pytest.fixture
def portal(sandbox: Flask, sandbox_url: str) -> Iterator[Portal]:
    one = Portal(Provider(sandbox), Merchant(sandbox))
    with served(one.app) as url:
        one.url, one.sandbox_url = url, sandbox_url
        sandbox.config["PORTAL_URL"] = url
        yield one


@pytest.fixture
def phone(sandbox_url: str) -> Iterator[Callable[..., requests.Response]]:
    """Calls one phone over HTTP and keeps its cookie; redirects stay visible."""
    with requests.Session() as session:

        def call(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, f"{sandbox_url}{path}", allow_redirects=False, timeout=30, **more)

        yield call


def pay(phone: Callable[..., requests.Response], **values: Any) -> dict[str, Any]:
    answer = phone("POST", "/phone/api/pay", json={"text": CODE, "wallet": "wechat", "amount": 1234} | values)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def entries(phone: Callable[..., requests.Response], portal: Portal) -> list[tuple[str, int]]:
    store = portal.provider.app.extensions["store"]
    with store.reading() as connection:
        wechat = connection.execute("SELECT out_trade_no, total FROM wechat_orders WHERE state = 'SUCCESS'").fetchall()
        jd = connection.execute("SELECT out_trade_no, total FROM jd_orders WHERE state = 'FINISH'").fetchall()
    return [(row["out_trade_no"], row["total"]) for row in (*wechat, *jd)]


@pytest.mark.parametrize("wallet", ["wechat", "jdpay"])
def test_a_script_pays_like_a_person(portal: Portal, phone: Callable[..., requests.Response], wallet: str) -> None:
    told = pay(phone, wallet=wallet)
    assert (told["result"], told["amount"], told["kind"]) == ("paid", 1234, "portal")
    assert told["pages"][0] == f"付款给{SHOP}"
    assert entries(phone, portal) == [(told["order"], 1234)]
    assert eventually(lambda: portal.notices) == [wallet]


@pytest.mark.parametrize("wallet", ["wechat", "jdpay"])
def test_a_payer_may_turn_away(portal: Portal, phone: Callable[..., requests.Response], wallet: str) -> None:
    told = pay(phone, wallet=wallet, outcome="refuse")
    assert (told["result"], told["amount"]) == ("refused", 1234)
    assert entries(phone, portal) == []


@pytest.mark.parametrize("amount", [0, -5, 10**9])
def test_what_the_portal_refuses_is_passed_on(
    portal: Portal, phone: Callable[..., requests.Response], amount: int
) -> None:
    told = pay(phone, amount=amount)
    assert told["result"] == "unpayable"
    assert told["message"] == "金额要在 0.01 到 100,000 元之间。"


@pytest.mark.parametrize(
    ("text", "message"), [("8KQ42MHD9", "Not Found"), ("wxp://f2f0abc", "wechat_personal"), ("hello", "text")]
)
def test_what_is_no_stall_cannot_be_paid(
    portal: Portal, phone: Callable[..., requests.Response], text: str, message: str
) -> None:
    told = pay(phone, text=text)
    assert told["result"] == "unpayable"
    assert message in told["message"]


def test_a_native_code_is_paid_without_a_page(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    body = portal.provider.native(out_trade_no="N00000001", total=700)
    code = portal.provider.call("POST", "/v3/pay/partner/transactions/native", body).json["code_url"]
    told = pay(phone, text=code, amount=None)
    assert (told["result"], told["order"], told["amount"]) == ("paid", "N00000001", 700)
    assert pay(phone, text=code)["message"] == "该订单已支付"


def test_wechat_judges_the_signature_of_the_page(
    portal: Portal, phone: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = portal.bridge_params
    monkeypatch.setattr(portal, "bridge_params", lambda *given: right(*given) | {"timeStamp": "1700000000"})
    assert pay(phone)["message"] == "支付验证签名失败"


def test_each_wallet_introduces_itself_and_keeps_its_own_cookies(
    portal: Portal, phone: Callable[..., requests.Response]
) -> None:
    for wallet in ("wechat", "jdpay", "wechat"):
        phone("GET", f"/phone/web/{wallet}/c/{CODE}")
    first, second, third = (seen["headers"] for seen in portal.seen)
    assert "MicroMessenger/8.0." in first["User-Agent"]
    assert "JDJR-App" not in first["User-Agent"]
    assert "application=JDJR-App" in second["User-Agent"]
    assert "CpayJS=UnionPay/1.0 JDJR" in second["User-Agent"]
    assert "MicroMessenger" not in second["User-Agent"]
    assert "Cookie" not in first
    assert "Cookie" not in second
    assert third["Cookie"].startswith("session=")
    assert not any("X-Sandbox-Payer" in seen["headers"] for seen in portal.seen)


def test_two_phones_share_nothing(portal: Portal, sandbox_url: str) -> None:
    for _ in range(2):
        requests.get(f"{sandbox_url}/phone/web/wechat/c/{CODE}", timeout=10)
    assert [("Cookie" in seen["headers"]) for seen in portal.seen] == [False, False]


def test_the_portals_own_headers_do_not_reach_the_frame(
    portal: Portal, phone: Callable[..., requests.Response]
) -> None:
    page = phone("GET", f"/phone/web/wechat/c/{CODE}")
    assert "Set-Cookie" not in page.headers or "session=" not in page.headers["Set-Cookie"]
    assert "X-Frame-Options" not in page.headers
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert 'href="/phone/web/wechat/static/pay.css"' in page.text
    css = phone("GET", "/phone/web/wechat/static/pay.css")
    assert 'url("/phone/web/wechat/h1.png")' in css.text


def test_a_posted_form_says_where_it_came_from(
    portal: Portal, phone: Callable[..., requests.Response], sandbox_url: str
) -> None:
    referer = {"Referer": f"{sandbox_url}/phone/web/wechat/c/{CODE}"}
    phone("POST", f"/phone/web/wechat/c/{CODE}", data={"amount": "1"}, headers=referer)
    headers = portal.seen[-1]["headers"]
    assert headers["Origin"] == portal.url
    assert headers["Referer"] == f"{portal.url}/c/{CODE}"


def test_a_redirect_leads_to_the_phones_own_address(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    answer = phone("GET", "/phone/web/wechat/round")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/phone/web/wechat/round")


@pytest.mark.parametrize("path", ["away", "inside"])
def test_a_redirect_to_a_foreign_place_ends_on_a_page_that_says_so(
    portal: Portal, phone: Callable[..., requests.Response], path: str
) -> None:
    answer = phone("GET", f"/phone/web/wechat/{path}")
    assert answer.status_code == 403
    assert "手机打不开这个地址" in answer.text
    told = pay(phone, text=f"{portal.url}/{path}")
    assert told["result"] == "unpayable"


def test_a_redirect_in_circles_comes_to_an_end(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    assert pay(phone, text=f"{portal.url}/round")["result"] == "unreachable"


@pytest.mark.parametrize("path", ["@sandbox/credentials", "@sandbox/phone", "../credentials"])
def test_no_other_page_of_the_sandbox_is_fetched(portal: Portal, sandbox: Flask, path: str) -> None:
    answer = sandbox.test_client().get(f"/phone/web/wechat/{path}")
    assert answer.status_code in (403, 404)
    assert "PRIVATE KEY" not in answer.text


def test_a_portal_that_does_not_answer_is_told_clearly(
    portal: Portal, phone: Callable[..., requests.Response], sandbox: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "ANSWER_SECONDS", 0.2)
    begun = time.monotonic()
    assert phone("GET", "/phone/web/wechat/slow").status_code == 502
    assert time.monotonic() - begun < 1
    sandbox.config["PORTAL_URL"] = "http://127.0.0.1:9"
    answer = phone("GET", "/phone/web/wechat/")
    assert answer.status_code == 502
    assert "门户没有回答" in answer.text


def test_another_encoding_arrives_readable(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    assert "<h1>豆腐</h1>" in phone("GET", "/phone/web/wechat/gbk").text


def walked(phone: Callable[..., requests.Response], portal: Portal) -> requests.Response:
    """Through the browser without script, up to the page with the bridge."""
    page = phone("GET", f"/phone/web/wechat/c/{CODE}")
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    step = phone("POST", f"/phone/web/wechat/c/{CODE}", data={"csrf_token": token, "amount": "12.34"})
    while step.status_code in (302, 303):
        step = phone("GET", step.headers["Location"].partition("#")[0])
    return step


def test_a_phone_without_script_pays_at_a_sheet_of_its_own(
    portal: Portal, phone: Callable[..., requests.Response]
) -> None:
    page = walked(phone, portal)
    fields = {
        name: requests.compat.unquote(page.text.partition(f'name="{name}" value="')[2].partition('"')[0])
        for name in ("params", "done")
    }
    fields["params"] = fields["params"].replace("&quot;", '"')
    sheet = phone("POST", "/phone/sheet", data=fields)
    assert sheet.status_code == 303
    where = sheet.headers["Location"]
    assert "¥12.34" in phone("GET", where).text
    paid = phone("POST", where.partition("?")[0], data={"outcome": "pay", "done": fields["done"]})
    assert "付款成功" in phone("GET", paid.headers["Location"]).text
    assert [amount for _, amount in entries(phone, portal)] == [1234]


def test_a_second_tap_pays_once(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    pay(phone)
    again = phone("POST", "/phone/api/bridge", json={"params": portal.last_bridge()})
    assert (again.status_code, again.json()["error"]) == (422, "该订单已支付")
    assert len(entries(phone, portal)) == 1


def test_a_sheet_belongs_to_one_phone(
    portal: Portal, phone: Callable[..., requests.Response], sandbox_url: str
) -> None:
    body = portal.provider.native(out_trade_no="N00000002", total=700)
    code = portal.provider.call("POST", "/v3/pay/partner/transactions/native", body).json["code_url"]
    where = phone("GET", "/phone/native", params={"code": code}).headers["Location"]
    number = where.rpartition("/")[2]
    stranger = requests.post(f"{sandbox_url}/phone/api/sheet/{number}", json={"outcome": "pay"}, timeout=10)
    assert stranger.status_code == 422
    assert entries(phone, portal) == []
    told = phone("POST", f"/phone/api/sheet/{number}", json={"outcome": "pay"}).json()
    assert told["sheet"]["state"] == "paid"
    assert phone("POST", f"/phone/api/sheet/{number}", json={"outcome": "refuse"}).json() == told


def test_the_steps_tell_what_happened(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    assert "同一张码，两个钱包都能付" in phone("GET", "/phone").text
    pay(phone)
    eventually(lambda: "第 7 步，共 8 步" in phone("GET", "/phone/steps").text)
    steps = phone("GET", "/phone/steps").text
    for piece in (f"{SHOP}收到 ¥12.34", "¥12.29", "¥0.05", "¥12.34 − 手续费 ¥0.05"):
        assert piece in steps
    pay(phone, wallet="jdpay", outcome="refuse")
    assert "付款人取消了" in phone("GET", "/phone/steps").text
    assert f"没有付给{SHOP}" in phone("GET", "/phone?lang=zh").text


def test_another_wallet_closes_the_page(portal: Portal, phone: Callable[..., requests.Response]) -> None:
    phone("GET", f"/phone/web/wechat/c/{CODE}", headers={"Sec-Fetch-Dest": "iframe"})
    assert f'src="/phone/web/wechat/c/{CODE}"' in phone("GET", "/phone").text
    assert 'src="/phone/scan"' in phone("GET", "/phone?wallet=jdpay").text


def test_the_inbox_shows_one_number(sandbox: Flask) -> None:
    with sandbox.extensions["store"].writing() as connection:
        for phone, text in (("+8613800138000", "123456 是您的验证码"), ("+8613900139000", "654321 是您的验证码")):
            connection.execute(
                "INSERT INTO sms_messages (serial_no, phone, template_id, params, text, sent_at)"
                " VALUES (?, ?, '1', '[]', ?, 0)",
                (phone, phone, text),
            )
    client = sandbox.test_client()
    assert "123456" not in client.get("/phone/inbox").text
    page = client.get("/phone/inbox?number=138 0013 8000").text
    assert "123456" in page
    assert "654321" not in page
    assert 'value="138 0013 8000"' in client.get("/phone/inbox").text
