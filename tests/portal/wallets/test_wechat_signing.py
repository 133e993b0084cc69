"""WeChat Pay's signatures and envelopes, against values worked out outside this project."""

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from portal.wallets.wechat import signing
from tests.portal.wallets.conftest import APIV3_KEY, KEY_ID, NOW, WechatSide


def check(keys: dict, headers: dict[str, str], body: bytes, *, now=NOW) -> None:
    signing.verify(
        keys,
        timestamp=headers["Wechatpay-Timestamp"],
        once=headers["Wechatpay-Nonce"],
        signature=headers["Wechatpay-Signature"],
        serial=headers["Wechatpay-Serial"],
        body=body,
        now=now,
    )


def test_it_opens_an_envelope_with_a_known_answer() -> None:
    opened = signing.open_envelope(
        APIV3_KEY.encode(),
        once="abcdefghijkl",
        associated_data="transaction",
        ciphertext="Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQg==",
    )
    assert opened == b'{"k":"v"}'


@pytest.mark.parametrize(
    ("once", "ciphertext"),
    [
        ("abcdefghijkm", "Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQg=="),
        ("abcdefghijkl", "Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQw=="),
        ("abcdefghijkl", "not base64"),
        ("abcdefghijkl", "AAAA"),
        ("", "Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQg=="),
        ("\ud800", "Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQg=="),
    ],
)
def test_it_does_not_open_an_altered_envelope(once: str, ciphertext: str) -> None:
    with pytest.raises(signing.CannotOpen):
        signing.open_envelope(APIV3_KEY.encode(), once=once, associated_data="transaction", ciphertext=ciphertext)


def test_it_signs_five_lines_each_with_its_line_feed(merchant_key: RSAPrivateKey) -> None:
    header = signing.authorization(
        merchant_key,
        mchid="1900000001",
        serial_no="ABC",
        method="GET",
        path="/v3/certificates?a=b",
        signed_body=b"",
        now=NOW,
    )
    scheme, _, rest = header.partition(" ")
    given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (given["mchid"], given["serial_no"], given["timestamp"]) == ("1900000001", "ABC", "1795235469")
    text = f"GET\n/v3/certificates?a=b\n{given['timestamp']}\n{given['nonce_str']}\n\n"
    merchant_key.public_key().verify(base64.b64decode(given["signature"]), text.encode(), PKCS1v15(), hashes.SHA256())


def test_it_accepts_what_wechat_signed(wechat_side: WechatSide) -> None:
    check({KEY_ID: wechat_side.key.public_key()}, wechat_side.headers(b'{"a":1}'), b'{"a":1}')


def test_it_accepts_an_empty_body(wechat_side: WechatSide) -> None:
    check({KEY_ID: wechat_side.key.public_key()}, wechat_side.headers(b""), b"")


def test_it_accepts_either_of_two_living_keys(wechat_side: WechatSide, merchant_key: RSAPrivateKey) -> None:
    keys = {KEY_ID: wechat_side.key.public_key(), "PUB_KEY_ID_NEXT": merchant_key.public_key()}
    check(keys, wechat_side.headers(b"x"), b"x")
    check(keys, WechatSide(merchant_key).headers(b"x", serial="PUB_KEY_ID_NEXT"), b"x")


@pytest.mark.parametrize(("skew", "fine"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_it_refuses_what_was_signed_more_than_five_minutes_away(wechat_side: WechatSide, skew: int, fine: bool) -> None:
    headers, keys = wechat_side.headers(b"x"), {KEY_ID: wechat_side.key.public_key()}
    now = NOW + timedelta(seconds=skew)
    if fine:
        check(keys, headers, b"x", now=now)
        return
    with pytest.raises(signing.BadSignature) as found:
        check(keys, headers, b"x", now=now)
    assert found.value.reason == "stale"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Wechatpay-Serial": "PUB_KEY_ID_OTHER"}, "unknown_key"),
        ({"Wechatpay-Nonce": "other"}, "signature"),
        ({"Wechatpay-Nonce": "\ud800"}, "signature"),
        ({"Wechatpay-Signature": "no base64 !"}, "signature"),
        ({"Wechatpay-Signature": "签名"}, "signature"),
        ({"Wechatpay-Timestamp": "soon"}, "stale"),
        ({"Wechatpay-Timestamp": "１２３"}, "stale"),
        ({"Wechatpay-Timestamp": "9" * 400}, "stale"),
        ({"Wechatpay-Signature": "WECHATPAY/SIGNTEST/=&%not base64"}, "probe"),
    ],
)
def test_it_refuses_altered_headers(wechat_side: WechatSide, change: dict[str, str], reason: str) -> None:
    with pytest.raises(signing.BadSignature) as found:
        check({KEY_ID: wechat_side.key.public_key()}, wechat_side.headers(b"x") | change, b"x")
    assert (found.value.reason, found.value.probe) == (reason, reason == "probe")


def test_it_seals_a_field_that_only_wechat_can_open(wechat_key: RSAPrivateKey) -> None:
    padding = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    sealed = signing.seal_field(wechat_key.public_key(), "张三丰")
    assert wechat_key.decrypt(base64.b64decode(sealed), padding).decode() == "张三丰"
