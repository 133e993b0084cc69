"""What is refused before anybody looks at the business."""

import time

import pytest

from tests.sandbox.wechat.conftest import Till

QUERY = "/v3/pay/partner/transactions/out-trade-no/T00000001"
JSAPI = "/v3/pay/partner/transactions/jsapi"


def asked(till: Till) -> str:
    return f"{QUERY}?sp_mchid={till.given['sp_mchid']}&sub_mchid={till.given['sub_mchid']}"


def test_an_unknown_path_is_404_and_empty(till: Till) -> None:
    for path in ("/v3/pay/partner/transactions/app", JSAPI + "/", "/v3/applyment4sub/applyment"):
        answer = till.call("POST", path, {})
        assert (answer.status_code, answer.data) == (404, b"")


def test_a_wrong_method_is_405_and_empty(till: Till) -> None:
    for method, path in (("GET", JSAPI), ("PUT", JSAPI), ("POST", QUERY), ("DELETE", QUERY)):
        answer = till.call(method, path)
        assert (answer.status_code, answer.data) == (405, b"")


@pytest.mark.parametrize("header", ["User-Agent", "Accept"])
def test_a_request_that_hides_who_it_is_gets_400(till: Till, header: str) -> None:
    answer = till.call("GET", asked(till), drop=(header,))
    assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    "bent",
    [
        {"mchid": "1900000000"},
        {"serial_no": "0" * 40},
        {"timestamp": str(int(time.time()) - 330)},
        {"timestamp": str(int(time.time()) + 86_400)},
        {"timestamp": "now"},
        {"timestamp": "١٢٣"},
        {"nonce_str": ""},
        {"signature": "AAAA"},
        {"signature": "WECHATPAY/SIGNTEST/AAAA"},
    ],
)
def test_a_signature_that_is_not_the_providers_own_and_fresh_gets_401(till: Till, bent: dict[str, str]) -> None:
    answer = till.call("GET", asked(till), **bent)
    assert (answer.status_code, answer.json["code"]) == (401, "SIGN_ERROR")


def test_a_signature_over_another_body_or_query_gets_401(till: Till) -> None:
    order = till.order()
    signed = till.authorization("POST", JSAPI, "{}")
    assert till.call("POST", JSAPI, order, headers={"Authorization": signed}).status_code == 401
    signed = till.authorization("GET", QUERY, "")
    assert till.call("GET", asked(till), headers={"Authorization": signed}).status_code == 401


def test_the_sandbox_prefix_is_no_part_of_what_is_signed(till: Till) -> None:
    signed = till.authorization("GET", "/wechat" + asked(till), "")
    assert till.call("GET", asked(till), headers={"Authorization": signed}).status_code == 401


def test_a_missing_authorization_gets_401(till: Till) -> None:
    assert till.call("GET", asked(till), drop=("Authorization",)).status_code == 401


def test_an_error_is_not_signed_but_numbered(till: Till) -> None:
    answer = till.call("GET", asked(till))
    assert answer.status_code == 404
    assert "Wechatpay-Signature" not in answer.headers
    assert answer.headers["Request-ID"]


def test_every_success_is_signed_an_empty_one_too(till: Till) -> None:
    placed = till.call("POST", JSAPI, till.order())
    body = {"sp_mchid": till.given["sp_mchid"], "sub_mchid": till.given["sub_mchid"]}
    closed = till.call("POST", f"{QUERY}/close", body)
    assert (placed.status_code, closed.status_code, closed.data) == (200, 204, b"")
    for answer in (placed, closed):
        assert till.answer_is_signed(answer)
        assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
        assert answer.headers["Request-ID"]


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", '"x"', '{"description":null}', '{"amount":{"total":null}}', '{"a":NaN}', "[" * 100_000]
)
def test_a_body_that_is_no_object_or_has_a_null_gets_400(till: Till, raw: str) -> None:
    answer = till.call("POST", JSAPI, raw=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")


def test_a_null_is_named_by_its_pointer(till: Till) -> None:
    answer = till.call("POST", JSAPI, raw='{"amount":{"total":null}}')
    assert answer.json["detail"]["field"] == "/amount/total"


def test_a_character_outside_the_basic_plane_gets_400(till: Till) -> None:
    answer = till.call("POST", JSAPI, till.order(description="豆腐😀"))
    assert (answer.status_code, answer.json["detail"]["field"]) == (400, "/description")


def test_a_form_is_no_json(till: Till) -> None:
    answer = till.call("POST", JSAPI, till.order(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400


def test_a_foreign_public_key_id_gets_400(till: Till) -> None:
    answer = till.call("GET", asked(till), headers={"Wechatpay-Serial": "PUB_KEY_ID_0"})
    assert (answer.status_code, answer.json["detail"]["field"]) == (400, "Wechatpay-Serial")
