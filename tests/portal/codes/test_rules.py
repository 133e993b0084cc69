"""What the text of a code means, and what a code may become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.codes.rules import TRANSITIONS, Fact, Meaning, State, after, canonical, read

OURS = "https://yima.example.cn"
TOKEN = "0aGVsbG8tZnJvbS1hLXRlc3Q"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (f"wxp://f2f{TOKEN}", Meaning.WECHAT_PERSONAL),
        (f"WXP://F2F{TOKEN}", Meaning.WECHAT_PERSONAL),
        (f"wxp://wbf2f{TOKEN}", Meaning.WECHAT_PERSONAL),
        (f"https://payapp.weixin.qq.com/qr/{TOKEN}", Meaning.WECHAT_PERSONAL),
        ("https://payapp.weixin.qq.com/materialqr/entry/home?id=AbC123", Meaning.WECHAT_MERCHANT),
        (f"wxp://{TOKEN}", Meaning.WECHAT_MERCHANT),
        ("weixin://wxpay/bizpayurl?pr=abc", Meaning.WECHAT_ORDER),
        ("weixin://wxpay/bizpayurl/up?pr=abc&groupid=00", Meaning.WECHAT_ORDER),
        ("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=1", Meaning.WECHAT_ORDER),
        ("https://qr.alipay.com/fkx12345abc", Meaning.ALIPAY),
        ("HTTPS://QR.ALIPAY.COM/FKX12345ABC", Meaning.ALIPAY),
        ("https://qr.95516.com/00010000/6212345678901234567890", Meaning.UNIONPAY),
        ("https://h5pay.jd.com/jdpay/customerPay?x=1", Meaning.JD),
        ("134567890123456789", Meaning.PAYMENT_CODE),
        ("281234567890123456", Meaning.PAYMENT_CODE),
        ("6212345678901234567", Meaning.PAYMENT_CODE),
        ("https://weixin.qq.com/r/abc", Meaning.WEB_PAGE),
        ("http://example.com", Meaning.WEB_PAGE),
        (f"{OURS}/c/7KQ42MHDW", Meaning.PORTAL),
        (f"{OURS.upper()}/c/7KQ42MHDW", Meaning.PORTAL),
        ("6901234567892", Meaning.UNKNOWN),
        ("你好", Meaning.UNKNOWN),
        ("", Meaning.UNKNOWN),
    ],
)
def test_it_tells_what_a_text_is(text: str, meaning: Meaning) -> None:
    assert read(text, portal_url=OURS).meaning is meaning


@pytest.mark.parametrize(
    "text",
    [
        "https://yima.example.cn.evil.example/c/7KQ42MHDW",
        "https://yima.example.cn@evil.example/c/7KQ42MHDW",
        "http://yima.example.cn/c/7KQ42MHDW",
        "https://yima.example.cn:8443/c/7KQ42MHDW",
        "https://yima.example.cn/c/7KQ42MHD8",
        "https://yima.example.cn/x/7KQ42MHDW",
        "https://payapp.weixin.qq.com.evil.example/qr/abcdefgh",
        "https://payapp.weixin.qq.com@evil.example/qr/abcdefgh",
        "https://[yima",
    ],
)
def test_a_look_alike_is_only_a_web_page(text: str) -> None:
    assert read(text, portal_url=OURS).meaning is Meaning.WEB_PAGE


@pytest.mark.parametrize(
    "text", ["wxp://f2f", "wxp://f2f0abc", "wxp://", f"wxp://f2f{TOKEN} 二", "wxp://f2f0 abcdefghij"]
)
def test_half_a_text_is_not_taken_for_a_code(text: str) -> None:
    assert read(text, portal_url=OURS).meaning is Meaning.UNKNOWN


def test_two_spellings_of_one_address_are_one_code() -> None:
    assert canonical(" HTTPS://PayApp.weixin.qq.com/qr/AbC ") == "https://payapp.weixin.qq.com/qr/AbC"
    assert canonical("WXP://f2f0AbC") == "wxp://f2f0AbC"
    assert canonical("wxp://f2f0AbC") != canonical("wxp://f2f0aBC")


@given(st.text(max_size=80))
def test_any_text_has_a_meaning_and_one_spelling(text: str) -> None:
    assert read(text, portal_url=OURS).meaning in Meaning
    if read(text, portal_url=OURS).meaning is not Meaning.WEB_PAGE:
        assert canonical(canonical(text)) == canonical(text)


def test_every_state_answers_every_fact() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(facts) == set(Fact) for facts in TRANSITIONS.values())


@pytest.mark.parametrize("ended", [State.REPLACED, State.RETIRED])
def test_an_ended_code_stays_ended(ended: State) -> None:
    assert all(after(ended, fact) is None for fact in Fact)
