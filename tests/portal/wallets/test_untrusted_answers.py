"""Answers that came back but prove nothing: unsigned, of another order, of another shape. All of them are unknown."""

import json
from typing import Any

import pytest

from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import client as jd_client
from portal.wallets.jdpay import crypto
from portal.wallets.jdpay import orders as jd_orders
from portal.wallets.jdpay import refunds as jd_refunds
from portal.wallets.jdpay.settings import read_settings as read_jd
from portal.wallets.port import Acquirer, Contract, OrderToOpen, PaymentState, RefundState, RefundToSend
from portal.wallets.transport import Answer, Budget
from portal.wallets.wechat import login, orders, refunds
from portal.wallets.wechat.client import Client
from portal.wallets.wechat.settings import read_settings as read_wechat
from tests.portal.wallets.conftest import DES_KEY, MD5_KEY, MERCHANT_NO, NOW, SUB_MCHID, WechatSide, paid_order
from tests.portal.wallets.recorded import Recorded, refused, signed, wechat_client

CONTRACT = Contract(Acquirer.WECHAT, SUB_MCHID)
JD_CONTRACT = Contract(Acquirer.JDPAY, MERCHANT_NO, {"des_key": DES_KEY, "md5_key": MD5_KEY})
REFUND = {
    "out_refund_no": "R1",
    "refund_id": "5030",
    "status": "PROCESSING",
    "amount": {"refund": 5, "payer_refund": 5},
}


def order_to(contract: Contract, **changes: Any) -> OrderToOpen:
    values: dict[str, Any] = {
        "contract": contract,
        "order_no": "Y123456",
        "amount": 1234,
        "description": "老王包子铺🥟",
        "notify_url": "https://yima.example/notify/wechat",
        "payer_ip": "203.0.113.7",
        "expires_at": NOW,
        "created_at": NOW,
        "payer_id": "oUpF8",
    }
    return OrderToOpen(**values | changes)


def refund_of(contract: Contract) -> RefundToSend:
    return RefundToSend(contract, "R1", "Y123456", "4200", 5, 1234, "退货🥟" * 40, "https://yima.example/notify/wechat")


def test_an_order_goes_out_in_the_words_of_partner_mode(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    transport = Recorded(signed(wechat_side, {"prepay_id": "wx21"}))
    client = Client(read_wechat(sections["wechat"]), transport, lambda: NOW)
    opening = orders.open_payment(client, order_to(CONTRACT), budget=Budget(1))
    method, url, headers, body = transport.sent[0]
    assert (method, url) == ("POST", "https://api.mch.example/v3/pay/partner/transactions/jsapi")
    assert json.loads(body or b"") == {
        "sp_appid": "wx0000000000000001",
        "sp_mchid": "1900000001",
        "sub_mchid": SUB_MCHID,
        "description": "老王包子铺",
        "out_trade_no": "Y123456",
        "time_expire": "2026-11-21T12:31:09+08:00",
        "notify_url": "https://yima.example/notify/wechat",
        "amount": {"total": 1234, "currency": "CNY"},
        "payer": {"sp_openid": "oUpF8"},
    }
    assert headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
    assert opening.bridge["package"] == "prepay_id=wx21"
    assert set(opening.bridge) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payer_id": None}, "PAYER_ID_MISSING"),
        ({"notify_url": "https://yima.example/notify?x=1"}, "NOTIFY_URL"),
        ({"notify_url": "https://yima.example"}, "NOTIFY_URL"),
        ({"notify_url": "/notify/wechat"}, "NOTIFY_URL"),
    ],
)
def test_an_order_wechat_could_never_take_is_not_sent(
    sections: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(WalletRefused) as found:
        orders.open_payment(wechat_client(sections), order_to(CONTRACT, **changes), budget=Budget(1))
    assert found.value.code == code


def test_an_answer_that_wechat_did_not_sign_is_unknown(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    good = signed(wechat_side, paid_order())
    for answer in (
        Answer(200, {}, good.body),
        Answer(200, good.headers, good.body + b" "),
        Answer(200, {**good.headers, "wechatpay-signature": "WECHATPAY/SIGNTEST/x"}, good.body),
        Answer(204, {}, b""),
    ):
        with pytest.raises(WalletUnknown) as found:
            orders.ask_payment(wechat_client(sections, answer), CONTRACT, "Y123456", budget=Budget(1))
        assert found.value.code == "ANSWER_NOT_SIGNED"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"<html>",
        paid_order(trade_state="DANCING"),
        paid_order(out_trade_no="Y999999"),
        paid_order(sub_mchid="1600000099"),
        paid_order(sp_mchid="1900000099"),
        paid_order(amount={}),
    ],
)
def test_a_signed_answer_about_something_else_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, content: object
) -> None:
    client = wechat_client(sections, signed(wechat_side, content))
    with pytest.raises(WalletUnknown):
        orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(1))


