"""Faults on demand: armed by API and from the page, used up by what they hit, and what each does to a call."""

import base64
import json
import time
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidSignature
from flask import Flask

from sandbox import fault_words, faults
from sandbox.store import Store
from tests.sandbox.jd_merchant import Merchant
from tests.sandbox.paying import placed, queried, refund_queried, refunded, wechat_paid
from tests.sandbox.receiver import Receiver
from tests.sandbox.wechat_merchant import Provider

HOLD = 0.6
SHORT = 0.3


@pytest.fixture
def store(sandbox: Flask) -> Store:
    store: Store = sandbox.extensions["store"]
    return store


@pytest.fixture
def provider(sandbox: Flask) -> Iterator[Provider]:
    one = Provider(sandbox)
    one.client.post("/control/settings", json={"hold_seconds": HOLD})
    return one


def arm(sandbox: Flask, name: str, institution: str = "wechat", **more: object) -> dict[str, object]:
    answer = sandbox.test_client().post("/control/faults", json={"institution": institution, "name": name, **more})
    assert answer.status_code == 200, answer.text
    return answer.json


def shown(sandbox: Flask) -> dict[str, list]:
    return sandbox.test_client().get("/control/faults").json


def take(store: Store, name: str, number: str = "", institution: str = "wechat") -> bool:
    with store.writing() as connection:
        return faults.take(connection, institution, name, number)


def seconds_of(act: object) -> float:
    before = time.monotonic()
    act()
    return time.monotonic() - before


def test_a_fault_hits_as_often_as_it_was_armed_for(sandbox: Flask, store: Store) -> None:
    arm(sandbox, "refund_closed", times=2)
    assert [take(store, "refund_closed", "R1"), take(store, "refund_closed", "R2")] == [True, True]
    assert not take(store, "refund_closed", "R3")


def test_a_fault_for_a_number_waits_for_that_number(sandbox: Flask, store: Store) -> None:
    arm(sandbox, "refund_closed", number="R2")
    assert not take(store, "refund_closed", "R1")
    assert not take(store, "refund_closed")
    assert take(store, "refund_closed", "R2")


def test_a_fault_for_this_very_number_goes_before_one_for_any(sandbox: Flask, store: Store) -> None:
    any_one = arm(sandbox, "refund_closed")["id"]
    this_one = arm(sandbox, "refund_closed", number="R2")["id"]
    take(store, "refund_closed", "R2")
    assert [fault["id"] for fault in shown(sandbox)["armed"]] == [any_one]
    assert [fault["id"] for fault in shown(sandbox)["spent"]] == [this_one]


def test_the_fault_of_one_institution_leaves_the_other_alone(sandbox: Flask, store: Store) -> None:
    arm(sandbox, "refund_closed", institution="jd")
    assert not take(store, "refund_closed")
    assert take(store, "refund_closed", institution="jd")


