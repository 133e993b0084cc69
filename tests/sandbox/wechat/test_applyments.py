"""Applications of sub-merchants, and the pictures they carry."""

import copy
import hashlib
import time
from io import BytesIO
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from sandbox.wechat import media as pictures
from sandbox.wechat.errors import Refused
from tests.sandbox.wechat.conftest import Till

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
SUBMIT = "/v3/applyment4sub/applyment/"


def media(till: Till) -> str:
    return till.upload(PNG).json["media_id"]


def application(till: Till, **bent: str) -> dict[str, Any]:
    picture = media(till)
    values = {
        "name": "周建国",
        "id": "11010519491231002X",
        "card": "6222021234567890123",
        "licence": "92110105MA00ABCD1X",
    }
    values |= bent
    seal = till.seal
    return {
        "business_code": values.get("code", "YIMA_1"),
        "contact_info": {
            "contact_type": "LEGAL",
            "contact_name": seal(values["name"]),
            "mobile_phone": seal(values.get("phone", "13800138000")),
            "contact_email": seal("zhou@example.com"),
        },
        "subject_info": {
            "subject_type": "SUBJECT_TYPE_INDIVIDUAL",
            "business_license_info": {
                "license_copy": picture,
                "license_number": values["licence"],
                "merchant_name": "海淀区老周豆腐店",
                "legal_person": values.get("legal_person", values["name"]),
            },
            "identity_info": {
                "id_doc_type": "IDENTIFICATION_TYPE_IDCARD",
                "id_card_info": {
                    "id_card_copy": picture,
                    "id_card_national": picture,
                    "id_card_name": seal(values["name"]),
                    "id_card_number": seal(values["id"]),
                    "card_period_begin": "2016-01-01",
                    "card_period_end": "长期",
                },
            },
        },
        "business_info": {
            "merchant_shortname": "老周豆腐",
            "service_phone": "13800138000",
            "sales_info": {
                "sales_scenes_type": ["SALES_SCENES_STORE"],
                "biz_store_info": {
                    "biz_store_name": "老周豆腐",
                    "biz_address_code": "110108",
                    "biz_store_address": "菜市场12号",
                    "store_entrance_pic": [picture],
                    "indoor_pic": [picture],
                },
            },
        },
        "settlement_info": {"settlement_id": "719", "qualification_type": "餐饮"},
        "bank_account_info": {
            "bank_account_type": "BANK_ACCOUNT_TYPE_PERSONAL",
            "account_name": seal(values.get("account_name", values["name"])),
            "account_bank": "工商银行",
            "account_number": seal(values["card"]),
        },
    }


def state(till: Till, code: str = "YIMA_1") -> dict[str, Any]:
    return till.call("GET", f"/v3/applyment4sub/applyment/business_code/{code}").json


def test_it_walks_to_a_sub_merchant_that_can_take_money(till: Till) -> None:
    till.set(audit_seconds=0.2)
    applyment_id = till.call("POST", SUBMIT, application(till)).json["applyment_id"]
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_AUDITING"
    seen = []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and seen[-1:] != ["FINISHED"]:
        now = state(till)["applyment_state"].removeprefix("APPLYMENT_STATE_")
        seen += [now] if seen[-1:] != [now] else []
        time.sleep(0.02)
    assert seen == ["AUDITING", "TO_BE_SIGNED", "SIGNING", "FINISHED"]
    finished = till.call("GET", f"/v3/applyment4sub/applyment/applyment_id/{applyment_id}").json
    assert till.place(sub_mchid=finished["sub_mchid"])["prepay_id"]
    native = till.call("POST", "/v3/pay/partner/transactions/native", till.native(sub_mchid=finished["sub_mchid"]))
    assert native.json["code"] == "NO_AUTH"


def test_the_owner_signs_when_nobody_signs_for_him(till: Till) -> None:
    till.set(audit_seconds=0, auto_sign=0)
    till.call("POST", SUBMIT, application(till))
    waiting = state(till)
    assert waiting["applyment_state"] == "APPLYMENT_STATE_TO_BE_SIGNED"
    path = "/wechat/sign/" + waiting["sign_url"].rpartition("/")[2]
    assert "老周豆腐" in till.client.get(path).text
    assert "我已签约" in till.client.post(path).text
    assert "我已签约" in till.client.post(path).text
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_FINISHED"


