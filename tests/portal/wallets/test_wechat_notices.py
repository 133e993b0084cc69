"""WeChat Pay's notices: what is believed, what is not, and that nothing but a rejection ever comes out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.wallets.errors import NoticeRejected
from portal.wallets.port import Acquirer, Notice, PaymentState, Promotion, RefundState, Wallet, WalletPort
from portal.wallets.registry import connectors
from tests.portal.wallets.conftest import NOW, SP_MCHID, SUB_MCHID, WechatSide, paid_order

REFUND: dict[str, Any] = {
    "sp_mchid": SP_MCHID,
    "sub_mchid": SUB_MCHID,
    "out_trade_no": "Y123456",
    "transaction_id": "4200000000000000000000000001",
    "out_refund_no": "R1",
    "refund_id": "5030000000000000000000000001",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-21T12:31:05+08:00",
    "user_received_account": "支付用户零钱",
    "amount": {"total": 1234, "refund": 500, "payer_total": 1000, "payer_refund": 405},
}


@pytest.fixture(scope="module")
def port(sections: dict[str, Any]) -> WalletPort:
    return connectors(sections)[Acquirer.WECHAT]


def read(port: WalletPort, headers: dict[str, str], body: bytes, *, now: datetime = NOW) -> Notice:
    return port.read_notice(headers=headers, body=body, now=now, keys_of=lambda number: None)


def told(port: WalletPort, side: WechatSide, kind: str, plain: object, **changes: Any) -> Notice:
    body = side.notice(kind, plain, **changes)
    return read(port, side.headers(body), body)


def reason_of(port: WalletPort, headers: dict[str, str], body: bytes, *, now: datetime = NOW) -> str:
    with pytest.raises(NoticeRejected) as found:
        read(port, headers, body, now=now)
    return found.value.reason


def test_a_payment_is_read_with_its_discount(port: WalletPort, wechat_side: WechatSide) -> None:
    notice = told(port, wechat_side, "TRANSACTION.SUCCESS", paid_order())
    assert (notice.acquirer, notice.notice_id, notice.refund) == (Acquirer.WECHAT, "EV-2018022511223320873", None)
    payment = notice.payment
    assert payment is not None
    assert (payment.order_no, payment.sub_merchant_no, payment.state) == ("Y123456", SUB_MCHID, PaymentState.SUCCESS)
    assert (payment.amount, payment.payer_amount, payment.currency) == (1234, 1000, "CNY")
    assert payment.promotions == (Promotion("109519", "立减", 234, "wallet"),)
    assert payment.wallet is Wallet.WECHAT
    assert payment.paid_at == datetime(2026, 11, 21, 4, 31, 5, tzinfo=UTC)


def test_a_payment_without_an_openid_leaves_the_wallet_open(port: WalletPort, wechat_side: WechatSide) -> None:
    plain = paid_order(payer=None)
    del plain["out_trade_no"]
    payment = told(port, wechat_side, "TRANSACTION.SUCCESS", plain).payment
    assert payment is not None
    assert (payment.wallet, payment.order_no) == (Wallet.UNKNOWN, None)


def test_a_coupon_of_two_givers_gives_two_lines(port: WalletPort, wechat_side: WechatSide) -> None:
    coupons = [
        {"coupon_id": "1", "name": "a", "amount": 300, "wechatpay_contribute": 200, "merchant_contribute": 100},
        {"coupon_id": "2", "amount": 50},
    ]
    payment = told(port, wechat_side, "TRANSACTION.SUCCESS", paid_order(promotion_detail=coupons)).payment
    assert payment is not None
    assert [(line.promotion_id, line.amount, line.paid_by) for line in payment.promotions] == [
        ("1", 200, "wallet"),
        ("1", 100, "merchant"),
        ("2", 50, "other"),
    ]


@pytest.mark.parametrize("state", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_is_read(port: WalletPort, wechat_side: WechatSide, state: str) -> None:
    notice = told(port, wechat_side, f"REFUND.{state}", REFUND | {"refund_status": state})
    refund = notice.refund
    assert notice.payment is None
    assert refund is not None
    assert (refund.refund_no, refund.order_no, refund.state) == ("R1", "Y123456", RefundState(state.lower()))
    assert (refund.amount, refund.payer_amount, refund.received_by) == (500, 405, "支付用户零钱")


def test_the_type_of_the_signature_may_be_told_or_not(port: WalletPort, wechat_side: WechatSide) -> None:
    body = wechat_side.notice("TRANSACTION.SUCCESS", paid_order())
    headers = wechat_side.headers(body)
    read(port, headers | {"Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}, body)
    read(port, {name.upper(): value for name, value in headers.items()}, body)
    assert reason_of(port, headers | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2"}, body) == "headers"


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Signature", "Serial"])
def test_it_refuses_a_notice_without_one_of_the_four_headers(
    port: WalletPort, wechat_side: WechatSide, name: str
) -> None:
    body = wechat_side.notice("TRANSACTION.SUCCESS", paid_order())
    headers = wechat_side.headers(body)
    del headers[f"Wechatpay-{name}"]
    assert reason_of(port, headers, body) == "headers"


def test_it_refuses_a_forged_a_stale_and_a_foreign_key_notice(
    port: WalletPort, wechat_side: WechatSide, merchant_key: RSAPrivateKey
) -> None:
    body = wechat_side.notice("TRANSACTION.SUCCESS", paid_order())
    headers = wechat_side.headers(body)
    assert reason_of(port, headers, body + b" ") == "signature"
    assert reason_of(port, WechatSide(merchant_key).headers(body), body) == "signature"
    assert reason_of(port, headers, body, now=NOW + timedelta(minutes=6)) == "stale"
    assert reason_of(port, headers | {"Wechatpay-Serial": "X"}, body) == "unknown_key"


def test_it_recognises_a_probe_of_its_attention(port: WalletPort, wechat_side: WechatSide) -> None:
    body = wechat_side.notice("TRANSACTION.SUCCESS", paid_order())
    probing = {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/dGVzdA"}
    with pytest.raises(NoticeRejected) as found:
        read(port, wechat_side.headers(body) | probing, body)
    assert found.value.probe


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (paid_order(sp_mchid="1900000099"), "foreign"),
        (paid_order(sub_mchid=SP_MCHID), "foreign"),
        (paid_order(amount={"total": "12.34"}), "unreadable"),
        (paid_order(amount=None), "unreadable"),
        (paid_order(amount={"total": -5}), "unreadable"),
        (paid_order(transaction_id=None), "unreadable"),
        (paid_order(trade_state="DANCING"), "unreadable"),
        (paid_order(success_time="today"), "unreadable"),
        (paid_order(promotion_detail="many"), "unreadable"),
        (paid_order(promotion_detail=[5]), "unreadable"),
        ([], "unreadable"),
        ("text", "unreadable"),
    ],
)
def test_it_refuses_a_signed_notice_of_the_wrong_shape_or_for_others(
    port: WalletPort, wechat_side: WechatSide, plain: object, reason: str
) -> None:
    body = wechat_side.notice("TRANSACTION.SUCCESS", plain)
    assert reason_of(port, wechat_side.headers(body), body) == reason


def test_it_refuses_an_envelope_under_another_key_and_an_unknown_kind(
    port: WalletPort, wechat_side: WechatSide
) -> None:
    strange = wechat_side.notice("TRANSACTION.SUCCESS", paid_order(), apiv3_key="f" * 32)
    assert reason_of(port, wechat_side.headers(strange), strange) == "unreadable"
    other = wechat_side.notice("COUPON.USE", {})
    assert reason_of(port, wechat_side.headers(other), other) == "unknown_kind"


def test_its_replies_are_those_wechat_understands(port: WalletPort) -> None:
    assert port.notice_reply(accepted=True) == (204, "application/json", "")
    for reason, status in (("signature", 401), ("probe", 401), ("unreadable", 400), ("later", 503), ("", 503)):
        found = port.notice_reply(accepted=False, reason=reason)
        assert (found[0], json.loads(found[2])["code"]) == (status, "FAIL")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUZZ
@given(body=st.binary(max_size=200), headers=st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=6))
def test_any_bytes_are_rejected(port: WalletPort, body: bytes, headers: dict[str, str]) -> None:
    assert reason_of(port, headers, body)


@FUZZ
@given(
    name=st.sampled_from(["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"]),
    value=st.text(max_size=400),
)
def test_any_changed_header_is_rejected(port: WalletPort, wechat_side: WechatSide, name: str, value: str) -> None:
    body = b'{"event_type":"TRANSACTION.SUCCESS"}'
    headers = wechat_side.headers(body)
    assert reason_of(port, headers | {name: value}, body)


@FUZZ
@given(body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_signed_bytes_are_rejected(port: WalletPort, wechat_side: WechatSide, body: bytes) -> None:
    assert reason_of(port, wechat_side.headers(body), body)


@FUZZ
@given(
    kind=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]),
    name=st.sampled_from(sorted({*paid_order(), *REFUND})),
    value=json_values,
)
def test_any_changed_field_is_read_or_rejected(
    port: WalletPort, wechat_side: WechatSide, kind: str, name: str, value: object
) -> None:
    plain = (paid_order() if kind == "TRANSACTION.SUCCESS" else REFUND) | {name: value}
    try:
        notice = told(port, wechat_side, kind, plain)
    except NoticeRejected:
        return
    assert (notice.payment is None) != (notice.refund is None)


@FUZZ
@given(name=st.sampled_from(["id", "event_type", "resource"]), value=json_values)
def test_any_changed_envelope_is_read_or_rejected(
    port: WalletPort, wechat_side: WechatSide, name: str, value: object
) -> None:
    try:
        told(port, wechat_side, "TRANSACTION.SUCCESS", paid_order(), **{name: value})
    except NoticeRejected:
        return
    assert name == "id"
