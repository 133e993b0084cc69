"""The public PyPI client `wechatpayv3`, unchanged but for its gateway address, against the sandbox over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from wechatpayv3 import SignType, WeChatPay, WeChatPayType

from sandbox.wechat import bridge, orders
from tests.sandbox.receiver import Notice, Receiver
from tests.sandbox.wechat_merchant import Provider


@pytest.fixture
def client(sandbox_url: str, receiver: Receiver) -> WeChatPay:
    given = requests.get(f"{sandbox_url}/credentials", timeout=5).json()["wechat"]
    one = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=given["sp_mchid"],
        private_key=given["private_key"],
        cert_serial_no=given["serial_no"],
        appid=given["sp_appid"],
        apiv3_key=given["apiv3_key"],
        notify_url=receiver.url,
        partner_mode=True,
        timeout=(5, 5),
        public_key=given["public_key"],
        public_key_id=given["public_key_id"],
    )
    one._core._gate_way = given["gateway"]
    return one


@pytest.fixture
def sub_mchid(sandbox: Flask) -> str:
    return sandbox.extensions["keys"].wechat_sub_mchid


@pytest.fixture
def openid(sandbox: Flask) -> str:
    return Provider(sandbox).openid()


def ok(answer: tuple[int, str]) -> dict[str, Any]:
    assert answer[0] == 200, answer
    return json.loads(answer[1])


def read(client: WeChatPay, notice: Notice) -> dict[str, Any]:
    """Verified and decrypted by the client itself; None when it does not believe the notice."""
    return client.callback(notice.headers, notice.body)


def jsapi(client: WeChatPay, sub_mchid: str, openid: str, number: str = "W00000001", total: int = 1234) -> str:
    answer = client.pay("老周豆腐", number, {"total": total}, {"sp_openid": openid}, sub_mchid=sub_mchid)
    return ok(answer)["prepay_id"]


def pay_in_the_phone(sandbox: Flask, prepay_id: str, openid: str) -> dict[str, Any]:
    with sandbox.extensions["store"].writing() as connection:
        return orders.pay(connection, prepay_id=prepay_id, openid=openid)


def test_it_places_pays_and_queries_a_jsapi_order(
    sandbox: Flask, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    prepay_id = jsapi(client, sub_mchid, openid)
    assert ok(client.query(out_trade_no="W00000001", sub_mchid=sub_mchid))["trade_state"] == "NOTPAY"
    pay_in_the_phone(sandbox, prepay_id, openid)
    notice = read(client, receiver.next())
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    order = ok(client.query(transaction_id=notice["resource"]["transaction_id"], sub_mchid=sub_mchid))
    assert order == notice["resource"]
    assert order["amount"] == {"total": 1234, "payer_total": 1234, "currency": "CNY", "payer_currency": "CNY"}
    assert (order["trade_state"], order["trade_type"], order["payer"]) == ("SUCCESS", "JSAPI", {"sp_openid": openid})


def test_it_signs_the_bridge_call_as_the_wallet_expects(
    sandbox: Flask, client: WeChatPay, sub_mchid: str, openid: str
) -> None:
    prepay_id = jsapi(client, sub_mchid, openid)
    keys = sandbox.extensions["keys"]
    signed = [keys.wechat_sp_appid, "1761912000", "nonce", f"prepay_id={prepay_id}"]
    params = dict(zip(("appId", "timeStamp", "nonceStr", "package"), signed, strict=True))
    params |= {"signType": "RSA", "paySign": client.sign(signed, SignType.RSA_SHA256)}
    with sandbox.extensions["store"].reading() as connection:
        order = bridge.read(connection, keys, params)
        assert (order["prepay_id"], order["total"], order["sub_mchid"]) == (prepay_id, 1234, sub_mchid)
        with pytest.raises(orders.NotPayable):
            bridge.read(connection, keys, params | {"nonceStr": "other"})


def test_it_places_a_native_order_and_closes_it_twice(sandbox: Flask, client: WeChatPay, sub_mchid: str) -> None:
    answer = ok(client.pay("豆腐", "W00000002", {"total": 1}, sub_mchid=sub_mchid, pay_type=WeChatPayType.NATIVE))
    with sandbox.extensions["store"].reading() as connection:
        assert orders.by_code_url(connection, answer["code_url"])["out_trade_no"] == "W00000002"
    assert client.close("W00000002", sub_mchid=sub_mchid)[0] == 204
    assert client.close("W00000002", sub_mchid=sub_mchid)[0] == 204
    assert ok(client.query(out_trade_no="W00000002", sub_mchid=sub_mchid))["trade_state"] == "CLOSED"


def test_it_refunds_a_part_and_hears_when_it_arrived(
    sandbox: Flask, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    pay_in_the_phone(sandbox, jsapi(client, sub_mchid, openid), openid)
    receiver.next()
    amount = {"refund": 500, "total": 1234, "currency": "CNY"}
    accepted = ok(client.refund("WR1", amount, out_trade_no="W00000001", sub_mchid=sub_mchid))
    assert accepted["status"] == "PROCESSING"
    again = ok(client.refund("WR1", amount, out_trade_no="W00000001", sub_mchid=sub_mchid))
    assert again["refund_id"] == accepted["refund_id"]
    notice = read(client, receiver.next())
    assert (notice["event_type"], notice["resource"]["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")
    assert notice["resource"]["amount"] == {"total": 1234, "refund": 500, "payer_total": 1234, "payer_refund": 500}
    asked = ok(client.query_refund("WR1", sub_mchid=sub_mchid))
    assert (asked["status"], asked["refund_id"]) == ("SUCCESS", accepted["refund_id"])
    assert ok(client.query(out_trade_no="W00000001", sub_mchid=sub_mchid))["trade_state"] == "REFUND"


def test_a_notice_that_was_touched_is_not_believed(
    sandbox: Flask, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    pay_in_the_phone(sandbox, jsapi(client, sub_mchid, openid), openid)
    notice = receiver.next()
    assert client.callback(notice.headers, notice.body.replace(b"SUCCESS", b"SUCCES5")) is None


def test_it_reads_an_error_without_a_signature(client: WeChatPay, sub_mchid: str) -> None:
    status, text = client.query(out_trade_no="nobody-knows", sub_mchid=sub_mchid)
    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")


def test_its_upload_without_a_boundary_is_refused(client: WeChatPay, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert client.image_upload(str(picture))[0] == 400
