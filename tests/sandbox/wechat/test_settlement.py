"""The account a sub-merchant is paid out to, and its change; lists of banks."""

from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.wechat.conftest import Till

SUB = "/v3/apply4sub/sub_merchants"
CAPITAL = "/v3/capital/capitallhh"


def ask(till: Till, rest: str, sub_mchid: str = "") -> TestResponse:
    return till.call("GET", f"{SUB}/{sub_mchid or till.given['sub_mchid']}/{rest}")


def change(till: Till, number: str = "6217001234567891234", **fields: Any) -> TestResponse:
    body = {
        "account_type": "ACCOUNT_TYPE_PRIVATE",
        "account_bank": "建设银行",
        "account_number": till.seal(number),
    } | fields
    return till.call("POST", f"{SUB}/{till.given['sub_mchid']}/modify-settlement", body)


def test_the_number_is_shown_with_holes(till: Till) -> None:
    told = ask(till, "settlement").json
    assert told == {
        "account_type": "ACCOUNT_TYPE_PRIVATE",
        "account_bank": "工商银行",
        "account_number": "62***************23",
        "verify_result": "VERIFY_SUCCESS",
    }
    second = ask(till, "settlement?account_number_rule=ACCOUNT_NUMBER_RULE_MASK_V2").json
    assert second["account_number"] == "622202*********0123"
    assert ask(till, "settlement?account_number_rule=NAKED").json["code"] == "PARAM_ERROR"


def test_a_change_is_looked_at_and_then_in_force(till: Till) -> None:
    number = change(till, account_name=till.seal("周建国")).json["application_no"]
    assert ask(till, f"application/{number}").json["verify_result"] == "AUDITING"
    assert change(till).json["code"] == "INVALID_REQUEST"
    till.move(advance_seconds=3)
    done = ask(till, f"application/{number}").json
    assert (done["verify_result"], done["account_name"], done["account_number"]) == (
        "AUDIT_SUCCESS",
        "周**",
        "62***************34",
    )
    assert done["verify_finish_time"]
    assert ask(till, "settlement").json["account_bank"] == "建设银行"


def test_a_wrong_number_is_found_and_changes_nothing(till: Till) -> None:
    number = change(till, "6217001234567890000").json["application_no"]
    till.move(advance_seconds=3)
    done = ask(till, f"application/{number}").json
    assert (done["verify_result"], done["verify_fail_reason"]) == ("AUDIT_FAIL", "银行卡户名或卡号有误")
    assert ask(till, "settlement").json["account_bank"] == "工商银行"


def test_five_changes_a_day_are_enough(till: Till) -> None:
    till.set(audit_seconds=0)
    for _ in range(5):
        number = change(till).json["application_no"]
        ask(till, f"application/{number}")
    answer = change(till)
    assert (answer.status_code, answer.json["code"]) == (429, "FREQENCY_LIMIT")
    till.move(to="next_morning")
    assert change(till).status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"account_number": "6217001234567891234"}, "PARAM_ERROR"),
        ({"account_type": "ACCOUNT_TYPE_MATTRESS"}, "PARAM_ERROR"),
        ({"account_bank": "其他银行"}, "PARAM_ERROR"),
    ],
)
def test_what_does_not_fit_is_refused(till: Till, fields: dict[str, str], code: str) -> None:
    assert change(till, **fields).json["code"] == code


def test_another_name_or_a_private_account_of_a_firm_is_refused(till: Till) -> None:
    assert "不一致" in change(till, account_name=till.seal("李四")).json["message"]
    till.shift("UPDATE wechat_merchants SET subject = 'ENTERPRISE'")
    assert "对公" in change(till).json["message"]
    assert change(till, account_type="ACCOUNT_TYPE_BUSINESS").status_code == 200


def test_a_strange_merchant_or_change_is_not_told(till: Till) -> None:
    assert (ask(till, "settlement", "1600000000").status_code) == 403
    answer = ask(till, "application/102300000")
    assert (answer.status_code, answer.json["code"]) == (404, "ORDER_NOT_EXIST")


def test_an_unverified_account_says_why(till: Till) -> None:
    till.knob(f"merchants/{till.given['sub_mchid']}", account_verified=False)
    told = ask(till, "settlement").json
    assert (told["verify_result"], told["verify_fail_reason"]) == ("VERIFY_FAIL", "银行卡户名或卡号有误")


def test_lists_of_banks_come_in_pages(till: Till) -> None:
    page = till.call("GET", f"{CAPITAL}/banks/personal-banking?offset=2&limit=2").json
    assert (page["count"], page["offset"], len(page["data"])) == (2, 2, 2)
    assert set(page["links"]) == {"self", "next", "prev"}
    assert till.call("GET", f"{CAPITAL}/banks/corporate-banking?offset=0&limit=201").json["code"] == "PARAM_ERROR"
    everything = till.call("GET", f"{CAPITAL}/banks/corporate-banking?offset=0&limit=200").json
    assert everything["total_count"] > page["total_count"]


def test_a_card_number_tells_its_bank(till: Till) -> None:
    sealed = quote(till.seal("6222021234567890123"), safe="")
    path = f"{CAPITAL}/banks/search-banks-by-bank-account?account_number={sealed}"
    assert till.call("GET", path).json["data"][0]["account_bank"] == "工商银行"
    assert till.call("GET", path[:-20] + "AAAA").json["code"] == "PARAM_ERROR"


def test_places_and_branches(till: Till) -> None:
    provinces = till.call("GET", f"{CAPITAL}/areas/provinces").json["data"]
    assert provinces[0] == {"province_name": "北京市", "province_code": 11}
    assert till.call("GET", f"{CAPITAL}/areas/provinces/44/cities").json["total_count"] == 2
    assert till.call("GET", f"{CAPITAL}/areas/provinces/99/cities").json["code"] == "PARAM_ERROR"
    path = f"{CAPITAL}/banks/1000006247/branches?city_code=440300&offset=0&limit=100"
    assert "深圳市" in till.call("GET", path).json["data"][0]["bank_branch_name"]
    assert till.call("GET", path.replace("1000006247", "1000009561")).json["code"] == "INVALID_REQUEST"
