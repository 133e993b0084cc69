"""JD's seals, against values worked out outside this project."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.wallets.jdpay import crypto
from portal.wallets.wire import UnreadableMessage
from tests.portal.wallets.conftest import DES_KEY, MD5_KEY

FIELDS = {
    "amount": "100",
    "businessCode": "AGGRE",
    "merchantNo": "110000001",
    "outTradeNo": "T1",
    "remark": "",
    "version": "V3.0",
}


def test_it_signs_the_filled_fields_and_the_key_behind_them() -> None:
    assert crypto.sign(FIELDS, MD5_KEY) == "eddc7d313fbf13f74f10e9edd9319308"


def test_it_leaves_empty_fields_and_the_signature_out_but_counts_zero() -> None:
    assert crypto.sign({**FIELDS, "sign": "x", "none": None}, MD5_KEY) == "eddc7d313fbf13f74f10e9edd9319308"
    assert crypto.sign({**FIELDS, "zero": 0}, MD5_KEY) != crypto.sign(FIELDS, MD5_KEY)
    assert crypto.sign({**FIELDS, "zero": 0}, MD5_KEY) == crypto.sign({**FIELDS, "zero": "0"}, MD5_KEY)


def test_it_seals_sorted_json_with_pkcs5_padding() -> None:
    sealed = crypto.seal(dict(reversed(FIELDS.items())), DES_KEY)
    assert sealed.startswith("8cf852c0c9716981ddf477c56dfaba0a")
    assert sealed.endswith("0b79f17c764aa622de75e689645c9f6")
    assert crypto.opened(sealed, DES_KEY) == FIELDS


@pytest.mark.parametrize(
    ("text", "sealed"),
    [("hello", "8b52b9eedef07498e387f09d932a4e64"), ("京东支付", "3e1599fe5622d41629f8230aa7a6c262")],
)
def test_it_writes_the_length_in_front_for_the_onboarding_host(text: str, sealed: str) -> None:
    assert crypto.seal_with_length(text.encode(), DES_KEY) == sealed
    assert crypto.opened_with_length(sealed, DES_KEY).decode() == text


@given(st.binary(max_size=200))
def test_what_is_sealed_with_its_length_comes_back(content: bytes) -> None:
    assert crypto.opened_with_length(crypto.seal_with_length(content, DES_KEY), DES_KEY) == content


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(bytes.hex)))
def test_foreign_text_is_unreadable_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnreadableMessage):
        crypto.opened(text, DES_KEY)


@pytest.mark.parametrize("key", ["", "AAEC", "no base64 at all", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk="])
def test_it_names_a_key_that_is_none(key: str) -> None:
    with pytest.raises(crypto.BadKey):
        crypto.seal(FIELDS, key)