def test_a_question_about_an_order_tells_what_was_paid(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, paid_order(trade_state="REFUND")))
    found = orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(1))
    assert (found.state, found.amount, found.payer_amount) == (PaymentState.SUCCESS, 1234, 1000)


def test_a_refusal_keeps_wechats_code_and_trace(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(403, "OUT_TRADE_NO_USED"))
    with pytest.raises(WalletRefused) as found:
        orders.open_payment(client, order_to(CONTRACT), budget=Budget(1))
    assert (found.value.code, found.value.message, found.value.request_id) == ("OUT_TRADE_NO_USED", "说明", "08F-1")


def test_an_order_or_refund_wechat_never_saw_is_an_answer(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(404, "ORDER_NOT_EXIST"), refused(404, "RESOURCE_NOT_EXISTS"))
    assert orders.ask_payment(client, CONTRACT, "Y1", budget=Budget(1)).state is PaymentState.UNPAID
    assert refunds.ask_refund(client, CONTRACT, "R1", budget=Budget(1)).state is RefundState.MISSING


def test_a_refund_carries_gross_amounts_and_at_most_80_bytes_of_reason(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    transport = Recorded(signed(wechat_side, REFUND))
    client = Client(read_wechat(sections["wechat"]), transport, lambda: NOW)
    assert refunds.refund(client, refund_of(CONTRACT), budget=Budget(1)).state is RefundState.PROCESSING
    sent = json.loads(transport.sent[0][3] or b"")
    assert sent["amount"] == {"refund": 5, "total": 1234, "currency": "CNY"}
    assert 70 < len(sent["reason"].encode()) <= 80


@pytest.mark.parametrize(
    "answer", [refused(429, "FREQUENCY_LIMITED"), refused(500, "SYSTEM_ERROR"), Answer(404, {}, b"")]
)
def test_a_refund_that_may_have_been_taken_is_unknown(sections: dict[str, Any], answer: Answer) -> None:
    with pytest.raises(WalletUnknown):
        refunds.refund(wechat_client(sections, answer), refund_of(CONTRACT), budget=Budget(1))


def test_a_refund_answered_with_another_number_is_unknown(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, REFUND | {"out_refund_no": "R2"}))
    with pytest.raises(WalletUnknown):
        refunds.refund(client, refund_of(CONTRACT), budget=Budget(1))


def test_a_payers_login_has_the_order_wechat_demands(sections: dict[str, Any]) -> None:
    url = login.payer_login_url(
        read_wechat(sections["wechat"]), return_url="https://yima.example/o/Y1/wechat", state="a b"
    )
    assert url == (
        "https://open.example/connect/oauth2/authorize?appid=wx0000000000000001"
        "&redirect_uri=https%3A%2F%2Fyima.example%2Fo%2FY1%2Fwechat&response_type=code&scope=snsapi_base"
        "&state=a%20b#wechat_redirect"
    )


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"errcode": 40029, "errmsg": "invalid code"}, WalletRefused),
        (200, {"errcode": 40163, "errmsg": "code been used"}, WalletRefused),
        (200, {"errcode": -1, "errmsg": "busy"}, WalletUnavailable),
        (200, {"errcode": 40125, "errmsg": "invalid appsecret"}, WalletUnavailable),
        (502, {}, WalletUnavailable),
        (200, {}, WalletUnknown),
    ],
)
def test_a_payers_code_that_gives_no_openid_says_why(
    sections: dict[str, Any], status: int, body: dict[str, Any], error: type[WalletError]
) -> None:
    transport = Recorded(Answer(status, {}, json.dumps(body).encode()))
    with pytest.raises(error):
        login.payer_id_of(read_wechat(sections["wechat"]), transport, "code", budget=Budget(1))