def test_an_opened_sub_merchant_has_its_bank_account_and_a_printed_code(till: Till) -> None:
    till.set(audit_seconds=0)
    till.call("POST", SUBMIT, application(till))
    sub_mchid = state(till)["sub_mchid"]
    account = till.call("GET", f"/v3/apply4sub/sub_merchants/{sub_mchid}/settlement").json
    assert (account["account_type"], account["account_number"]) == ("ACCOUNT_TYPE_PRIVATE", "62***************23")
    codes = till.client.get("/wechat/desk").json["codes"]
    assert [code["merchant_name"] for code in codes if code["sub_mchid"] == sub_mchid] == ["老周豆腐"]


def test_what_nobody_signs_within_thirty_days_is_void(till: Till) -> None:
    till.set(audit_seconds=0, auto_sign=0)
    till.call("POST", SUBMIT, application(till))
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_TO_BE_SIGNED"
    till.move(advance_seconds=30 * 86_400)
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_CANCELED"


def test_an_account_nobody_confirms_within_ten_days_is_rejected(till: Till) -> None:
    till.set(audit_seconds=0, auto_sign=0)
    body = application(till)
    body["contact_info"] |= {
        "contact_type": "SUPER",
        "contact_id_doc_type": "IDENTIFICATION_TYPE_IDCARD",
        "contact_id_number": till.seal("11010519491231002X"),
        "contact_id_doc_copy": media(till),
    }
    till.call("POST", SUBMIT, body)
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_TO_BE_CONFIRMED"
    till.move(advance_seconds=10 * 86_400)
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_REJECTED"
    assert "10天" in state(till)["audit_detail"][0]["reject_reason"]


def test_a_sub_merchant_not_yet_open_takes_no_money(till: Till) -> None:
    till.set(audit_seconds=0, auto_sign=0)
    till.call("POST", SUBMIT, application(till))
    answer = till.call("POST", "/v3/pay/partner/transactions/jsapi", till.order(sub_mchid=state(till)["sub_mchid"]))
    assert answer.json["message"] == "受理关系不存在"


@pytest.mark.parametrize(
    ("bent", "field"),
    [
        ({"legal_person": "李四"}, "legal_person"),
        ({"account_name": "李四"}, "account_name"),
        ({"licence": "12110105MA00ABCD1X"}, "license_number"),
    ],
)
def test_parts_that_contradict_each_other_are_rejected_with_the_reason(
    till: Till, bent: dict[str, str], field: str
) -> None:
    till.set(audit_seconds=0)
    assert till.call("POST", SUBMIT, application(till, **bent)).status_code == 200
    rejected = state(till)
    assert rejected["applyment_state"] == "APPLYMENT_STATE_REJECTED"
    assert field in [detail["field"] for detail in rejected["audit_detail"]]
    assert till.call("POST", SUBMIT, application(till)).status_code == 200
    assert state(till)["applyment_state"] == "APPLYMENT_STATE_FINISHED"


@pytest.mark.parametrize(
    ("bent", "pointer"),
    [
        ({"name": "1"}, "/contact_info/contact_name"),
        ({"phone": "12345"}, "/contact_info/mobile_phone"),
        ({"id": "110105194912310021"}, "/subject_info/identity_info/id_card_info/id_card_number"),
        ({"card": "6222-0212"}, "/bank_account_info/account_number"),
        ({"licence": "92110105MA00ABCDOX"}, "/subject_info/business_license_info/license_number"),
        ({"code": "YIMA-1"}, "/business_code"),
    ],
)
def test_an_implausible_field_is_named_at_once(till: Till, bent: dict[str, str], pointer: str) -> None:
    answer = till.call("POST", SUBMIT, application(till, **bent))
    assert (answer.status_code, answer.json["detail"]["field"]) == (400, pointer)


def test_a_field_in_plain_text_cannot_be_opened(till: Till) -> None:
    body = application(till)
    body["contact_info"]["contact_name"] = "周建国"
    answer = till.call("POST", SUBMIT, body)
    assert "解密失败" in answer.json["message"]


