"""Notices that go wrong on demand, as a merchant's server sees them: WeChat's, and JD's where the wire differs."""

import base64
import json
import time
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask

from sandbox import spoiling
from tests.sandbox.jd_merchant import Merchant
from tests.sandbox.paying import refunded, wechat_paid
from tests.sandbox.receiver import Notice, Receiver
from tests.sandbox.wechat_merchant import Provider

QUICK = 1_000_000


def arm(sandbox: Flask, name: str, institution: str = "wechat", **more: object) -> None:
    answer = sandbox.test_client().post("/control/faults", json={"institution": institution, "name": name, **more})
    assert answer.status_code == 200, answer.text


def turn(sandbox: Flask, **settings: float) -> None:
    assert sandbox.test_client().post("/control/settings", json=settings).status_code == 200


def forward(sandbox: Flask, seconds: float) -> None:
    assert sandbox.test_client().post("/control/clock", json={"advance_seconds": seconds}).status_code == 200


def outbox(sandbox: Flask) -> list[dict[str, object]]:
    """Oldest first."""
    return list(reversed(sandbox.test_client().get("/control/outbox").json))


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def is_signed(provider: Provider, notice: Notice) -> bool:
    headers = notice.headers
    text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + notice.body + b"\n"
    try:
        signature = base64.b64decode(headers["Wechatpay-Signature"], validate=True)
        provider.wechat.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def told(provider: Provider, notice: Notice) -> dict[str, object]:
    resource = json.loads(notice.body)["resource"]
    plain = AESGCM(provider.given["apiv3_key"].encode()).decrypt(
        resource["nonce"].encode(), base64.b64decode(resource["ciphertext"]), resource["associated_data"].encode()
    )
    return json.loads(plain)


def test_a_notice_that_is_never_sent_waits_in_the_outbox(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_never")
    wechat_paid(sandbox, url=receiver.url)
    forward(sandbox, 30 * 86400)
    assert receiver.is_quiet(0.4)
    [row] = outbox(sandbox)
    assert (row["state"], row["attempts"], row["faults"]) == ("withheld", 0, "notify_never")
    sandbox.test_client().post(f"/control/outbox/{row['id']}/now", json={})
    assert receiver.next().body


def test_a_notice_sent_twice_has_one_id(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_twice")
    provider = wechat_paid(sandbox, url=receiver.url)
    first, second = receiver.next(), receiver.next()
    assert json.loads(first.body)["id"] == json.loads(second.body)["id"]
    assert is_signed(provider, first)
    assert is_signed(provider, second)
    assert receiver.is_quiet(0.3)


def test_a_late_notice_comes_when_the_clock_says_so(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_late", seconds=3600)
    turn(sandbox, retry_speed=QUICK)
    wechat_paid(sandbox, url=receiver.url)
    forward(sandbox, 3590)
    assert receiver.is_quiet(0.4)
    forward(sandbox, 11)
    assert receiver.next().body


def test_a_payment_notice_waits_until_the_refund_notice_has_gone(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_out_of_order", number="T00000001")
    turn(sandbox, refund_seconds=0)
    provider = wechat_paid(sandbox, url=receiver.url)
    assert receiver.is_quiet(0.3)
    refunded(provider, notify_url=receiver.url)
    kinds = [json.loads(receiver.next().body)["event_type"] for _ in range(2)]
    assert kinds == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]
    assert eventually(lambda: all(row["state"] == "accepted" for row in outbox(sandbox)))


def test_a_payment_notice_does_not_wait_for_ever(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_out_of_order", seconds=600)
    wechat_paid(sandbox, url=receiver.url)
    forward(sandbox, 601)
    assert receiver.next().body


def test_after_a_refund_notice_the_old_payment_notice_comes_again(sandbox: Flask, receiver: Receiver) -> None:
    provider = wechat_paid(sandbox, url=receiver.url)
    first = receiver.next()
    assert eventually(lambda: outbox(sandbox)[0]["state"] == "accepted")
    arm(sandbox, "notify_out_of_order", number="R1")
    turn(sandbox, refund_seconds=0)
    refunded(provider, notify_url=receiver.url)
    kinds = [receiver.next(), receiver.next()]
    assert json.loads(kinds[0].body)["event_type"] == "REFUND.SUCCESS"
    assert json.loads(kinds[1].body)["id"] == json.loads(first.body)["id"]
    assert receiver.is_quiet(0.3)


def test_a_bad_signature_is_followed_by_a_good_one(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_bad_signature", times=2)
    turn(sandbox, retry_speed=QUICK)
    receiver.answers = [401, 401]
    provider = wechat_paid(sandbox, url=receiver.url)
    assert [is_signed(provider, receiver.next()) for _ in range(3)] == [False, False, True]
    assert eventually(lambda: outbox(sandbox)[0]["state"] == "accepted")
    assert outbox(sandbox)[0]["faults"] == "notify_bad_signature notify_bad_signature"


def test_a_wrong_amount_is_rightly_signed(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_wrong_amount")
    turn(sandbox, retry_speed=QUICK)
    receiver.answers = [500]
    provider = wechat_paid(sandbox, url=receiver.url)
    wrong, right = receiver.next(), receiver.next()
    assert is_signed(provider, wrong)
    assert told(provider, wrong)["amount"]["total"] == 1235
    assert told(provider, right)["amount"]["total"] == 1234


def test_a_probe_goes_first_and_nobodys_yes_to_it_counts(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_signtest")
    turn(sandbox, retry_speed=QUICK)
    provider = wechat_paid(sandbox, url=receiver.url)
    probe, notice = receiver.next(), receiver.next()
    assert probe.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert is_signed(provider, notice)
    assert eventually(lambda: outbox(sandbox)[0]["attempts"] == 2)


def test_a_fault_for_one_order_leaves_the_notices_of_others_alone(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_never", number="T00000002")
    wechat_paid(sandbox, "T00000001", url=receiver.url)
    assert receiver.next().body
    wechat_paid(sandbox, "T00000002", url=receiver.url)
    assert receiver.is_quiet(0.4)


def test_jd_signs_badly_and_then_well(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_bad_signature", "jd")
    turn(sandbox, retry_speed=QUICK)
    receiver.answers = [400]
    merchant = Merchant(sandbox)
    merchant.pay(merchant.order("J1", notifyUrl=receiver.url))
    wrong, right = json.loads(receiver.next().body), json.loads(receiver.next().body)
    with pytest.raises(AssertionError):
        merchant.opened(wrong)
    assert merchant.opened(right)["outTradeNo"] == "J1"


def test_jd_tells_a_fen_too_much(sandbox: Flask, receiver: Receiver) -> None:
    arm(sandbox, "notify_wrong_amount", "jd")
    merchant = Merchant(sandbox)
    merchant.pay(merchant.order("J1", 500, notifyUrl=receiver.url))
    assert merchant.opened(json.loads(receiver.next().body))["piAmount"] == "501"


def test_an_xml_signature_is_spoiled_too() -> None:
    body = b"<jdpay><amount>1</amount><sign>0abc=</sign></jdpay>"
    assert spoiling.bad_signature({}, body) == ({}, b"<jdpay><amount>1</amount><sign>1abc=</sign></jdpay>")
