"""Transfers to people: who may send what, and what becomes of it."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.payers import accounts
from tests.sandbox.wechat.conftest import Till

TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
REPORT = [{"info_type": "活动名称", "info_content": "开店有礼"}, {"info_type": "奖励说明", "info_content": "首单返现"}]
OWNER = {"X-Sandbox-Payer": "payer-1"}


def wish(till: Till, **fields: Any) -> dict[str, Any]:
    body = {
        "appid": till.given["sp_appid"],
        "out_bill_no": "B1",
        "transfer_scene_id": "1000",
        "openid": "",
        "transfer_amount": 500,
        "transfer_remark": "返现",
        "notify_url": "http://127.0.0.1:9/notify",
        "transfer_scene_report_infos": REPORT,
    } | fields
    if body["openid"] == "":
        body["openid"] = till.openid()
    return {name: value for name, value in body.items() if value is not None}


def send(till: Till, **fields: Any) -> TestResponse:
    return till.call("POST", TRANSFERS, wish(till, **fields))


def find(till: Till, number: str = "B1") -> dict[str, Any]:
    return till.call("GET", f"{TRANSFERS}/out-bill-no/{number}").json


def balance(till: Till) -> int:
    return till.client.get("/wechat/desk").json["accounts"]["OPERATION"]


def owns(till: Till) -> int:
    with till.app.extensions["store"].writing() as connection:
        return accounts.account(connection, "payer-1", "wechat").balance


def test_the_owner_takes_it_and_has_it(till: Till) -> None:
    before, had = balance(till), owns(till)
    sent = send(till).json
    assert sent["state"] == "WAIT_USER_CONFIRM"
    assert balance(till) == before - 500
    [waiting] = till.client.get("/wechat/transfers", headers=OWNER).json["transfers"]
    assert (waiting["amount"], waiting["package_info"]) == (500, sent["package_info"])
    page = till.client.get(f"/wechat/transfers/{sent['package_info']}", headers=OWNER)
    assert "活动奖励" in page.text
    taken = till.client.post(f"/wechat/transfers/{sent['package_info']}", json={}, headers=OWNER)
    assert (taken.status_code, taken.json["state"]) == (200, "SUCCESS")
    assert owns(till) == had + 500
    [notice] = till.notices()
    assert (notice["event_type"], notice["original_type"]) == ("MCHTRANSFER.BILL.FINISHED", "mch_payment")
    assert notice["plain"]["state"] == "SUCCESS"
    assert notice["plain"]["payment_method_type"] == "CFT"
    assert notice["plain"]["transfer_bill_no"] == sent["transfer_bill_no"]
    by_theirs = till.call("GET", f"{TRANSFERS}/transfer-bill-no/{sent['transfer_bill_no']}").json
    assert by_theirs == find(till)
    assert "package_info" not in by_theirs
    assert balance(till) == before - 500


def test_nobody_else_takes_it_and_nobody_takes_it_twice(till: Till) -> None:
    package = send(till).json["package_info"]
    till.openid({"X-Sandbox-Payer": "payer-2"})
    strange = till.client.post(f"/wechat/transfers/{package}", headers={"X-Sandbox-Payer": "payer-2"})
    assert strange.status_code == 409
    assert till.client.post(f"/wechat/transfers/{package}", headers=OWNER).status_code == 200
    assert till.client.post(f"/wechat/transfers/{package}", headers=OWNER).status_code == 409
    assert till.client.get("/wechat/transfers/nothing", headers=OWNER).status_code == 404


def test_after_a_day_it_goes_back(till: Till) -> None:
    before = balance(till)
    package = send(till).json["package_info"]
    till.move(advance_seconds=86_401)
    till.until(lambda: find(till)["state"], "FAIL")
    assert find(till)["fail_reason"] == "OVERDUE_CLOSE"
    assert balance(till) == before
    assert till.client.post(f"/wechat/transfers/{package}", headers=OWNER).status_code == 409
    assert till.notices()[-1]["plain"]["fail_reason"] == "OVERDUE_CLOSE"
    assert send(till).json["code"] == "ALREADY_EXISTS"


def test_it_can_be_taken_back_until_the_owner_has_it(till: Till) -> None:
    before = balance(till)
    send(till)
    path = f"{TRANSFERS}/out-bill-no/B1/cancel"
    assert till.call("POST", path).json["state"] == "CANCELING"
    till.until(lambda: till.call("POST", path).json["state"], "CANCELLED")
    assert (find(till)["fail_reason"], balance(till)) == ("MCH_CANCEL", before)
    package = send(till, out_bill_no="B2").json["package_info"]
    till.client.post(f"/wechat/transfers/{package}", headers=OWNER)
    assert till.call("POST", f"{TRANSFERS}/out-bill-no/B2/cancel").json["code"] == "INVALID_REQUEST"
    assert till.call("POST", f"{TRANSFERS}/out-bill-no/B9/cancel").json["code"] == "NOT_FOUND"


def test_the_same_number_is_the_same_transfer(till: Till) -> None:
    first = send(till).json
    assert send(till).json == first
    assert send(till, transfer_amount=501).json["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"appid": "wx0000000000000000"}, 400, "INVALID_REQUEST"),
        ({"openid": "o-nobody"}, 400, "PARAM_ERROR"),
        ({"out_bill_no": "B-1"}, 400, "PARAM_ERROR"),
        ({"transfer_scene_id": "1001"}, 400, "INVALID_REQUEST"),
        ({"transfer_scene_report_infos": REPORT[:1]}, 400, "PARAM_ERROR"),
        ({"transfer_scene_report_infos": [REPORT[0], REPORT[0]]}, 400, "PARAM_ERROR"),
        ({"transfer_scene_id": "1005"}, 400, "PARAM_ERROR"),
        ({"user_recv_perception": "红包"}, 400, "PARAM_ERROR"),
        ({"transfer_remark": "返" * 33}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 0}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 200_000}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 20_001}, 400, "INVALID_REQUEST"),
        ({"user_name": "周建国"}, 400, "PARAM_ERROR"),
        ({"notify_url": "http://shop.example/n"}, 400, "PARAM_ERROR"),
        ({"notify_url": "https://shop.example/n?a=b"}, 400, "PARAM_ERROR"),
        ({"user_recv_style": {"type": "CAKE"}}, 400, "PARAM_ERROR"),
    ],
)
def test_what_does_not_fit_is_refused(till: Till, fields: dict[str, Any], status: int, code: str) -> None:
    answer = send(till, **fields)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_name_is_not_wanted_below_thirty_fen(till: Till) -> None:
    name = till.seal("周建国")
    assert send(till, transfer_amount=29, user_name=name).json["code"] == "PARAM_ERROR"
    assert send(till, transfer_amount=30, user_name=name).status_code == 200


def test_a_person_gets_two_thousand_yuan_a_day_and_a_failed_one_does_not_count(till: Till) -> None:
    for number in range(10):
        assert send(till, out_bill_no=f"B{number}", transfer_amount=20_000).status_code == 200
    over = send(till, out_bill_no="B10", transfer_amount=1)
    assert (over.status_code, over.json["code"]) == (400, "INVALID_REQUEST")
    till.move(advance_seconds=86_401)
    assert send(till, out_bill_no="B11", transfer_amount=20_000).status_code == 200


def test_an_empty_account_sends_nothing(till: Till) -> None:
    till.arm("not_enough", number="B1")
    assert (send(till).status_code, send(till).status_code) == (403, 200)
    till.knob("accounts/OPERATION", amount=100 - balance(till))
    answer = send(till, out_bill_no="B2")
    assert (answer.status_code, answer.json["code"]) == (403, "NOT_ENOUGH")
    assert find(till, "B2")["code"] == "NOT_FOUND"


def test_without_the_product_nobody_sends(till: Till) -> None:
    till.knob("products", TRANSFER=False)
    assert (send(till).status_code, send(till).json["code"]) == (403, "NO_AUTH")


def test_after_thirty_days_it_is_not_found_any_more(till: Till) -> None:
    send(till)
    till.move(advance_seconds=30 * 86_400 + 5)
    assert find(till)["code"] == "NOT_FOUND"
