import hashlib
import io
import re

import pytest

from tests.sandbox.jd_merchant import Merchant, eventually, started, turn

PNG = b"\x89PNG\r\n\x1a\n"


def signed(entity, *names):
    bare = "".join(str(entity[name]) for name in names)
    return {**entity, "sign": hashlib.md5(bare.encode()).hexdigest()}


def entering(serial_no, **changed):
    entity = {
        "serialNo": serial_no,
        "regEmail": "zhou@example.com",
        "regPhone": "13800000000",
        "companyType": "P",
        "blicCardType": "USC",
        "blicCompanyName": "杭州市上城区老周豆腐店",
        "blicUscc": "92330102MA2XXXXX0X",
        "lepCardType": "ID",
        "lepName": "周建国",
        "lepCardNo": "330102199001011234",
        "contactName": "周建国",
        "contactPhone": "13800000000",
        "priatePublic": "0",
        "bankName": "中国工商银行",
        "bankAccountNo": "6222020000000000000",
        "bankAccountName": "周建国",
        "abMerchantName": "老周豆腐",
        "settleCardPhone": "13800000000",
        "settleToCard": "1",
        "buildOrRepair": "0",
        **changed,
    }
    return signed(entity, "serialNo", "lepCardNo", "bankAccountNo", "settleCardPhone")


def applying(merchant, number, **changed):
    entity = {
        "serialNo": "A1",
        "agentNo": merchant.credentials["agent_no"],
        "merchantNo": number,
        "productId": "35",
        "payToolId": "1060",
        "mfeeType": "2",
        "mfee": "0.38",
        **changed,
    }
    return signed(entity, "serialNo", "agentNo", "merchantNo", "productId", "payToolId")


def asking(number):
    return signed({"serialNo": "Q1", "merchantNo": number}, "serialNo", "merchantNo")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with started(tmp_path_factory.mktemp("jd")) as app:
        yield app


@pytest.fixture
def agent(app):
    turn(app, audit_seconds=0, auto_sign=1)
    return Merchant(app)


def entered(agent, serial_no, **changed):
    answer = agent.onboard("enterSingle", entering(serial_no, **changed), blicUrla=(io.BytesIO(PNG), "licence.png"))
    assert answer["code"] == "0000"
    return answer["merchantNo"]


def test_a_newcomer_is_brought_in_opened_and_paid_with_keys_of_his_own(app, agent):
    number = entered(agent, "S1")
    assert agent.onboard("status/queryApplySingle", asking(number))["dataList"] == []
    assert agent.onboard("applySingle", applying(agent, number))["code"] == "0000"
    eventually(lambda: agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]["status"] == "4")
    keys = agent.onboard("status/queryMerchantKeys", asking(number))["data"]
    shop = Merchant(app, merchant_no=number, des_key=keys["desKey"], md5_key=keys["mdKey"])
    page = shop.pay(shop.order("FIRST"))
    assert "老周豆腐" in page
    assert "付款成功" in page


def test_the_same_serial_number_is_the_same_merchant(agent):
    assert entered(agent, "S2") == entered(agent, "S2")
    assert agent.onboard("enterSingle", entering("S2", lepName="别人"))["code"] == "1007"


def test_nobody_opens_by_himself_when_automatic_signing_is_off(app, agent):
    turn(app, auto_sign=0)
    number = entered(agent, "S3")
    agent.onboard("applySingle", applying(agent, number))
    assert agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]["status"] == "3"
    assert agent.onboard("status/queryMerchantKeys", asking(number))["code"] == "1006"
    page = agent.http.get("/jd/merchants").get_data(as_text=True)
    assert re.search(rf"{number}.*待商户确认", page, re.DOTALL)
    agent.http.post(f"/jd/merchants/{number}/confirm")
    assert agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]["status"] == "4"


def test_a_merchant_who_is_not_open_takes_no_orders(app, agent):
    number = entered(agent, "S4")
    with app.extensions["store"].reading() as connection:
        row = connection.execute("SELECT * FROM jd_merchants WHERE merchant_no = ?", (number,)).fetchone()
    shop = Merchant(app, merchant_no=number, des_key=row["des_key"], md5_key=row["md5_key"])
    assert shop.order("X1")["errCode"] == "MERCHANT_NOT_OPEN"


def test_it_says_what_is_wrong_with_an_application(agent):
    whole = entering("S5")
    assert agent.onboard("enterSingle", {**whole, "sign": "0" * 32})["code"] == "1003"
    missing = agent.onboard("enterSingle", {key: value for key, value in whole.items() if key != "abMerchantName"})
    assert (missing["code"], missing["message"]) == ("1004", "缺少 abMerchantName")
    assert agent.onboard("enterSingle", entering("S5", companyType="Z"))["code"] == "1005"
    assert agent.onboard("enterSingle", whole, blicUrla=(io.BytesIO(b"text"), "a.png"))["code"] == "1005"
    stranger = Merchant(agent.http.application, agent_no="110000000")
    assert stranger.onboard("enterSingle", whole)["code"] == "1001"
    garbled = {"agentNo": agent.credentials["agent_no"], "entity": "00" * 16}
    assert agent.http.post("/jd/psi/merchant/enterSingle", data=garbled).json["code"] == "1002"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"productId": "405"}, "1008"),
        ({"merchantNo": "999"}, "1009"),
        ({"mfee": "x"}, "1005"),
        ({"mfee": "0.385"}, "1005"),
        ({"mfee": "NaN"}, "1005"),
        ({"mfee": "-1"}, "1005"),
        ({"mfeeType": "1"}, "1005"),
        ({"agentNo": "1"}, "1001"),
    ],
)
def test_it_says_what_is_wrong_with_a_product(agent, changed, code):
    number = entered(agent, "S6")
    assert agent.onboard("applySingle", applying(agent, number, **changed))["code"] == code


