"""Refunds: what is accepted, what is refused, and when it arrives."""

import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.payers.money import Grant, Paid
from tests.sandbox.wechat.conftest import Till

REDUCED = Paid(
    1000, (Grant("811", "立减", 200, "wallet"), Grant("812", "券", 34, "other")), "CMB_DEBIT", "招商银行储蓄卡6789"
)
REFUNDS = "/v3/refund/domestic/refunds"


@pytest.fixture
def till(till: Till) -> Till:
    till.paid()
    return till


def ask(till: Till, *numbers: Any, **fields: Any) -> TestResponse:
    return till.call("POST", REFUNDS, till.refund(*numbers, **fields))


def find(till: Till, number: str = "R1") -> dict[str, Any]:
    return till.call("GET", f"{REFUNDS}/{number}?sub_mchid={till.given['sub_mchid']}").json


def test_a_refund_is_accepted_first_and_arrives_later(till: Till) -> None:
    answer = ask(till).json
    assert answer["status"] == "PROCESSING"
    assert "success_time" not in answer
    assert till.query()["trade_state"] == "REFUND"
    deadline = time.monotonic() + 10
    while find(till)["status"] == "PROCESSING" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find(till)["status"] == "SUCCESS"
    assert find(till)["success_time"]


def test_the_same_number_is_the_same_refund(till: Till) -> None:
    first, second = ask(till).json, ask(till).json
    assert first["refund_id"] == second["refund_id"]
    assert ask(till, "R2", 734).status_code == 200


def test_the_same_number_with_another_amount_or_order_is_refused(till: Till) -> None:
    ask(till)
    assert ask(till, "R1", 501).json["code"] == "INVALID_REQUEST"
    till.paid(out_trade_no="T00000002")
    assert "支付单号校验不一致" in ask(till, out_trade_no="T00000002").json["message"]


def test_a_fen_more_than_what_is_left_is_refused(till: Till) -> None:
    ask(till, "R1", 1000)
    answer = ask(till, "R2", 235)
    assert (answer.status_code, answer.json["message"]) == (400, "申请退款金额超过订单可退金额")
    assert ask(till, "R3", 234).status_code == 200


def test_parts_never_give_back_more_fee_than_was_taken(till: Till) -> None:
    # Half of 5 fen each: rounded up twice that would be 6.
    back = [ask(till, number, 617).json["amount"]["refund_fee"] for number in ("R1", "R2")]
    assert back == [3, 2]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"total": 1233}, 400, "INVALID_REQUEST"),
        ({"refund": 0}, 400, "PARAM_ERROR"),
        ({"out_refund_no": "R 1"}, 400, "PARAM_ERROR"),
        ({"reason": "退" * 27}, 400, "PARAM_ERROR"),
        ({"out_trade_no": None}, 400, "PARAM_ERROR"),
        ({"out_trade_no": "T99999999"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"sub_mchid": "1600000000"}, 400, "INVALID_REQUEST"),
        ({"transaction_id": "4200000000"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"amount": {"refund": 1, "total": 1234}}, 400, "PARAM_ERROR"),
        ({"funds_account": "POCKET"}, 400, "PARAM_ERROR"),
    ],
)
def test_it_refuses_what_does_not_fit(till: Till, fields: dict[str, Any], status: int, code: str) -> None:
    answer = ask(till, **fields)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_an_unpaid_order_has_nothing_to_give_back(till: Till) -> None:
    till.place(out_trade_no="T00000002")
    answer = ask(till, out_trade_no="T00000002")
    assert (answer.status_code, answer.json["code"]) == (404, "RESOURCE_NOT_EXISTS")


def test_after_a_year_it_is_too_late(till: Till) -> None:
    till.shift("UPDATE wechat_orders SET paid_at = paid_at - 365 * 86400 - 5")
    assert "365" in ask(till).json["message"]


def test_the_fifty_first_part_is_refused(till: Till) -> None:
    for number in range(50):
        assert ask(till, f"R{number}", 1).status_code == 200
    assert "50" in ask(till, "R50", 1).json["message"]


def test_an_unknown_refund_is_404(till: Till) -> None:
    assert find(till, "R9")["code"] == "RESOURCE_NOT_EXISTS"


def test_the_payers_share_goes_back_to_the_last_fen(till: Till) -> None:
    till.paid(out_trade_no="T00000002", paid=REDUCED)
    parts = [
        ask(till, f"R{number}", amount, out_trade_no="T00000002").json["amount"]
        for number, amount in enumerate((411, 411, 412))
    ]
    assert [part["payer_refund"] for part in parts] == [333, 333, 334]
    assert [part["discount_refund"] for part in parts] == [78, 78, 78]


def test_the_fee_goes_back_pro_rata(till: Till) -> None:
    assert ask(till, "R1", 617).json["amount"]["refund_fee"] == 3
