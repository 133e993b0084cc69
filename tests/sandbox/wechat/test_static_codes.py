"""A sub-merchant's own printed code: orders that WeChat makes itself."""

import pytest
from flask import Flask

from sandbox.payers.money import Grant, Paid
from sandbox.wechat import orders, static_codes
from sandbox.wechat.orders import NotPayable
from tests.sandbox.conftest import PORTAL
from tests.sandbox.wechat.conftest import Till

URL = f"{PORTAL}/notify/wechat"
WHOLE = Paid(2000, (), "OTHERS", "零钱")


def code(app: Flask) -> str:
    with app.extensions["store"].reading() as connection:
        return static_codes.every(connection)[0]["text"]


def test_the_first_sub_merchant_has_a_code_of_the_merchant_kind(till: Till) -> None:
    text = code(till.app)
    assert text.startswith("https://payapp.weixin.qq.com/")
    assert not text.startswith("https://payapp.weixin.qq.com/qr/")
    with till.app.extensions["store"].reading() as connection:
        known = static_codes.by_code(connection, f" {text}\n")
        assert known is not None
        assert known["sub_mchid"] == till.given["sub_mchid"]
        assert static_codes.by_code(connection, text + "x") is None


def test_a_payment_is_born_paid_and_told_under_a_number_of_wechats(till: Till) -> None:
    openid = till.openid()
    with till.app.extensions["store"].writing() as connection:
        number = static_codes.new_number(connection)
        told = static_codes.pay(
            connection,
            code=code(till.app),
            amount=2000,
            paid=WHOLE,
            openid=openid,
            notify_url=URL,
            number=number,
        )
    [notice] = till.notices()
    assert notice["plain"] == told == till.query(number)
    assert (told["trade_state"], told["trade_type"], told["payer"]) == ("SUCCESS", "NATIVE", {"sp_openid": openid})


def test_a_payer_of_another_wallet_has_no_name_there(till: Till) -> None:
    paid = Paid(1700, (Grant("7", "京东立减", 300, "other"),), "OTHERS", "小金库")
    with till.app.extensions["store"].writing() as connection:
        told = static_codes.pay(connection, code=code(till.app), amount=2000, paid=paid, openid=None, notify_url=URL)
    assert "payer" not in told
    assert told["bank_type"] == "OTHERS"
    assert told["promotion_detail"][0]["other_contribute"] == 300  # type: ignore[index]
    body = till.refund("R1", 1000, 2000, out_trade_no=told["out_trade_no"])
    assert till.call("POST", "/v3/refund/domestic/refunds", body).json["amount"]["payer_refund"] == 850


@pytest.mark.parametrize("amount", [0, -1, 5_000_001])
def test_an_amount_that_cannot_be_changes_nothing(till: Till, amount: int) -> None:
    with till.app.extensions["store"].writing() as connection, pytest.raises(NotPayable):
        static_codes.pay(connection, code=code(till.app), amount=amount, paid=WHOLE, openid=None, notify_url=URL)
    assert till.notices() == []


def test_an_unknown_code_takes_no_money(till: Till) -> None:
    with till.app.extensions["store"].writing() as connection, pytest.raises(NotPayable):
        static_codes.pay(connection, code="https://x", amount=1, paid=WHOLE, openid=None, notify_url=URL)


def test_parts_that_do_not_make_up_the_price_are_a_fault_of_the_caller(till: Till) -> None:
    prepay_id = till.place()["prepay_id"]
    with till.app.extensions["store"].writing() as connection, pytest.raises(ValueError, match="1234"):
        orders.pay(connection, prepay_id=prepay_id, openid=till.openid_known(), paid=WHOLE)


def test_more_codes_can_be_opened(till: Till) -> None:
    assert till.knob(f"merchants/{till.given['sub_mchid']}/codes").json["text"] != code(till.app)
    assert till.knob("merchants/1600000000/codes").status_code == 404
