"""Three ways in to JD Finance's scanner, each counted once; the desktop, the search, the activity page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask

from sandbox.interconnect import directory
from sandbox.payers import subsidies
from sandbox.phone import ways
from tests.sandbox.jd_merchant import Merchant, served
from tests.sandbox.phone_portal import CODE, Portal
from tests.sandbox.wechat_merchant import Provider

STALL = next(text for text, holding, _, _ in directory.SEEDS if holding == directory.OTHER)

Call = Callable[..., requests.Response]


@pytest.fixture
def portal(sandbox: Flask, sandbox_url: str) -> Iterator[Portal]:
    one = Portal(Provider(sandbox), Merchant(sandbox))
    with served(one.app) as url:
        one.url, one.sandbox_url = url, sandbox_url
        sandbox.config["PORTAL_URL"] = url
        yield one


@pytest.fixture
def phone(portal: Portal) -> Iterator[Call]:
    with requests.Session() as session:

        def call(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, f"{portal.sandbox_url}{path}", allow_redirects=False, timeout=30, **more)

        yield call


def pay(phone: Call, **values: Any) -> dict[str, Any]:
    told: dict[str, Any] = phone(
        "POST", "/phone/api/pay", json={"text": STALL, "wallet": "jdpay", "amount": 1000} | values
    ).json()
    return told


def granted(phone: Call) -> int:
    return int(phone("GET", "/phone/api/me").json()["subsidies"]["granted"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("扫码付优惠", True),
        ("扫码付", True),
        (" 扫码 付优惠 ", True),
        ("Scan Code Payment Discount", True),
        ("scan code", True),
        ("ＳＣＡＮ　ＣＯＤＥ", True),
        ("京东扫码付优惠活动", True),
        ("基金", False),
        ("扫", False),
        ("", False),
    ],
)
def test_searching_for_the_discount_finds_the_activity(query: str, found: bool) -> None:
    assert ways.finds_activity(query) is found


def test_the_search_page_leads_to_the_activity_and_says_what_it_did_not_find(phone: Call) -> None:
    assert "/phone/app/jdpay/activity" in phone("GET", "/phone/app/jdpay/search?q=扫码付优惠").text
    nothing = phone("GET", "/phone/app/jdpay/search?q=<b>基金").text
    assert "没有找到“&lt;b&gt;基金”" in nothing
    assert "/phone/app/jdpay/activity" not in nothing
    assert phone("GET", "/phone/api/search?q=扫码付优惠").json() == {"opens": "/phone/app/jdpay/activity"}
    assert phone("GET", "/phone/api/search?q=基金").json() == {"opens": None}


def test_each_way_is_counted_once_and_all_deeds_make_the_whole_sum(phone: Call) -> None:
    brought = [pay(phone, way="scan")["subsidy"], pay(phone, way="scan")["subsidy"]]
    brought += [pay(phone, way="activity")["subsidy"], pay(phone, way="activity")["subsidy"]]
    brought += [phone("POST", "/phone/api/shortcut").json()["now"], phone("POST", "/phone/api/shortcut").json()["now"]]
    brought += [pay(phone, way="shortcut")["subsidy"], pay(phone, way="shortcut")["subsidy"]]
    brought += [phone("POST", "/phone/api/share").json()["now"], phone("POST", "/phone/api/share").json()["now"]]
    assert brought == [6000, 0, 6000, 0, 2800, 0, 6000, 0, 8000, 0]
    assert granted(phone) == sum(brought) == subsidies.MOST
    assert phone("GET", "/phone/api/wallet/jd").json()["balance"] == subsidies.MOST


@pytest.mark.parametrize("wallet", ["jdpay", "wechat"])
def test_a_plate_paid_with_jd_counts_and_with_wechat_does_not(phone: Call, wallet: str) -> None:
    told = pay(phone, text=CODE, wallet=wallet)
    assert (told["result"], told["subsidy"]) == ("paid", 6000 if wallet == "jdpay" else 0)


def test_who_turns_away_is_granted_nothing(phone: Call) -> None:
    for text in (CODE, STALL):
        told = pay(phone, text=text, outcome="refuse")
        assert (told["result"], told["subsidy"]) == ("refused", 0)


def test_a_shortcut_that_is_not_there_opens_nothing(phone: Call) -> None:
    assert phone("POST", "/phone/api/open", json={"way": "shortcut"}).status_code == 409
    assert "shortcut" in pay(phone, way="shortcut")["error"]
    assert phone("GET", "/phone/scan?way=shortcut").headers["Location"] == "/phone/app/jdpay/activity"
    assert "京东扫一扫" not in phone("GET", "/phone/home").text


def test_the_shortcut_opens_straight_to_the_scanner(phone: Call) -> None:
    added = phone("POST", "/phone/app/jdpay/shortcut")
    page = phone("GET", added.headers["Location"]).text
    assert "已添加到桌面" in page
    assert "¥28.00" in page
    home = phone("GET", "/phone/home").text
    address = re.search(r'href="(/phone\?[^"]*way=shortcut[^"]*)"', home)
    assert address is not None
    desk = phone("GET", address[1].replace("&amp;", "&")).text
    assert 'src="/phone/scan?way=shortcut"' in desk
    assert "桌面快捷方式" in phone("GET", "/phone/scan?way=shortcut").text
    assert phone("POST", "/phone/api/open", json={"way": "shortcut"}).json() == {
        "way": "shortcut",
        "opens": "/phone/scan?way=shortcut",
    }


def test_the_activity_page_says_what_was_granted_and_does_not_claim_it_twice(phone: Call) -> None:
    before = phone("GET", "/phone/app/jdpay/activity").text
    assert "¥0.00" in before
    assert before.count("已到账</span>") == 0
    first = phone("POST", "/phone/app/jdpay/share").headers["Location"]
    again = phone("POST", "/phone/app/jdpay/share").headers["Location"]
    assert "到账补贴 ¥80.00" in " ".join(phone("GET", first).text.split())
    page = phone("GET", again).text
    assert "不重复发" in page
    assert page.count("已到账</span>") == 1
    assert "¥208.00" in page


def test_the_way_of_a_person_is_the_page_he_came_from(phone: Call) -> None:
    phone("GET", "/phone?wallet=jdpay")
    for path, deed in (("/phone/scan?way=activity", "pay_activity"), ("/phone/scan", "pay_scan")):
        phone("GET", path)
        stall = phone("POST", "/phone/scan", data={"text": STALL}).headers["Location"]
        assert stall.startswith("/phone/stall?code=")
        check = phone("POST", "/phone/stall", data={"code": STALL, "amount": "5"}).headers["Location"]
        phone("POST", check, data={"outcome": "pay"})
        deeds = phone("GET", "/phone/api/me").json()["subsidies"]["deeds"]
        assert {one["deed"] for one in deeds if one["granted"]} >= {deed}
    assert granted(phone) == 12_000


def test_subsidies_are_a_persons_and_not_a_phones(phone: Call, portal: Portal) -> None:
    phone("POST", "/phone/api/share")
    with requests.Session() as other:
        assert other.post(f"{portal.sandbox_url}/phone/api/share", timeout=10).json()["now"] == 0
        other.post(f"{portal.sandbox_url}/phone/api/me", json={"payer": "lina"}, timeout=10)
        assert other.post(f"{portal.sandbox_url}/phone/api/share", timeout=10).json()["now"] == 8000


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/phone/api/me", {"payer": ""}),
        ("/phone/api/me", {"payer": "a b"}),
        ("/phone/api/me", {"payer": "x" * 41}),
        ("/phone/api/open", {"way": "window"}),
        ("/phone/api/pay", {"way": "window", "wallet": "jdpay", "text": STALL, "amount": 1}),
    ],
)
def test_a_script_learns_its_mistake(phone: Call, path: str, values: dict[str, Any]) -> None:
    answer = phone("POST", path, json=values)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_another_person_has_his_own_openid_and_money(phone: Call, portal: Portal) -> None:
    assert pay(phone, text=CODE, wallet="wechat")["result"] == "paid"
    phone("POST", "/phone/api/me", json={"payer": "lina"})
    assert pay(phone, text=CODE, wallet="wechat")["result"] == "paid"
    with portal.provider.app.extensions["store"].reading() as connection:
        rows = connection.execute("SELECT DISTINCT payer_openid FROM wechat_orders WHERE state = 'SUCCESS'").fetchall()
    assert len(rows) == 2
    assert phone("GET", "/phone/api/wallet/wechat").json()["balance"] == 999_000


def test_the_coupon_serves_one_payment_from_ten_yuan_and_one_is_held_at_a_time(phone: Call) -> None:
    assert [phone("POST", "/phone/api/coupon").json()["taken"] for _ in range(2)] == [True, False]
    assert [pay(phone, amount=amount)["reduction"] for amount in (999, 1000, 1000)] == [0, 300, 0]
    assert "领一张" in phone("GET", "/phone/app/jdpay/activity").text
    assert phone("POST", "/phone/app/jdpay/coupon").status_code == 303
    page = phone("GET", "/phone/app/jdpay/activity").text
    assert "下一笔减" in page
    assert "领一张" not in page


@pytest.mark.parametrize("wallet", ["jdpay", "wechat"])
def test_a_plate_is_paid_with_the_wallets_reduction_too(phone: Call, portal: Portal, wallet: str) -> None:
    phone("POST", f"/phone/api/wallet/{wallet}", json={"next_reduction": 300})
    told = pay(phone, text=CODE, wallet=wallet, amount=2000)
    assert (told["result"], told["amount"], told["payer_paid"], told["reduction"]) == ("paid", 2000, 1700, 300)
    steps = phone("GET", "/phone/steps").text
    assert "立减</span><b>¥3.00" in steps
    entry = next(e for e in phone("GET", f"/phone/api/wallet/{wallet}/history").json()["entries"] if e["grants"])
    assert (entry["payer_part"], entry["promotion_part"], entry["static_code"]) == (1700, 300, False)


@pytest.mark.parametrize("wallet", ["jdpay", "wechat"])
def test_an_expired_card_is_said_at_the_till_of_a_plate(phone: Call, wallet: str) -> None:
    card = phone("GET", f"/phone/api/wallet/{wallet}").json()["cards"][0]["id"]
    phone("POST", f"/phone/api/wallet/{wallet}/cards/{card}", json={"act": "use"})
    phone("POST", f"/phone/api/wallet/{wallet}/cards/{card}", json={"act": "expire"})
    told = pay(phone, text=CODE, wallet=wallet)
    assert (told["result"], "已经过期" in told["message"]) == ("unpayable", True)
