"""The number behind a Request-ID, answers that are signed wrong on purpose, and certificates that are not there."""

from typing import Any

import pytest

from tests.sandbox.wechat.conftest import Till

JSAPI = "/v3/pay/partner/transactions/jsapi"


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"sub_mchid": "1600000000"}, 268443701),
        ({"sub_mchid": None}, 268443704),
        ({"sp_appid": "wx0000000000000000"}, 268445527),
        ({"amount": {"total": 0}}, 268435464),
        ({"payer": {}}, 268501013),
        ({"typo": "x"}, 270924358),
        ({"description": ""}, 268435461),
    ],
)
def test_a_refusal_tells_its_number(till: Till, fields: dict[str, Any], cause: int) -> None:
    answer = till.call("POST", JSAPI, till.order(**fields))
    assert answer.headers["Request-ID"].endswith(f"-{cause}"), answer.text


def test_other_refusals_have_theirs(till: Till) -> None:
    path = f"/v3/pay/partner/transactions/out-trade-no/T9?sp_mchid={till.given['sp_mchid']}"
    path += f"&sub_mchid={till.given['sub_mchid']}"
    assert till.call("GET", path).headers["Request-ID"].endswith("-268512771")
    assert till.call("GET", path, signature="AAAA").headers["Request-ID"].endswith("-268443699")
    till.place()
    assert till.call("POST", JSAPI, till.order(total=1)).headers["Request-ID"].endswith("-268498688")
    assert till.call("POST", JSAPI, till.order()).headers["Request-ID"].endswith("-0")


def test_a_probe_is_no_signature(till: Till) -> None:
    till.place()
    till.arm("bad_answer_signature", operation="query")
    path = f"/v3/pay/partner/transactions/out-trade-no/T00000001?sp_mchid={till.given['sp_mchid']}"
    path += f"&sub_mchid={till.given['sub_mchid']}"
    assert till.call("GET", path).headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert till.answer_is_signed(till.call("GET", path))


def test_there_are_no_certificates_where_a_public_key_verifies(till: Till) -> None:
    answer = till.call("GET", "/v3/certificates")
    assert (answer.status_code, answer.json["code"]) == (500, "SYSTEM_ERROR")


def test_knobs_refuse_what_makes_no_sense(till: Till) -> None:
    assert till.knob("products", CAKE=True).status_code == 400
    assert till.knob("products").status_code == 400
    assert till.knob(f"merchants/{till.given['sub_mchid']}", permissions=["FLY"]).status_code == 400
    assert till.knob(f"merchants/{till.given['sub_mchid']}", account_verified="no").status_code == 400
    assert till.knob("merchants/1600000000").status_code == 404
    assert till.knob("payers/demo", cancelled="yes").status_code == 400
    assert till.knob("accounts/OPERATION", amount=-(10**12)).status_code == 400
    assert till.knob("accounts/SOCK", amount=1).status_code == 400
    foreign = till.client.post("/wechat/desk/products", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