def jd_answer(fields: dict[str, Any], **outer: Any) -> Answer:
    told = {"merchantNo": MERCHANT_NO, "resultCode": "SUCCESS", **fields}
    envelope = {"success": True, "cipherJson": crypto.seal(told, DES_KEY), "sign": crypto.sign(told, MD5_KEY)}
    return Answer(200, {}, json.dumps(envelope | outer).encode())


def jd(sections: dict[str, Any], *answers: Answer) -> jd_client.Client:
    return jd_client.Client(read_jd(sections["jd"]), Recorded(*answers))


def test_an_order_goes_out_under_the_sub_merchants_own_keys(sections: dict[str, Any]) -> None:
    transport = Recorded(jd_answer({"outTradeNo": "Y123456", "payInfo": "https://jd.example/pay"}))
    client = jd_client.Client(read_jd(sections["jd"]), transport)
    opening = jd_orders.open_payment(client, order_to(JD_CONTRACT), budget=Budget(1))
    assert opening.url == "https://jd.example/pay"
    outer = json.loads(transport.sent[0][3] or b"")
    fields = crypto.opened(outer["cipherJson"], DES_KEY)
    assert outer["sign"] == crypto.sign(fields, MD5_KEY)
    assert (outer["merchantNo"], outer["systemId"], fields["merchantNo"]) == (MERCHANT_NO, "yima", MERCHANT_NO)
    assert (fields["piType"], fields["amount"], fields["version"]) == ("JDPAY", "1234", "V3.0")
    assert (fields["productName"], fields["deadlineTime"]) == ("老王包子铺", "20261121123109")


@pytest.mark.parametrize(
    "answer",
    [
        jd_answer({"outTradeNo": "Y999999", "payStatus": "PROCESSING"}),
        jd_answer({"outTradeNo": "Y123456", "payStatus": "PROCESSING"}, sign="0" * 32),
        jd_answer({"outTradeNo": "Y123456", "payStatus": "PROCESSING", "merchantNo": "1"}),
        jd_answer({"outTradeNo": "Y123456", "payStatus": "DANCING"}),
        Answer(200, {}, b"<html>"),
        Answer(502, {}, b""),
    ],
)
def test_an_answer_jd_did_not_seal_for_this_order_is_unknown(sections: dict[str, Any], answer: Answer) -> None:
    with pytest.raises(WalletUnknown):
        jd_orders.ask_payment(jd(sections, answer), JD_CONTRACT, "Y123456", budget=Budget(1))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "weixin://x", ""])
def test_jd_sends_nobody_to_a_page_that_is_none(sections: dict[str, Any], url: str) -> None:
    client = jd(sections, jd_answer({"outTradeNo": "Y123456", "payInfo": url}))
    with pytest.raises(WalletUnknown):
        jd_orders.open_payment(client, order_to(JD_CONTRACT), budget=Budget(1))


def test_a_refund_jd_refuses_without_a_seal_is_unknown(sections: dict[str, Any]) -> None:
    unsealed = Answer(200, {}, b'{"success":false,"errCode":1000,"errCodeDes":"x"}')
    with pytest.raises(WalletUnknown) as found:
        jd_refunds.refund(jd(sections, unsealed), refund_of(JD_CONTRACT), budget=Budget(1))
    assert found.value.code == "1000"
    client = jd(sections, jd_answer({"resultCode": "FAIL", "errCode": "REFUND_EXCEEDS"}))
    with pytest.raises(WalletRefused):
        jd_refunds.refund(client, refund_of(JD_CONTRACT), budget=Budget(1))


def test_a_refund_jd_accepted_without_a_state_is_on_its_way(sections: dict[str, Any]) -> None:
    client = jd(sections, jd_answer({"outRefundNo": "R1"}))
    assert jd_refunds.refund(client, refund_of(JD_CONTRACT), budget=Budget(1)).state is RefundState.PROCESSING


@pytest.mark.parametrize("keys", [{}, {"des_key": DES_KEY}, {"des_key": "broken", "md5_key": "x"}])
def test_without_usable_keys_nothing_is_sent(sections: dict[str, Any], keys: dict[str, str]) -> None:
    with pytest.raises(WalletUnavailable):
        jd_orders.ask_payment(jd(sections), Contract(Acquirer.JDPAY, MERCHANT_NO, keys), "Y1", budget=Budget(1))
