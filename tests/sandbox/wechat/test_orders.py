"""Placing, asking, closing and paying."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.wechat import orders
from tests.sandbox.wechat.conftest import Till

JSAPI = "/v3/pay/partner/transactions/jsapi"
NATIVE = "/v3/pay/partner/transactions/native"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"out_trade_no": "T1234"}, "/out_trade_no"),
        ({"out_trade_no": "T" * 33}, "/out_trade_no"),
        ({"out_trade_no": "T 000001"}, "/out_trade_no"),
        ({"out_trade_no": "单号000001"}, "/out_trade_no"),
        ({"description": ""}, "/description"),
        ({"description": "x" * 128}, "/description"),
        ({"description": None}, "/description"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": -1}}, "/amount/total"),
        ({"amount": {"total": 1.0}}, "/amount/total"),
        ({"amount": {"total": "1"}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ({"amount": None}, "/amount"),
        ({"attach": "x" * 129}, "/attach"),
        ({"notify_url": "http://127.0.0.1/n?a=b"}, "/notify_url"),
        ({"notify_url": "http://127.0.0.1"}, "/notify_url"),
        ({"notify_url": "/n"}, "/notify_url"),
        ({"notify_url": None}, "/notify_url"),
        ({"time_expire": "2026-11-21 10:00:00"}, "/time_expire"),
        ({"sub_openid": "x"}, "/sub_openid"),
        ({"scene_info": {"device_id": "x"}}, "/scene_info/payer_client_ip"),
        ({"payer": {}}, "/payer/sp_openid"),
        ({"payer": {"sp_openid": "o-nobody"}}, "/payer/sp_openid"),
        ({"payer": None}, "/payer"),
    ],
)
def test_a_wrong_field_is_named(till: Till, fields: dict[str, object], pointer: str) -> None:
    answer = till.call("POST", JSAPI, till.order(**fields))
    assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")
    assert answer.json["detail"]["field"] == pointer
    assert answer.json["detail"]["location"] == "body"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"sp_mchid": "1900000000"}, 400, "PARAM_ERROR"),
        ({"sp_appid": "wx0000000000000000"}, 400, "APPID_MCHID_NOT_MATCH"),
        ({"sub_mchid": "1600000000"}, 400, "INVALID_REQUEST"),
        ({"sub_appid": "wx0000000000000000"}, 400, "INVALID_REQUEST"),
    ],
)
def test_a_number_that_belongs_to_somebody_else_is_refused(
    till: Till, fields: dict[str, str], status: int, code: str
) -> None:
    answer = till.call("POST", JSAPI, till.order(**fields))
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_without_an_acceptance_relation_it_says_so(till: Till) -> None:
    assert till.call("POST", JSAPI, till.order(sub_mchid="1600000000")).json["message"] == "受理关系不存在"


def test_native_needs_its_own_permission(till: Till) -> None:
    till.shift("UPDATE wechat_merchants SET permissions = 'JSAPI REFUND'")
    answer = till.call("POST", NATIVE, till.native())
    assert (answer.status_code, answer.json["code"]) == (403, "NO_AUTH")


def test_the_same_parameters_give_a_fresh_prepay_id_and_both_can_be_paid_once(till: Till) -> None:
    first, second = till.place()["prepay_id"], till.place()["prepay_id"]
    assert first != second
    with till.app.extensions["store"].writing() as connection:
        orders.pay(connection, prepay_id=first, openid=till.openid_known())
        with pytest.raises(orders.NotPayable, match="已支付"):
            orders.pay(connection, prepay_id=second, openid=till.openid_known())


@pytest.mark.parametrize("changed", [{"total": 1235}, {"description": "别的"}, {"attach": "x"}])
def test_other_parameters_under_the_same_number_are_refused(till: Till, changed: dict[str, object]) -> None:
    till.place()
    answer = till.call("POST", JSAPI, till.order(**changed))
    assert (answer.status_code, answer.json["code"]) == (403, "OUT_TRADE_NO_USED")


def test_another_way_to_pay_under_the_same_number_is_refused(till: Till) -> None:
    till.place()
    assert till.call("POST", NATIVE, till.native()).json["code"] == "OUT_TRADE_NO_USED"


def test_a_paid_or_closed_number_cannot_be_placed_again(till: Till) -> None:
    till.paid()
    assert till.call("POST", JSAPI, till.order()).json["code"] == "OUT_TRADE_NO_USED"
    till.place(out_trade_no="T00000002")
    close(till, "T00000002")
    assert till.call("POST", JSAPI, till.order(out_trade_no="T00000002")).json["code"] == "INVALID_REQUEST"


def close(till: Till, number: str = "T00000001", **bent: str) -> int:
    body = {"sp_mchid": till.given["sp_mchid"], "sub_mchid": till.given["sub_mchid"]} | bent
    return till.call("POST", f"/v3/pay/partner/transactions/out-trade-no/{number}/close", body).status_code


def test_a_paid_order_cannot_be_closed(till: Till) -> None:
    till.paid()
    assert close(till) == 400
    assert till.query()["trade_state"] == "SUCCESS"


def test_a_stranger_cannot_be_closed(till: Till) -> None:
    assert close(till, "T99999999") == 400


def test_a_closed_order_cannot_be_paid(till: Till) -> None:
    prepay_id = till.place()["prepay_id"]
    assert close(till) == 204
    with till.app.extensions["store"].writing() as connection, pytest.raises(orders.NotPayable, match="关闭"):
        orders.pay(connection, prepay_id=prepay_id, openid=till.openid_known())


def test_an_order_past_its_time_is_closed_by_itself(till: Till) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    till.place(time_expire=soon)
    till.shift("UPDATE wechat_orders SET expires_at = expires_at - 301")
    assert till.query()["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("wish", "seconds"), [("2020-01-01T00:00:00+08:00", 60), ("2099-01-01T00:00:00Z", 15 * 86_400)]
)
def test_a_time_that_is_too_near_or_too_far_is_moved(till: Till, wish: str, seconds: int) -> None:
    till.place(time_expire=wish)
    with till.app.extensions["store"].reading() as connection:
        row = connection.execute("SELECT expires_at - created_at AS life FROM wechat_orders").fetchone()
    assert row["life"] == pytest.approx(seconds)


def test_a_long_list_of_goods_is_refused(till: Till) -> None:
    goods = [
        {"merchant_goods_id": f"g{n}", "quantity": 1, "unit_price": 1, "goods_name": "豆腐" * 20} for n in range(50)
    ]
    answer = till.call("POST", JSAPI, till.order(detail={"goods_detail": goods}))
    assert (answer.status_code, answer.json["detail"]["field"]) == (400, "/detail")


def test_a_week_without_payment_closes_an_order(till: Till) -> None:
    till.place()
    till.move(advance_seconds=7 * 86_400 + 1)
    assert till.query()["trade_state"] == "CLOSED"


def test_a_prepay_id_dies_after_two_hours_but_not_its_order(till: Till) -> None:
    old = till.place()["prepay_id"]
    till.shift("UPDATE wechat_prepays SET created_at = created_at - 7201")
    new = till.place()["prepay_id"]
    with till.app.extensions["store"].writing() as connection:
        with pytest.raises(orders.NotPayable, match="过期"):
            orders.pay(connection, prepay_id=old, openid=till.openid_known())
        assert orders.pay(connection, prepay_id=new, openid=till.openid_known())["state"] == "SUCCESS"


def test_another_payer_than_the_order_names_is_refused(till: Till) -> None:
    prepay_id = till.place()["prepay_id"]
    other = till.openid({"X-Sandbox-Payer": "payer-2"})
    with till.app.extensions["store"].writing() as connection, pytest.raises(orders.NotPayable, match="不一致"):
        orders.pay(connection, prepay_id=prepay_id, openid=other)


def test_two_confirmations_at_once_pay_once(till: Till) -> None:
    prepay_id, openid = till.place()["prepay_id"], till.openid_known()
    outcomes: list[str] = []

    def confirm() -> None:
        try:
            with till.app.extensions["store"].writing() as connection:
                orders.pay(connection, prepay_id=prepay_id, openid=openid)
            outcomes.append("paid")
        except orders.NotPayable:
            outcomes.append("refused")

    threads = [threading.Thread(target=confirm) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["paid"] + ["refused"] * 5
    assert len(till.client.get("/control/outbox").json) == 1


def test_an_unknown_order_is_404(till: Till) -> None:
    assert till.query("T00000009")["code"] == "ORDER_NOT_EXIST"


def test_another_sub_merchants_order_is_not_told(till: Till) -> None:
    till.place()
    with till.app.extensions["store"].writing() as connection:
        connection.execute(
            "INSERT INTO wechat_merchants VALUES ('1600000001', '别家', NULL, 38, 'JSAPI', 'INDIVIDUAL', 0)"
        )
    assert till.query(sub_mchid="1600000001")["code"] == "INVALID_REQUEST"
    assert till.query(sub_mchid="1600000002")["message"] == "受理关系不存在"


def test_an_unpaid_order_tells_no_payment_fields(till: Till) -> None:
    till.place(attach="店一", scene_info={"payer_client_ip": "127.0.0.1", "device_id": "plate-1"})
    order = till.query()
    assert order["attach"] == "店一"
    assert order["scene_info"] == {"device_id": "plate-1"}
    assert not {"transaction_id", "success_time", "payer", "trade_type"} & order.keys()
