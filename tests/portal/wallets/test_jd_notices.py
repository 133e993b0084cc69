"""JD's notices: what is believed, what is not, and that nothing but a rejection ever comes out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.wallets.errors import NoticeRejected
from portal.wallets.jdpay import crypto
from portal.wallets.port import Acquirer, Notice, PaymentState, Promotion, RefundState, Wallet, WalletPort
from portal.wallets.registry import connectors
from tests.portal.wallets.conftest import AGENT_NO, DES_KEY, MD5_KEY, MERCHANT_NO, NOW

PAID: dict[str, Any] = {
    "merchantNo": MERCHANT_NO,
    "businessCode": "AGGRE",
    "version": "V3.0",
    "resultCode": "SUCCESS",
    "outTradeNo": "Y123456",
    "tradeNo": "20261121123109000001",
    "piType": "JDPAY",
    "productType": "QR",
    "payStatus": "FINISH",
    "piAmount": 500,
    "couponAmount": "100",
    "merchantCouponAmount": "0",
    "payFinishTime": "20261121123105",
}
REFUNDED: dict[str, Any] = {
    "merchantNo": MERCHANT_NO,
    "resultCode": "SUCCESS",
    "outTradeNo": "Y123456",
    "outRefundNo": "R1",
    "refundNo": "9",
    "amount": "200",
    "piAmount": "160",
    "payStatus": "FINISH",
    "refundFinishTime": "2026-11-21 12:31:05",
}
KEYS = {"des_key": DES_KEY, "md5_key": MD5_KEY}


@pytest.fixture(scope="module")
def port(sections: dict[str, Any]) -> WalletPort:
    return connectors(sections)[Acquirer.JDPAY]


def sealed(fields: dict[str, Any], *, md5_key: str = MD5_KEY, **outer: Any) -> bytes:
    envelope = {
        "success": True,
        "merchantNo": MERCHANT_NO,
        "cipherJson": crypto.seal(fields, DES_KEY),
        "sign": crypto.sign(fields, md5_key),
    }
    return json.dumps(envelope | outer).encode()


def read(port: WalletPort, body: bytes) -> Notice:
    return port.read_notice(
        headers={}, body=body, now=NOW, keys_of=lambda number: KEYS if number in (MERCHANT_NO, AGENT_NO) else None
    )


def reason_of(port: WalletPort, body: bytes) -> str:
    with pytest.raises(NoticeRejected) as found:
        read(port, body)
    return found.value.reason


def test_a_payment_is_read_with_its_discount(port: WalletPort) -> None:
    notice = read(port, sealed(PAID))
    payment = notice.payment
    assert notice.refund is None
    assert payment is not None
    assert (payment.order_no, payment.sub_merchant_no, payment.state) == ("Y123456", MERCHANT_NO, PaymentState.SUCCESS)
    assert (payment.amount, payment.payer_amount, payment.wallet) == (500, 400, Wallet.JDPAY)
    assert payment.promotions == (Promotion("jd-coupon", "", 100, "wallet"),)
    assert payment.paid_at == datetime(2026, 11, 21, 4, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pi_type", "wallet"), [("JDPAY", Wallet.JDPAY), ("UNIPAY", Wallet.UNKNOWN), ("", Wallet.UNKNOWN)]
)
def test_the_wallet_is_what_the_answer_says(port: WalletPort, pi_type: str, wallet: Wallet) -> None:
    payment = read(port, sealed(PAID | {"piType": pi_type})).payment
    assert payment is not None
    assert payment.wallet is wallet


def test_a_refund_is_read(port: WalletPort) -> None:
    notice = read(port, sealed(REFUNDED))
    refund = notice.refund
    assert notice.payment is None
    assert refund is not None
    assert (refund.refund_no, refund.order_no, refund.state) == ("R1", "Y123456", RefundState.SUCCESS)
    assert (refund.amount, refund.payer_amount) == (200, 160)
    assert refund.arrived_at == datetime(2026, 11, 21, 4, 31, 5, tzinfo=UTC)


def test_equal_content_has_one_notice_id_and_other_content_another(port: WalletPort) -> None:
    first, again, other = (read(port, sealed(PAID | {"piAmount": amount})) for amount in (500, 500, 501))
    assert first.notice_id == again.notice_id != other.notice_id
    assert len(first.notice_id) == 36


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (sealed(PAID, md5_key="other"), "signature"),
        (sealed(PAID, sign=None), "signature"),
        (sealed(PAID, cipherJson="00"), "signature"),
        (sealed(PAID, cipherJson=5), "signature"),
        (sealed(PAID, merchantNo="999"), "unknown_key"),
        (sealed(PAID, merchantNo=AGENT_NO), "foreign"),
        (sealed(PAID | {"merchantNo": "999"}), "signature"),
        (sealed(PAID, merchantNo="1' OR 1"), "unreadable"),
        (sealed(PAID, merchantNo=None), "unreadable"),
        (sealed(PAID, success=False), "unknown_kind"),
        (sealed(PAID | {"resultCode": "FAIL"}), "unknown_kind"),
        (sealed(PAID | {"payStatus": "DANCING"}), "unreadable"),
        (sealed(PAID | {"piAmount": "5.00"}), "unreadable"),
        (sealed(PAID | {"couponAmount": "501"}), "unreadable"),
        (sealed(PAID | {"payFinishTime": "soon"}), "unreadable"),
        (b"", "unreadable"),
        (b"<xml/>", "unreadable"),
    ],
)
def test_it_refuses_what_proves_nothing(port: WalletPort, body: bytes, reason: str) -> None:
    assert reason_of(port, body) == reason


def test_its_replies_are_plain_words(port: WalletPort) -> None:
    assert port.notice_reply(accepted=True) == (200, "text/plain", "success")
    for reason, status in (("signature", 401), ("unreadable", 400), ("later", 503)):
        assert port.notice_reply(accepted=False, reason=reason) == (status, "text/plain", "fail")


def test_the_reply_follows_the_contract(sections: dict[str, Any]) -> None:
    other = connectors({"jd": sections["jd"] | {"reply": "ok"}})[Acquirer.JDPAY]
    assert other.notice_reply(accepted=True)[2] == "ok"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUZZ
@given(body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_rejected(port: WalletPort, body: bytes) -> None:
    assert reason_of(port, body)


@FUZZ
@given(name=st.sampled_from(["success", "merchantNo", "cipherJson", "sign"]), value=json_values)
def test_any_changed_envelope_is_rejected(port: WalletPort, name: str, value: object) -> None:
    try:
        read(port, sealed(PAID, **{name: value}))
    except NoticeRejected:
        return
    assert (name, value) == ("success", True)


@FUZZ
@given(
    refunded=st.booleans(),
    name=st.sampled_from(sorted({*PAID, *REFUNDED})),
    value=st.none() | st.booleans() | st.integers() | st.text(),
)
def test_any_changed_field_is_read_or_rejected(port: WalletPort, refunded: bool, name: str, value: object) -> None:
    try:
        body = sealed((REFUNDED if refunded else PAID) | {name: value})
    except UnicodeEncodeError:
        return
    try:
        notice = read(port, body)
    except NoticeRejected:
        return
    assert (notice.payment is None) != (notice.refund is None)


@FUZZ
@given(st.binary(max_size=120))
def test_any_sealed_bytes_are_rejected(port: WalletPort, content: bytes) -> None:
    padded = content + bytes([8 - len(content) % 8]) * (8 - len(content) % 8)
    sealed_bytes = crypto.seal_with_length(padded[4:] if len(padded) > 4 else b"", DES_KEY)
    assert reason_of(port, sealed(PAID, cipherJson=sealed_bytes))
