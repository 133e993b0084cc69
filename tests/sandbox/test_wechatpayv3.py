"""The public PyPI client `wechatpayv3`, unchanged but for its gateway address, against the sandbox over HTTP.

docs/wallets.md lists every call; where the client departs from WeChat Pay's description a test here shows
it.
"""

import copy
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from wechatpayv3 import SignType, WeChatPay, WeChatPayType, applyment

from sandbox.wechat import bridge, orders, transfers
from tests.sandbox.receiver import Notice, Receiver
from tests.sandbox.wechat.conftest import Till
from tests.sandbox.wechat.test_applyments import application
from tests.sandbox.wechat.test_bills import DAY, parsed

PNG = b"\x89PNG\r\n\x1a\n"
REPORT = [{"info_type": "活动名称", "info_content": "开店有礼"}, {"info_type": "奖励说明", "info_content": "首单返现"}]


@pytest.fixture
def till(sandbox: Flask) -> Till:
    return Till(sandbox)


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
def openid(till: Till) -> str:
    return till.openid()


def ok(answer: tuple[int, str]) -> dict[str, Any]:
    assert answer[0] == 200, answer
    return json.loads(answer[1])


def refused(answer: tuple[int, str]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["code"]


def read(client: WeChatPay, notice: Notice) -> dict[str, Any]:
    """Verified and decrypted by the client itself; None when it does not believe the notice."""
    return client.callback(notice.headers, notice.body)


def jsapi(client: WeChatPay, sub_mchid: str, openid: str, number: str = "W00000001", total: int = 1234) -> str:
    answer = client.pay("老周豆腐", number, {"total": total}, {"sp_openid": openid}, sub_mchid=sub_mchid)
    return ok(answer)["prepay_id"]


def pay_in_the_phone(sandbox: Flask, prepay_id: str, openid: str) -> dict[str, Any]:
    with sandbox.extensions["store"].writing() as connection:
        return orders.pay(connection, prepay_id=prepay_id, openid=openid)


def paid(till: Till, client: WeChatPay, receiver: Receiver, openid: str) -> None:
    """An order of 12.34 yuan, paid, its notice taken."""
    pay_in_the_phone(till.app, jsapi(client, till.given["sub_mchid"], openid), openid)
    receiver.next()


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


def test_it_places_an_h5_order_whose_address_opens_the_cashier(till: Till, client: WeChatPay, sub_mchid: str) -> None:
    scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
    answer = ok(
        client.pay("豆腐", "W00000003", {"total": 1}, scene_info=scene, sub_mchid=sub_mchid, pay_type=WeChatPayType.H5)
    )
    page = requests.get(answer["h5_url"], headers={"Referer": "http://127.0.0.1:8000/o/1"}, timeout=5)
    assert (page.status_code, "0.01" in page.text) == (200, True)


def test_it_refunds_a_part_and_hears_when_it_arrived(
    till: Till, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    paid(till, client, receiver, openid)
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


def test_it_sends_an_abnormal_refund_to_another_card(
    till: Till, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    paid(till, client, receiver, openid)
    till.arm("refund_abnormal")
    amount = {"refund": 500, "total": 1234, "currency": "CNY"}
    refund = ok(client.refund("WR1", amount, out_trade_no="W00000001", sub_mchid=sub_mchid))
    assert read(client, receiver.next())["event_type"] == "REFUND.ABNORMAL"
    card = {"bank_type": "ICBC_DEBIT", "bank_account": "6222021234567890123", "real_name": "周建国"}
    sent = client.abnormal_refund(refund["refund_id"], "WR1", "USER_BANK_CARD", sub_mchid=sub_mchid, **card)
    assert ok(sent)["channel"] == "OTHER_BANKCARD"
    notice = read(client, receiver.next())
    assert notice["event_type"] == "REFUND.SUCCESS"
    assert notice["resource"]["user_received_account"] == "工商银行借记卡"


def test_it_fetches_the_trade_bill(
    till: Till, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    paid(till, client, receiver, openid)
    till.move(to="next_morning")
    offer = ok(client.trade_bill(DAY, sub_mchid=sub_mchid))
    status, packed = client.download_bill(offer["download_url"])
    assert status == 200
    plain = gzip.decompress(packed)
    assert hashlib.sha1(plain).hexdigest() == offer["hash_value"]
    [line], summary = parsed(plain)
    assert (line["商户订单号"], summary["订单总金额"]) == ("W00000001", "12.34")
    assert len(parsed(gzip.decompress(client.download_bill(ok(client.trade_bill(DAY))["download_url"])[1]))[0]) == 1


def test_it_fetches_the_providers_fund_flow_bill(till: Till, client: WeChatPay) -> None:
    till.move(to="next_morning")
    offer = ok(client.fundflow_bill(DAY))
    plain = gzip.decompress(client.download_bill(offer["download_url"])[1])
    assert hashlib.sha1(plain).hexdigest() == offer["hash_value"]
    assert parsed(plain)[0][0]["业务类型"] == "充值"


def test_it_fetches_and_opens_a_sub_merchants_fund_flow_bill(
    till: Till, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    paid(till, client, receiver, openid)
    till.move(to="next_morning")
    answer = ok(client.submch_fundflow_bill(sub_mchid, DAY, "BASIC", tar_type="GZIP"))
    [part] = answer["download_bill_list"]
    sealed = client.download_bill(part["download_url"])[1]
    key = client.decrypt(part["encrypt_key"])
    plain = gzip.decompress(AESGCM(key.encode()).decrypt(part["nonce"].encode(), sealed, None))
    assert hashlib.sha1(plain).hexdigest() == part["hash_value"]
    assert [line["业务类型"] for line in parsed(plain)[0]] == ["交易", "扣除交易手续费"]


def plain_application(till: Till) -> dict[str, Any]:
    """What the client takes: fields it encrypts itself."""
    body = application(till)
    contact, bank = body["contact_info"], body["bank_account_info"]
    card = body["subject_info"]["identity_info"]["id_card_info"]
    contact |= {"contact_name": "周建国", "mobile_phone": "13800138000", "contact_email": "zhou@example.com"}
    card |= {"id_card_name": "周建国", "id_card_number": "11010519491231002X"}
    bank |= {"account_name": "周建国", "account_number": "6222021234567890123"}
    return body


def test_it_brings_in_a_sub_merchant_and_changes_its_account(till: Till, client: WeChatPay) -> None:
    till.set(audit_seconds=0)
    applyment_id = ok(client.applyment_submit(**plain_application(till)))["applyment_id"]
    finished = ok(client.applyment_query(applyment_id=str(applyment_id)))
    assert finished["applyment_state"] == "APPLYMENT_STATE_FINISHED"
    assert ok(client.applyment_query(business_code="YIMA_1")) == finished
    sub_mchid = finished["sub_mchid"]
    assert ok(client.applyment_settlement_query(sub_mchid))["account_bank"] == "工商银行"
    assert not hasattr(client, "applyment_settlement_modify_state")
    # The client still demands the retired bank_address_code.
    changed = ok(
        client.applyment_settlement_modify(
            sub_mchid, "ACCOUNT_TYPE_PRIVATE", "建设银行", "110000", "6217001234567891234"
        )
    )
    # It has this call, but not as a method of the client.
    state = ok(applyment.applyment_settlement_modify_state(client, sub_mchid, changed["application_no"]))
    assert state["verify_result"] == "AUDIT_SUCCESS"
    assert ok(client.applyment_settlement_query(sub_mchid))["account_bank"] == "建设银行"


def test_it_reads_the_lists_of_banks(client: WeChatPay) -> None:
    assert ok(client.capital_personal_banks())["count"] > 0
    assert ok(client.capital_corporate_banks())["count"] > 0
    assert ok(client.capital_provinces())["data"]
    assert ok(client.capital_cities("11"))["data"]
    assert ok(client.capital_branches("1000006247", "110000"))["data"]
    assert ok(client.capital_search_bank_number("6222021234567890123"))["data"][0]["account_bank"] == "工商银行"


def test_it_transfers_and_hears_that_the_owner_took_it(
    till: Till, client: WeChatPay, receiver: Receiver, openid: str
) -> None:
    sent = ok(client.mch_transfer_bills("B1", "1000", openid, 500, "返现", "周建国", "现金奖励", REPORT))
    assert sent["state"] == "WAIT_USER_CONFIRM"
    with till.app.extensions["store"].writing() as connection:
        transfers.confirm(connection, package_info=sent["package_info"], openid=openid)
    notice = read(client, receiver.next())
    assert (notice["event_type"], notice["resource"]["state"]) == ("MCHTRANSFER.BILL.FINISHED", "SUCCESS")
    asked = ok(client.mch_transfer_bills_query(out_bill_no="B1"))
    assert asked == ok(client.mch_transfer_bills_query(transfer_bill_no=sent["transfer_bill_no"]))
    assert (asked["state"], asked["transfer_amount"]) == ("SUCCESS", 500)


def test_it_takes_a_transfer_back(client: WeChatPay, receiver: Receiver, openid: str) -> None:
    ok(client.mch_transfer_bills("B2", "1000", openid, 500, "返现", transfer_scene_report_infos=REPORT))
    assert ok(client.mch_transfer_bills_cancel("B2"))["state"] == "CANCELING"
    assert read(client, receiver.next())["resource"]["state"] == "CANCELLED"


def test_a_notice_that_was_touched_is_not_believed(
    sandbox: Flask, client: WeChatPay, receiver: Receiver, sub_mchid: str, openid: str
) -> None:
    pay_in_the_phone(sandbox, jsapi(client, sub_mchid, openid), openid)
    notice = receiver.next()
    assert client.callback(notice.headers, notice.body.replace(b"SUCCESS", b"SUCCES5")) is None


def test_it_reads_an_error_without_a_signature(client: WeChatPay, sub_mchid: str) -> None:
    assert refused(client.query(out_trade_no="nobody-knows", sub_mchid=sub_mchid)) == (404, "ORDER_NOT_EXIST")


def test_a_probe_in_place_of_a_signature_makes_it_raise(
    till: Till, client: WeChatPay, sub_mchid: str, openid: str
) -> None:
    jsapi(client, sub_mchid, openid)
    till.arm("bad_answer_signature", operation="query")
    with pytest.raises(Exception, match="failed to verify the signature"):
        client.query(out_trade_no="W00000001", sub_mchid=sub_mchid)


def test_its_upload_differs_from_the_description_in_the_boundary_alone(
    client: WeChatPay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content-Type lacks the boundary that its body is written with; given it, the very same request is taken."""
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG)
    seen: list[requests.PreparedRequest] = []
    sending = requests.Session.send

    def noted(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(request)
        return sending(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", noted)
    assert refused(client.image_upload(str(picture))) == (400, "PARAM_ERROR")
    request = seen[0]
    assert request.headers["Content-Type"] == "multipart/form-data"
    assert isinstance(request.body, bytes)
    boundary = request.body.split(b"\r\n", 1)[0].removeprefix(b"--").decode()
    request.headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    with requests.Session() as session:
        again = session.send(request)
    assert (again.status_code, list(again.json())) == (200, ["media_id"])


def test_it_encrypts_in_the_callers_own_dictionary_so_a_second_call_cannot_be_read(
    till: Till, client: WeChatPay
) -> None:
    body = plain_application(till)
    before = copy.deepcopy(body)
    ok(client.applyment_submit(**body))
    assert body != before
    with pytest.raises(ValueError, match="Encryption"):
        client.applyment_submit(**body)


def test_it_encrypts_the_administrators_openid_although_it_is_described_as_plain(
    till: Till, client: WeChatPay, openid: str
) -> None:
    body = plain_application(till)
    body["contact_info"]["openid"] = openid
    status, text = client.applyment_submit(**body)
    assert (status, json.loads(text)["detail"]["field"]) == (400, "/contact_info/openid")


def test_it_asks_after_an_order_of_nobody_when_the_sub_merchant_is_left_out(client: WeChatPay) -> None:
    status, text = client.query(out_trade_no="W00000001")
    assert (status, json.loads(text)["message"]) == (400, "受理关系不存在")


def test_in_certificate_mode_it_does_not_start(
    sandbox_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider with a public key has no platform certificates; the client asks for them while it is made."""
    given = requests.get(f"{sandbox_url}/credentials", timeout=5).json()["wechat"]
    asking = requests.get

    def at_the_sandbox(url: str, **options: Any) -> requests.Response:
        return asking(url.replace("https://api.mch.weixin.qq.com", given["gateway"]), **options)

    monkeypatch.setattr(requests, "get", at_the_sandbox)
    with pytest.raises(Exception, match="No wechatpay platform certificate"):
        WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=given["sp_mchid"],
            private_key=given["private_key"],
            cert_serial_no=given["serial_no"],
            appid=given["sp_appid"],
            apiv3_key=given["apiv3_key"],
            notify_url=receiver.url,
            partner_mode=True,
            timeout=(5, 5),
        )


def test_what_the_sandbox_does_not_play_is_404_and_empty(client: WeChatPay, sub_mchid: str) -> None:
    calls = (
        client.pay("豆腐", "W00000009", {"total": 1}, sub_mchid=sub_mchid, pay_type=WeChatPayType.APP),
        client.codepay_reverse("W00000009", sub_mchid=sub_mchid),
        client.combine_query("W00000009"),
        client.profitsharing_amount_query("4200000000"),
        client.mch_transfer_elecsign_query(out_bill_no="B1"),
    )
    assert [status for status, _ in calls] == [404] * len(calls)
