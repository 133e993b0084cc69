"""The product's seals (cryptography) against a second implementation (pycryptodome, whole numbers), both ways."""

import base64

import pytest
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from hypothesis import given
from hypothesis import strategies as st

from portal.wallets.jdpay import crypto as v3
from portal.wallets.jdpay.crypto import BadKey
from portal.wallets.jdpay.v2 import crypto
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.wire import UnreadableMessage
from tests.portal.wallets.conftest import DES_KEY, MD5_KEY
from tests.portal.wallets.jd import by_hand
from tests.portal.wallets.jd.by_hand import JdSide

FORM = {"version": "V2.0", "merchant": "110290193003", "tradeNum": "Y1", "amount": "500", "note": ""}


def test_a_seal_is_hexadecimal_digits_in_base64() -> None:
    assert crypto.seal(b"hello", DES_KEY) == "OGI1MmI5ZWVkZWYwNzQ5OGUzODdmMDlkOTMyYTRlNjQ="
    assert crypto.opened("OGI1MmI5ZWVkZWYwNzQ5OGUzODdmMDlkOTMyYTRlNjQ=", DES_KEY) == b"hello"


@given(st.binary(max_size=300))
def test_both_implementations_seal_alike(content: bytes) -> None:
    sealed = v3.seal_with_length(content, DES_KEY)
    assert sealed == by_hand.seal_with_length(content, DES_KEY)
    assert by_hand.open_with_length(sealed, DES_KEY) == content
    assert crypto.opened(base64.b64encode(sealed.encode()).decode(), DES_KEY) == content


plain_fields = st.dictionaries(
    st.text(alphabet="abcdefgXYZ", min_size=1, max_size=8),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20) | st.integers(0, 10**9),
    max_size=6,
)


@given(plain_fields)
def test_both_implementations_of_aggregate_pay_agree(fields: dict[str, str | int]) -> None:
    assert v3.seal(fields, DES_KEY) == by_hand.seal_v3(fields, DES_KEY)
    assert v3.sign(fields, MD5_KEY) == by_hand.sign_v3(fields, MD5_KEY)
    assert by_hand.open_v3(v3.seal(fields, DES_KEY), DES_KEY) == fields
    opened = v3.opened(by_hand.seal_v3(fields, DES_KEY), DES_KEY)
    assert opened == {name: str(value) for name, value in fields.items()}


@pytest.mark.parametrize("text", [b"", b"<jdpay></jdpay>", "京东支付".encode(), b"x" * 5000])
def test_each_side_believes_the_others_signature(jd_side: JdSide, keys: V2Keys, text: bytes) -> None:
    ours = crypto.sign(text, keys.private_key)
    assert ours == by_hand.raw_signature(text, jd_side.merchant_key)
    assert crypto.signed_by(text, by_hand.raw_signature(text, jd_side.key), keys.jd_public_key)
    assert not crypto.signed_by(text + b" ", by_hand.raw_signature(text, jd_side.key), keys.jd_public_key)
    assert not crypto.signed_by(text, ours, keys.jd_public_key)


def test_a_standard_signature_is_not_the_one_that_jd_makes(jd_side: JdSide, keys: V2Keys) -> None:
    usual = pkcs1_15.new(jd_side.key).sign(SHA256.new(b"text"))
    assert not crypto.signed_by(b"text", base64.b64encode(usual).decode(), keys.jd_public_key)


@pytest.mark.parametrize("signature", ["", "no base64", "AAAA", "é", "A" * 172, "=" * 8])
def test_what_is_no_signature_is_refused_quietly(keys: V2Keys, signature: str) -> None:
    assert not crypto.signed_by(b"text", signature, keys.jd_public_key)


def test_keys_come_as_pem_or_as_bare_base64(jd_side: JdSide, keys: V2Keys) -> None:
    pem = jd_side.key.public_key().export_key().decode()
    bare = "\n".join(line for line in jd_side.merchant_key.export_key(pkcs=8).decode().splitlines() if "-" not in line)
    text = b"text"
    assert crypto.sign(text, bare) == crypto.sign(text, keys.private_key)
    assert crypto.signed_by(text, by_hand.raw_signature(text, jd_side.key), pem)


@pytest.mark.parametrize("key", ["", "AAAA", "no base64", "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----"])
def test_it_names_a_key_that_is_none(key: str) -> None:
    with pytest.raises(BadKey):
        crypto.sign(b"text", key)
    with pytest.raises(BadKey):
        crypto.signed_by(b"text", "AAAA", key)


def test_a_key_of_another_kind_is_none(keys: V2Keys) -> None:
    public = RSA.import_key(keys.private_key).public_key().export_key().decode()
    with pytest.raises(BadKey):
        crypto.sign(b"text", public)
    with pytest.raises(BadKey):
        crypto.signed_by(b"text", "AAAA", keys.private_key)


def test_a_form_is_signed_in_the_clear_and_sealed_field_by_field(jd_side: JdSide, keys: V2Keys) -> None:
    form = crypto.sealed_form(FORM, private_key=keys.private_key, des_key=DES_KEY)
    assert (form["version"], form["merchant"]) == ("V2.0", "110290193003")
    assert form["amount"] == by_hand.seal_with_length(b"500", DES_KEY)
    assert "note" not in form
    plain = jd_side.opened_form(form)
    assert {name: value for name, value in plain.items() if name != "sign"} == {k: v for k, v in FORM.items() if v}


@pytest.mark.parametrize("seal_sign", [False, True])
def test_what_a_browser_brings_back_is_opened_and_proved(jd_side: JdSide, keys: V2Keys, seal_sign: bool) -> None:
    told = {"tradeNum": "Y1", "amount": "500", "currency": "CNY", "status": "0", "note": "备注"}
    back = jd_side.returned(told, seal_sign=seal_sign)
    plain = crypto.opened_form(back, public_key=keys.jd_public_key, des_key=DES_KEY)
    assert {name: value for name, value in plain.items() if name != "sign"} == told


@pytest.mark.parametrize(
    "change",
    [
        {"status": by_hand.seal_with_length(b"1", DES_KEY)},
        {"status": "0"},
        {"status": "zz"},
        {"extra": by_hand.seal_with_length(b"1", DES_KEY)},
        {"tradeNum": ""},
        {"note": by_hand.seal_with_length(b"\xff", DES_KEY)},
        {"sign": ""},
        {"sign": "00" * 8},
    ],
)
def test_a_changed_return_proves_nothing(jd_side: JdSide, keys: V2Keys, change: dict[str, str]) -> None:
    back = jd_side.returned({"tradeNum": "Y1", "amount": "500", "status": "0"}) | change
    with pytest.raises(UnreadableMessage):
        crypto.opened_form(back, public_key=keys.jd_public_key, des_key=DES_KEY)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()))
def test_foreign_text_is_unreadable_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnreadableMessage):
        crypto.opened(text, DES_KEY)
