"""Known answers, and a second implementation on another library."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jd import crypto
from tests.sandbox import jd_merchant

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
ORDER = {
    "amount": "100",
    "businessCode": "AGGRE",
    "merchantNo": "110000001",
    "outTradeNo": "T1",
    "remark": "",
    "version": "V3.0",
}
FIELDS = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20) | st.integers(), max_size=6)


def test_the_length_scheme_gives_the_known_answers():
    assert crypto.seal_with_length(b"hello", KEY) == "8b52b9eedef07498e387f09d932a4e64"
    assert crypto.seal_with_length("京东支付".encode(), KEY) == "3e1599fe5622d41629f8230aa7a6c262"


def test_the_envelope_gives_the_known_answers():
    cipher = crypto.seal(ORDER, KEY)
    assert cipher.startswith("8cf852c0c9716981ddf477c56dfaba0a")
    assert cipher.endswith("0b79f17c764aa622de75e689645c9f6")
    assert crypto.signature(ORDER, "0123456789abcdef") == "eddc7d313fbf13f74f10e9edd9319308"


@given(FIELDS)
def test_both_implementations_agree_on_every_field(fields):
    assert crypto.seal(fields, KEY) == jd_merchant.encrypted(crypto.json_text(fields), KEY)
    assert crypto.unseal(jd_merchant.encrypted(json.dumps(fields).encode(), KEY), KEY) == fields
    sealed = jd_merchant.encrypted_with_length(json.dumps(fields).encode(), KEY)
    assert crypto.unseal_with_length(sealed, KEY) == fields
    assert crypto.signature(fields, "secret") == jd_merchant.md5_sign(fields, "secret")


def test_the_number_zero_is_signed_and_an_empty_field_is_not():
    assert crypto.signature({"a": 0}, "k") != crypto.signature({}, "k")
    assert crypto.signature({"a": "", "b": None, "sign": "x"}, "k") == crypto.signature({}, "k")


@pytest.mark.parametrize("text", ["", "zz", "abc", "00" * 8, "00" * 7, "8b52b9eedef07498e387f09d932a4e64" * 2])
def test_it_cannot_be_fooled_into_reading_rubbish(text):
    with pytest.raises(crypto.Unreadable):
        crypto.unseal(text, KEY)
    with pytest.raises(crypto.Unreadable):
        crypto.unseal_with_length(text, KEY)


@pytest.mark.parametrize("value", [1.5, True, ["x"], {"x": 1}])
def test_it_signs_only_texts_and_whole_numbers(value):
    with pytest.raises(crypto.Unreadable):
        crypto.signature({"a": value}, "k")
