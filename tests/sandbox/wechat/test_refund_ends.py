"""How refunds end, and how what others gave goes back with them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from sandbox.payers.money import Grant, Paid
from sandbox.wechat import promotions
from tests.sandbox.wechat.conftest import Till

REFUNDS = "/v3/refund/domestic/refunds"
THREE_OFF = Paid(1700, (Grant("900001", "立减三元", 300, "wallet"),), "CMB_CREDIT", "招商银行信用卡5518")


@pytest.fixture
def till(till: Till) -> Till:
    till.paid(total=2000, paid=THREE_OFF)
    return till


def ask(till: Till, number: str = "R1", refund: int = 1000) -> TestResponse:
    body = till.refund(number, refund, 2000, notify_url="http://127.0.0.1:9/notify")
    return till.call("POST", REFUNDS, body)


def find(till: Till, number: str = "R1") -> dict[str, Any]:
    return till.call("GET", f"{REFUNDS}/{number}?sub_mchid={till.given['sub_mchid']}").json


def ends(till: Till, state: str, number: str = "R1") -> dict[str, Any]:
    till.until(lambda: find(till, number)["status"], state)
    return find(till, number)


def elsewhere(till: Till, refund: dict[str, Any], **fields: Any) -> TestResponse:
    body = {
        "sub_mchid": till.given["sub_mchid"],
        "out_refund_no": refund["out_refund_no"],
        "type": "USER_BANK_CARD",
        "bank_type": "ICBC_DEBIT",
        "bank_account": till.seal("6222021234567890123"),
        "real_name": till.seal("周建国"),
    } | fields
    sent = {name: value for name, value in body.items() if value is not None}
    return till.call("POST", f"{REFUNDS}/{refund['refund_id']}/apply-abnormal-refund", sent)


def test_who_gave_what_stands_in_query_and_notice(till: Till) -> None:
    order = till.query()
    assert order["amount"] == {"total": 2000, "payer_total": 1700, "currency": "CNY", "payer_currency": "CNY"}
    assert order["bank_type"] == "CMB_CREDIT"
    [coupon] = order["promotion_detail"]
    assert (coupon["coupon_id"], coupon["amount"], coupon["type"]) == ("900001", 300, "CASH")
    assert (coupon["wechatpay_contribute"], coupon["merchant_contribute"], coupon["other_contribute"]) == (300, 0, 0)
    assert till.notices()[0]["plain"] == order


def test_half_a_refund_gives_half_to_each(till: Till) -> None:
    refund = ask(till).json
    assert refund["amount"] == {
        "total": 2000,
        "refund": 1000,
        "payer_total": 1700,
        "payer_refund": 850,
        "settlement_refund": 1000,
        "settlement_total": 2000,
        "discount_refund": 150,
        "currency": "CNY",
        "refund_fee": 4,
    }
    assert refund["promotion_detail"] == [
        {"promotion_id": "900001", "scope": "GLOBAL", "type": "CASH", "amount": 300, "refund_amount": 150}
    ]


def test_an_abnormal_refund_is_parked_told_and_sent_to_another_card(till: Till) -> None:
    till.arm("refund_abnormal", number="R1")
    ask(till)
    refund = ends(till, "ABNORMAL")
    assert till.notices()[-1]["event_type"] == "REFUND.ABNORMAL"
    assert till.notices()[-1]["plain"]["refund_status"] == "ABNORMAL"
    again = elsewhere(till, refund)
    assert (again.json["status"], again.json["channel"]) == ("PROCESSING", "OTHER_BANKCARD")
    assert ends(till, "SUCCESS")["user_received_account"] == "工商银行借记卡"
    assert [notice["event_type"] for notice in till.notices()[-2:]] == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]


def test_an_abnormal_refund_can_go_to_the_shops_bank(till: Till) -> None:
    till.arm("refund_abnormal")
    ask(till)
    bare = {"type": "MERCHANT_BANK_CARD", "bank_type": None, "bank_account": None, "real_name": None}
    assert elsewhere(till, ends(till, "ABNORMAL"), **bare).status_code == 200
    assert "商户" in ends(till, "SUCCESS")["user_received_account"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"bank_account": None}, 400, "PARAM_ERROR"),
        ({"bank_account": "6222021234567890123"}, 400, "PARAM_ERROR"),
        ({"bank_type": "ICBC_CREDIT"}, 400, "PARAM_ERROR"),
        ({"type": "MATTRESS"}, 400, "PARAM_ERROR"),
        ({"out_refund_no": "R9"}, 404, "RESOURCE_NOT_EXISTS"),
        ({}, 400, "INVALID_REQUEST"),
    ],
)
def test_what_is_not_parked_or_not_complete_is_not_sent_elsewhere(
    till: Till, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = elsewhere(till, ask(till).json, **fields)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_closed_refund_is_final_and_only_a_new_number_tries_again(till: Till) -> None:
    till.arm("refund_closed")
    ask(till, refund=2000)
    assert ends(till, "CLOSED")["amount"]["refund"] == 2000
    assert till.notices()[-1]["event_type"] == "REFUND.CLOSED"
    assert ask(till, refund=2000).json["status"] == "CLOSED"
    assert ask(till, "R2", 2000).json["amount"]["payer_refund"] == 1700


def test_a_short_account_refuses_and_leaves_nothing(till: Till) -> None:
    till.arm("not_enough", number="T00000001")
    answer = ask(till)
    assert (answer.status_code, answer.json["code"]) == (403, "NOT_ENOUGH")
    assert find(till)["code"] == "RESOURCE_NOT_EXISTS"
    assert ask(till).json["status"] == "PROCESSING"


def test_a_payer_who_closed_his_account_gets_nothing_back(till: Till) -> None:
    till.knob("payers/payer-1", cancelled=True)
    answer = ask(till)
    assert (answer.status_code, answer.json["code"]) == (403, "USER_ACCOUNT_ABNORMAL")


def test_several_sources_must_make_up_the_refund(till: Till) -> None:
    def sourced(number: str, *amounts: int) -> TestResponse:
        sources = [{"account": "AVAILABLE", "amount": amount} for amount in amounts]
        amount = {"refund": 1000, "total": 2000, "currency": "CNY", "from": sources}
        return till.call("POST", REFUNDS, till.refund(number, amount=amount))

    assert sourced("R1", 400, 599).json["code"] == "PARAM_ERROR"
    assert sourced("R2", 400, 600).json["amount"]["from"][1] == {"account": "AVAILABLE", "amount": 600}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_parts_give_everybody_back_exactly_what_he_gave(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 5000))
    gifts = data.draw(st.lists(st.integers(1, 3000), max_size=3).filter(lambda many: sum(many) < total))
    cuts = sorted(data.draw(st.sets(st.integers(1, total), max_size=6)) | {0, total})
    grants = [Grant(str(number), "券", amount, "wallet") for number, amount in enumerate(gifts)]
    order = {"total": total, "payer_total": total - sum(gifts), "promotions": promotions.detail(grants)}
    earlier: list[dict[str, Any]] = []
    for start, end in pairwise(cuts):
        share = promotions.share(order, earlier, end - start)  # type: ignore[arg-type]
        assert share.payer >= 0
        assert share.payer + share.discount == end - start
        assert all(part["refund_amount"] > 0 for part in share.promotions)  # type: ignore[operator]
        parts = promotions.json.dumps(share.promotions)
        earlier.append({"refund": end - start, "payer_refund": share.payer, "promotions": parts})
    assert sum(row["payer_refund"] for row in earlier) == order["payer_total"]
    back: dict[str, int] = {}
    for row in earlier:
        for part in promotions.json.loads(row["promotions"]):
            back[part["promotion_id"]] = back.get(part["promotion_id"], 0) + part["refund_amount"]
    assert back == {grant.grant_id: grant.amount for grant in grants}
