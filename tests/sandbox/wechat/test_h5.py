"""The H5 way in: an address for five minutes, a cashier outside of WeChat, and back to the shop."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.conftest import PORTAL
from tests.sandbox.wechat.conftest import Till

H5 = "/v3/pay/partner/transactions/h5"
SCENE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
PHONE = {"X-Sandbox-Payer": "payer-1", "Referer": f"{PORTAL}/o/1"}


def place(till: Till, **fields: Any) -> TestResponse:
    return till.call("POST", H5, till.native(**{"scene_info": SCENE} | fields))


def address(till: Till, **fields: Any) -> str:
    parts = urlsplit(place(till, **fields).json["h5_url"])
    return f"{parts.path}?{parts.query}"


def test_the_payer_pays_outside_of_wechat_and_comes_back(till: Till) -> None:
    url = address(till) + f"&redirect_url={PORTAL}/o/1".replace(":", "%3A").replace("/", "%2F")
    page = till.client.get(url, headers=PHONE)
    assert page.status_code == 200
    assert "12.34" in page.text
    answer = till.client.post(url, headers=PHONE)
    assert (answer.status_code, answer.location) == (303, f"{PORTAL}/o/1")
    order = till.query()
    assert (order["trade_state"], order["trade_type"]) == ("SUCCESS", "MWEB")
    assert order["payer"]["sp_openid"]


def test_a_strange_return_address_leads_nowhere(till: Till) -> None:
    answer = till.client.post(address(till) + "&redirect_url=https%3A%2F%2Fevil.example%2F", headers=PHONE)
    assert answer.status_code == 200
    assert "支付成功" in answer.text


def test_after_five_minutes_the_address_is_dead_and_a_fresh_one_lives(till: Till) -> None:
    old = address(till)
    till.move(advance_seconds=301)
    assert till.client.get(old, headers=PHONE).status_code == 400
    assert till.client.get(address(till), headers=PHONE).status_code == 200


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Referer": ""}, "商家参数格式有误"),
        ({"Referer": "https://evil.example/"}, "未配置的参数"),
        ({"User-Agent": "Mozilla/5.0 MicroMessenger/8.0"}, "微信外"),
    ],
)
def test_the_cashier_opens_only_from_the_shops_page_and_outside_of_wechat(
    till: Till, headers: dict[str, str], says: str
) -> None:
    answer = till.client.get(address(till), headers=PHONE | headers)
    assert answer.status_code == 403
    assert says in answer.text


def test_another_package_opens_nothing(till: Till) -> None:
    assert till.client.get(address(till) + "0", headers=PHONE).status_code == 400


def test_an_order_of_another_kind_cannot_be_paid_at_the_cashier(till: Till) -> None:
    prepay_id = till.place()["prepay_id"]
    answer = till.client.post(f"/wechat/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepay_id}", headers=PHONE)
    assert answer.status_code == 400
    assert till.query()["trade_state"] == "NOTPAY"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"scene_info": None}, "/scene_info"),
        ({"scene_info": {"payer_client_ip": "127.0.0.1"}}, "/scene_info/h5_info"),
        ({"scene_info": SCENE | {"h5_info": {"type": "Fridge"}}}, "/scene_info/h5_info/type"),
    ],
)
def test_the_scene_is_needed(till: Till, fields: dict[str, Any], pointer: str) -> None:
    answer = place(till, **fields)
    assert (answer.status_code, answer.json["detail"]["field"]) == (400, pointer)


def test_h5_needs_its_own_permission(till: Till) -> None:
    till.knob(f"merchants/{till.given['sub_mchid']}", permissions=["JSAPI", "NATIVE", "REFUND"])
    answer = place(till)
    assert (answer.status_code, answer.json["code"]) == (403, "NO_AUTH")
