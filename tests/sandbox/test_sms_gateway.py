import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest

from tests.sandbox.jd_merchant import started

PHONE = "+8613800000001"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with started(tmp_path_factory.mktemp("sms")) as app:
        yield app


@pytest.fixture
def keys(app):
    return app.test_client().get("/credentials").json["sms"]


def body(keys, **changed):
    fields = {
        "PhoneNumberSet": [PHONE],
        "SmsSdkAppId": keys["sdk_app_id"],
        "TemplateId": keys["template_zh"],
        "SignName": keys["sign_name"],
        "TemplateParamSet": ["123456", "10"],
        **changed,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def signed(keys, content, *, at=None, day=None, **changed):
    """Headers as the public description builds them, written without the SDK."""
    moment = int(time.time() if at is None else at)
    day = day or datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    headers = {"content-type": "application/json", "host": "127.0.0.1:8001"}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n\n{lines}\ncontent-type;host\n{hashlib.sha256(content).hexdigest()}"
    text = f"TC3-HMAC-SHA256\n{moment}\n{day}/sms/tc3_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("TC3" + keys["secret_key"]).encode()
    for part in (day, "sms", "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    seal = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    scope = f"Credential={keys['secret_id']}/{day}/sms/tc3_request"
    return {
        **headers,
        "Authorization": f"TC3-HMAC-SHA256 {scope}, SignedHeaders=content-type;host, Signature={seal}",
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Timestamp": str(moment),
        "X-TC-Region": "ap-guangzhou",
        **changed,
    }


def post(app, content, headers):
    answer = app.test_client().post("/", data=content, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["Response"]["RequestId"]
    return answer.json["Response"]


def refusal(app, content, headers):
    return post(app, content, headers)["Error"]["Code"]


def line(app, keys, **changed):
    content = body(keys, **changed)
    return post(app, content, signed(keys, content))["SendStatusSet"][0]


def test_a_code_is_written_from_the_template_and_kept(app, keys):
    status = line(app, keys)
    assert (status["Code"], status["PhoneNumber"], status["Fee"], status["IsoCode"]) == ("Ok", PHONE, 1, "CN")
    for query in ("%2B8613800000001", "+8613800000001", "8613800000001", "13800000001"):
        found = app.test_client().get(f"/sms/inbox?phone={query}").json
        assert found["phone"] == PHONE
        assert found["messages"][0]["text"] == "【一码】123456 是您的验证码，10 分钟内有效。不要告诉任何人。"
        assert found["messages"][0]["params"] == ["123456", "10"]
    page = app.test_client().get("/sms").get_data(as_text=True)
    assert "123456 是您的验证码" in page


def test_english_has_its_own_template(app, keys):
    line(app, keys, TemplateId=keys["template_en"], PhoneNumberSet=["+8613800000002"])
    text = app.test_client().get("/sms/inbox?phone=13800000002").json["messages"][0]["text"]
    assert text == "【一码】123456 is your Yima code, valid for 10 minutes. Tell it to nobody."


def test_every_number_gets_its_own_line(app, keys):
    content = body(keys, PhoneNumberSet=["13800000003", "008613800000004", "+8613800000005x"])
    lines = post(app, content, signed(keys, content))["SendStatusSet"]
    assert [item["PhoneNumber"] for item in lines] == ["+8613800000003", "+8613800000004", "+8613800000005x"]
    assert [item["Code"] for item in lines] == ["Ok", "Ok", "InvalidParameterValue.IncorrectPhoneNumber"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"TemplateId": "999"}, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ({"SignName": "别人"}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateParamSet": ["1"]}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": ["1234567", "1"]}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"TemplateParamSet": ["http", "1"]}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"PhoneNumberSet": ["+85212345678"]}, "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"),
    ],
)
def test_a_message_that_would_not_go_out_says_why(app, keys, changed, code):
    status = line(app, keys, **changed)
    assert (status["Code"], status["SerialNo"], status["Fee"]) == (code, "", 0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"SmsSdkAppId": "1"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"SmsSdkAppId": None}, "MissingParameter"),
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": ["+8613800000001"] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        ({"TemplateParamSet": [1]}, "InvalidParameter"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(app, keys, changed, code):
    content = body(keys, **changed)
    assert refusal(app, content, signed(keys, content)) == code


def test_it_refuses_every_signature_that_is_not_right_and_fresh(app, keys):
    content = body(keys)
    good = signed(keys, content)
    now = time.time()
    tries = {
        "AuthFailure.SignatureFailure": [
            (content + b" ", good),
            (content, signed({**keys, "secret_key": "x"}, content)),
            (content, {**good, "host": "elsewhere:80"}),
            (content, {**good, "content-type": "text/plain"}),
        ],
        "AuthFailure.SignatureExpire": [
            (content, signed(keys, content, at=now - 301)),
            (content, signed(keys, content, at=now + 302)),
            (content, signed(keys, content, day="2020-01-01")),
        ],
        "AuthFailure.SecretIdNotFound": [(content, signed({**keys, "secret_id": "AKIDx"}, content))],
        "AuthFailure.InvalidAuthorization": [
            (content, {**good, "Authorization": "Basic x"}),
            (content, {**good, "Authorization": good["Authorization"].replace("content-type;host", "host")}),
            (content, {**good, "Authorization": good["Authorization"].replace("/sms/", "/cvm/")}),
        ],
        "MissingParameter": [
            (content, {name: value for name, value in good.items() if name != "Authorization"}),
            (content, {**good, "X-TC-Timestamp": "soon"}),
            (content, {**good, "X-TC-Region": ""}),
        ],
        "InvalidAction": [(content, {**good, "X-TC-Action": "SendAll"})],
        "NoSuchVersion": [(content, {**good, "X-TC-Version": "2019-07-11"})],
        "FailedOperation.JsonParseFail": [(b"{", signed(keys, b"{")), (b"[]", signed(keys, b"[]"))],
    }
    for code, requests in tries.items():
        for sent, headers in requests:
            assert refusal(app, sent, headers) == code