def test_it_wants_to_know_the_key_the_fields_were_sealed_with(till: Till) -> None:
    answer = till.call("POST", SUBMIT, application(till), drop=("Wechatpay-Serial",))
    assert answer.json["detail"] == {
        "field": "Wechatpay-Serial",
        "issue": answer.json["detail"]["issue"],
        "location": "header",
    }


def test_parts_that_belong_together_must_all_be_there(till: Till) -> None:
    body = application(till)
    for path in (
        ("subject_info", "business_license_info"),
        ("subject_info", "identity_info", "id_card_info"),
        ("business_info", "sales_info", "biz_store_info"),
    ):
        bent = copy.deepcopy(body)
        part = bent
        for name in path[:-1]:
            part = part[name]
        del part[path[-1]]
        answer = till.call("POST", SUBMIT, bent)
        assert answer.json["detail"]["field"] == "/" + "/".join(path)


def test_a_personal_card_is_for_individual_businesses_only(till: Till) -> None:
    body = application(till)
    body["subject_info"]["subject_type"] = "SUBJECT_TYPE_ENTERPRISE"
    assert till.call("POST", SUBMIT, body).json["detail"]["field"] == "/bank_account_info/bank_account_type"


def test_micro_merchants_are_not_taken(till: Till) -> None:
    body = application(till)
    body["subject_info"]["subject_type"] = "SUBJECT_TYPE_MICRO"
    assert till.call("POST", SUBMIT, body).json["detail"]["field"] == "/subject_info/subject_type"


def test_a_picture_nobody_uploaded_is_refused(till: Till) -> None:
    body = application(till)
    body["subject_info"]["business_license_info"]["license_copy"] = "made-up"
    assert till.call("POST", SUBMIT, body).json["code"] == "PARAM_ERROR"


def test_a_second_application_while_one_is_open_is_refused(till: Till) -> None:
    till.call("POST", SUBMIT, application(till))
    answer = till.call("POST", SUBMIT, application(till))
    assert (answer.status_code, answer.json["code"]) == (400, "PROCESSING")


def test_an_unknown_application_says_so(till: Till) -> None:
    assert state(till, "YIMA_9")["code"] == "APPLYMENT_NOT_EXIST"


def test_the_control_page_can_reject_with_a_reason(till: Till) -> None:
    till.set(audit_seconds=60)
    till.call("POST", SUBMIT, application(till))
    wish = {"field": "indoor_pic", "reason": "看不清"}
    assert till.client.post("/control/applyments/YIMA_1/reject", json=wish).status_code == 200
    assert state(till)["audit_detail"][0]["reject_reason"] == "看不清"
    assert till.client.post("/control/applyments/YIMA_1/reject", json=wish).status_code == 409


def test_an_upload_signs_its_meta_and_nothing_else(till: Till) -> None:
    assert till.answer_is_signed(till.upload(PNG))
    assert till.upload(PNG, signed="").status_code == 401


@pytest.mark.parametrize(
    ("content", "filename", "bent", "status"),
    [
        (PNG, "a.png", {"named": "b.png"}, 403),
        (PNG, "a.gif", {}, 403),
        (b"GIF89a", "a.png", {}, 403),
        (b"", "a.png", {}, 400),
    ],
)
def test_an_upload_that_is_not_what_it_says_is_refused(
    till: Till, content: bytes, filename: str, bent: dict[str, str], status: int
) -> None:
    assert till.upload(content, filename, **bent).status_code == status


def test_a_video_has_an_address_of_its_own(till: Till) -> None:
    film = b"\0\0\0\x18ftypmp42"
    assert till.upload(film, "a.mp4", path="/v3/merchant/media/video_upload").json["media_id"]
    assert till.upload(film, "a.mp4").status_code == 403
    assert till.upload(PNG, path="/v3/merchant/media/video_upload").status_code == 403


def test_a_picture_of_more_than_five_megabytes_is_refused(till: Till) -> None:
    content = PNG + b"\0" * 5 * 1024 * 1024
    meta = {"filename": "a.png", "sha256": hashlib.sha256(content).hexdigest()}
    file = FileStorage(BytesIO(content), "a.png")
    with till.app.extensions["store"].writing() as connection, pytest.raises(Refused, match="大小"):
        pictures.take(connection, meta, file)