def test_a_fault_that_makes_the_block_fail_is_used_up_all_the_same(sandbox: Flask, store: Store) -> None:
    arm(sandbox, "not_enough")

    def refuse() -> None:
        with store.writing() as connection:
            assert faults.take(connection, "wechat", "not_enough", "R1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refuse()
    assert not take(store, "not_enough", "R1")
    assert [hit["number"] for hit in shown(sandbox)["spent"][0]["hits"]] == ["R1"]


def test_a_spent_fault_tells_when_and_what_it_hit(sandbox: Flask, provider: Provider) -> None:
    sandbox.test_client().post("/control/clock", json={"advance_seconds": 86400})
    arm(sandbox, "refuse", operation="order")
    placed(provider, out_trade_no="T00000007")
    [spent] = shown(sandbox)["spent"]
    [hit] = spent["hits"]
    assert (hit["number"], hit["operation"]) == ("T00000007", "order")
    assert abs(hit["at"] - time.time() - 86400) < 60


@pytest.mark.parametrize(
    "wish",
    [
        {"institution": "bank", "name": "refuse"},
        {"institution": "wechat", "name": "explode"},
        {"institution": "wechat", "name": "refuse", "times": -1},
        {"institution": "wechat", "name": "refuse", "times": "often"},
        {"institution": "wechat", "name": "refuse", "times": 1e999},
        {"institution": "wechat", "name": "refuse", "operation": "dance"},
        {"institution": "wechat", "name": "refund_closed", "operation": "refund"},
        {"institution": "wechat", "name": "notify_late", "seconds": -1},
        {"institution": "wechat", "name": "refuse", "number": "9" * 129},
        {},
    ],
)
def test_what_cannot_be_armed_is_refused_with_a_reason(sandbox: Flask, wish: dict[str, object]) -> None:
    answer = sandbox.test_client().post("/control/faults", json=wish)
    assert (answer.status_code, list(answer.json)) == (400, ["error"])
    assert shown(sandbox)["armed"] == []


def test_a_fault_can_be_taken_back_and_all_of_them_too(sandbox: Flask) -> None:
    client = sandbox.test_client()
    one = arm(sandbox, "refuse")["id"]
    arm(sandbox, "notify_never")
    arm(sandbox, "bill_missing", number="2026-11-21")
    assert client.delete(f"/control/faults/{one}").json == {"disarmed": 1}
    assert client.delete(f"/control/faults/{one}").status_code == 404
    assert client.delete("/control/faults").json == {"disarmed": 2}
    assert (shown(sandbox)["armed"], shown(sandbox)["spent"]) == ([], [])


def test_every_fault_and_every_operation_has_words() -> None:
    assert fault_words.BY_NAME.keys() == set(faults.NAMES)
    assert fault_words.OPERATIONS.keys() == set(faults.OPERATIONS)
    assert fault_words.INSTITUTIONS.keys() == set(faults.INSTITUTIONS)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_arms_lists_and_takes_back(sandbox: Flask, store: Store, language: str) -> None:
    client = sandbox.test_client()
    page = client.get(f"/control?lang={language}")
    for words in fault_words.BY_NAME.values():
        assert (words.zh_line if language == "zh" else words.en_line.replace("'", "&#39;")) in page.text
    form = {
        "institution": "jd",
        "name": "refund_closed",
        "times": "2",
        "number": " R0001 ",
        "operation": "",
        "seconds": "",
    }
    assert client.post("/control/faults", data=form).status_code == 303
    assert take(store, "refund_closed", "R0001", "jd")
    page = client.get("/control").text
    assert ("R0001" in page, "1 / 2" in page) == (True, True)
    number = shown(sandbox)["armed"][0]["id"]
    assert client.post(f"/control/faults/{number}/clear").status_code == 303
    assert [fault["id"] for fault in shown(sandbox)["spent"]] == [number]


def test_a_wrong_form_keeps_what_was_typed(sandbox: Flask) -> None:
    form = {"institution": "jd", "name": "refuse", "times": "many", "number": "R0001"}
    page = sandbox.test_client().post("/control/faults", data=form)
    assert page.status_code == 400
    assert "次数是 1 到 10000 的整数" in page.text
    assert ('value="many"' in page.text, 'value="R0001"' in page.text) == (True, True)


def test_refused_means_a_final_no_and_nothing_done(sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "refuse", operation="order")
    answer = placed(provider)
    assert (answer.status_code, answer.json["code"]) == (403, "RULE_LIMIT")
    assert queried(provider).status_code == 404
    assert placed(provider).status_code == 200


def test_a_system_error_does_nothing_and_may_be_repeated(sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "system_error", times=2)
    assert [placed(provider).status_code, queried(provider).status_code] == [500, 500]
    assert queried(provider).status_code == 404
    assert placed(provider).status_code == 200


def test_done_then_silent_commits_before_it_holds(sandbox: Flask, provider: Provider) -> None:
    wechat_paid(sandbox)
    arm(sandbox, "accept_then_time_out", operation="refund", number="R1")
    assert seconds_of(lambda: refunded(provider)) >= HOLD
    assert refund_queried(provider).status_code == 200
    assert seconds_of(lambda: refunded(provider)) < HOLD


def test_never_answer_holds_and_does_nothing(sandbox: Flask, provider: Provider) -> None:
    wechat_paid(sandbox)
    arm(sandbox, "never_answer", operation="refund")
    assert seconds_of(lambda: refunded(provider)) >= HOLD
    assert refund_queried(provider).status_code == 404


def test_a_held_answer_holds_nobody_else(sandbox_url: str, sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "never_answer", operation="order")
    assert seconds_of(lambda: placed(provider)) >= HOLD
    assert seconds_of(lambda: sandbox.test_client().get("/control/faults")) < SHORT


def test_the_answer_of_wechat_can_be_badly_signed(sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "bad_answer_signature")
    answer = placed(provider)
    assert answer.status_code == 200
    assert len(base64.b64decode(answer.headers["Wechatpay-Signature"])) == 256
    with pytest.raises(InvalidSignature):
        provider.answer_is_signed(answer)
    assert provider.answer_is_signed(queried(provider))


def test_a_fault_of_one_operation_leaves_the_others_alone(sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "refuse", operation="refund_query")
    wechat_paid(sandbox)
    assert (queried(provider).status_code, refunded(provider).status_code) == (200, 200)
    assert refund_queried(provider).status_code == 403


def test_a_call_nobody_signed_uses_no_fault_up(sandbox: Flask, provider: Provider) -> None:
    arm(sandbox, "refuse")
    assert provider.call("GET", "/v3/pay/partner/transactions/id/1?x=1", drop=("Authorization",)).status_code == 401
    assert len(shown(sandbox)["armed"]) == 1


@pytest.fixture
def merchant(sandbox: Flask) -> Merchant:
    sandbox.test_client().post("/control/settings", json={"hold_seconds": HOLD})
    return Merchant(sandbox)


def test_jd_refuses_under_seal_and_does_nothing(sandbox: Flask, merchant: Merchant) -> None:
    arm(sandbox, "refuse", "jd", operation="order", number="J1")
    assert merchant.order("J1")["resultCode"] == "FAIL"
    assert merchant.call("querytrade", outTradeNo="J1")["errCode"] == "ORDER_NOT_EXIST"


def test_jd_is_ill_with_a_500(sandbox: Flask, merchant: Merchant) -> None:
    arm(sandbox, "system_error", "jd")
    answer = merchant.http.post("/jd/apipayx/m/querytrade", json=merchant.envelope({"outTradeNo": "J1"}))
    assert (answer.status_code, answer.json["success"]) == (500, False)


def test_jd_does_it_and_falls_silent(sandbox: Flask, merchant: Merchant) -> None:
    arm(sandbox, "accept_then_time_out", "jd", operation="order")
    assert seconds_of(lambda: merchant.order("J1")) >= HOLD
    assert merchant.call("querytrade", outTradeNo="J1")["payStatus"] == "PROCESSING"


def test_jd_never_answers_and_does_nothing(sandbox: Flask, merchant: Merchant) -> None:
    arm(sandbox, "never_answer", "jd")
    answer = merchant.http.post("/jd/apipayx/m/unifiedOrder", json=merchant.envelope({"outTradeNo": "J1"}))
    assert (answer.status_code, answer.data) == (504, b"")
    assert merchant.call("querytrade", outTradeNo="J1")["errCode"] == "ORDER_NOT_EXIST"


def test_the_answer_of_jd_can_be_badly_signed(sandbox: Flask, merchant: Merchant) -> None:
    arm(sandbox, "bad_answer_signature", "jd")
    with pytest.raises(AssertionError):
        merchant.order("J1")
    assert merchant.call("querytrade", outTradeNo="J1")["payStatus"] == "PROCESSING"


def test_the_notice_of_a_refund_arrives_before_the_answer(
    sandbox: Flask, provider: Provider, receiver: Receiver
) -> None:
    wechat_paid(sandbox)
    sandbox.test_client().post("/control/settings", json={"refund_seconds": 0.3})
    arm(sandbox, "notify_before_response", number="R1")
    refunded(provider, notify_url=receiver.url)
    assert json.loads(receiver.next(seconds=0.01).body)["event_type"] == "REFUND.SUCCESS"
    assert shown(sandbox)["armed"] == []


def test_the_notice_of_a_payment_arrives_before_the_answer(
    sandbox: Flask, merchant: Merchant, receiver: Receiver
) -> None:
    arm(sandbox, "notify_before_response", "jd")
    order = merchant.order("J1", notifyUrl=receiver.url)
    merchant.pay(order)
    assert receiver.next(seconds=0.01).body


def test_an_answer_waits_two_seconds_for_a_notice_and_no_longer(
    sandbox: Flask, merchant: Merchant, receiver: Receiver
) -> None:
    arm(sandbox, "notify_before_response", "jd")
    arm(sandbox, "notify_late", "jd", seconds=3600)
    order = merchant.order("J1", notifyUrl=receiver.url)
    assert 2 <= seconds_of(lambda: merchant.pay(order)) < 4