def test_a_second_rate_is_refused_and_the_first_is_charged(app, agent):
    number = entered(agent, "S7")
    assert agent.onboard("applySingle", applying(agent, number, mfee="0.30"))["code"] == "0000"
    assert agent.onboard("applySingle", applying(agent, number, mfee="0.30"))["code"] == "0000"
    assert agent.onboard("applySingle", applying(agent, number, mfee="0.38"))["code"] == "1007"
    with app.extensions["store"].reading() as connection:
        row = connection.execute("SELECT fee_bp FROM jd_merchants WHERE merchant_no = ?", (number,)).fetchone()
    assert row["fee_bp"] == 30


def test_a_rejected_merchant_is_corrected_under_his_number_and_opened(app, agent):
    turn(app, auto_sign=0)
    number = entered(agent, "S8", blicUscc="92330102MA2YYYYY0Y")
    assert (
        agent.onboard("enterSingle", entering("S8N1", blicUscc="92330102MA2YYYYY0Y", buildOrRepair="1"))["code"]
        == "1010"
    )
    agent.onboard("applySingle", applying(agent, number))
    agent.http.post(f"/jd/merchants/{number}/reject")
    line = agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]
    assert (line["status"], line["statusMsg"]) == ("2", "营业执照照片看不清，请重新拍照提交")
    agent.http.post(f"/jd/merchants/{number}/confirm")
    assert agent.onboard("status/queryMerchantKeys", asking(number))["code"] == "1006"
    assert entered(agent, "S8N1", blicUscc="92330102MA2YYYYY0Y", buildOrRepair="1") == number
    assert agent.onboard("applySingle", applying(agent, number, mfee="0.30"))["code"] == "0000"
    agent.http.post(f"/jd/merchants/{number}/confirm")
    assert agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]["status"] == "4"


def test_the_auditors_reason_is_the_one_that_is_told(app, agent):
    turn(app, auto_sign=0)
    number = entered(agent, "S10")
    agent.onboard("applySingle", applying(agent, number))
    rejected = agent.http.post(f"/jd/merchants/{number}/reject", json={"reason": "门头照与店名不一致"})
    assert (rejected.status_code, rejected.json) == (200, {"merchant_no": number})
    line = agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]
    assert (line["status"], line["statusMsg"]) == ("2", "门头照与店名不一致")
    for act in ("reject", "confirm"):
        assert agent.http.post(f"/jd/merchants/{number}/{act}", json={}).status_code == 409
    page = agent.http.get("/jd/merchants").get_data(as_text=True)
    assert "门头照与店名不一致" in page


def test_parts_that_contradict_each_other_are_rejected_by_themselves_and_corrected(app, agent):
    licence = "92330102MA2ZZZZZ0Z"
    number = entered(agent, "S11", bankAccountName="李四", blicUscc=licence)
    agent.onboard("applySingle", applying(agent, number))

    def line():
        return agent.onboard("status/queryApplySingle", asking(number))["dataList"][0]

    eventually(lambda: line()["status"] == "2")
    assert "李四" in line()["statusMsg"]
    assert "周建国" in line()["statusMsg"]
    assert entered(agent, "S11N1", blicUscc=licence, buildOrRepair="1") == number
    agent.onboard("applySingle", applying(agent, number))
    eventually(lambda: line()["status"] == "4")


@pytest.mark.parametrize(
    "changed",
    [
        {"priatePublic": "2"},
        {"blicCardType": "X"},
        {"lepCardType": "X"},
        {"settleToCard": "0"},
        {"companyType": "N"},
        {"blicScope": "x" * 801},
        {"companyType": "N", "blicCardType": "ID"},
        {"companyType": "N", "blicCardType": "ID", "blicUscc": "330102199001011234", "blicScope": "餐饮"},
    ],
)
def test_what_cannot_be_is_refused_at_once(agent, changed):
    assert agent.onboard("enterSingle", entering("S12", **changed))["code"] == "1005"


def test_a_natural_person_comes_with_an_identity_card(agent):
    changed = {"companyType": "N", "blicCardType": "ID", "blicUscc": "330102199001011234"}
    assert agent.onboard("enterSingle", entering("S13", **changed))["code"] == "0000"


def test_a_page_of_another_site_confirms_nobody(agent):
    number = entered(agent, "S9")
    for act in ("confirm", "reject"):
        answer = agent.http.post(f"/jd/merchants/{number}/{act}", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
