import time
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jd import books, orders, refunds
from sandbox.jd.moments import BEIJING
from tests.sandbox.jd_merchant import Mailbox, Merchant, eventually, served, started, turn


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with started(tmp_path_factory.mktemp("jd"), SANDBOX_URL="http://127.0.0.1:8001") as app:
        turn(app, refund_seconds=0, retry_speed=1000)
        yield app


@pytest.fixture
def merchant(app):
    return Merchant(app)


@pytest.fixture
def mailbox():
    box = Mailbox()
    with served(box) as address:
        box.url = f"{address}/notify/jdpay"
        yield box


@pytest.fixture
def number():
    return f"T{time.time_ns()}"


def booked(app, number):
    with app.extensions["store"].reading() as connection:
        return [
            line for line in books.books(connection, datetime.now(BEIJING).date()) if line["out_trade_no"] == number
        ]


def test_an_order_gets_a_cashier_and_the_same_order_gets_the_same_one(merchant, number):
    first, again = merchant.order(number), merchant.order(number)
    assert first["resultCode"] == "SUCCESS"
    assert first["payStatus"] == "PROCESSING"
    assert first["payInfo"].startswith("http://127.0.0.1:8001/jd/cashier/")
    assert again == first


def test_the_cashier_names_shop_and_amount_and_pays_once(app, merchant, number):
    order = merchant.order(number, 1234)
    path = "/jd/cashier/" + order["payInfo"].rsplit("/", 1)[1]
    page = merchant.http.get(path).get_data(as_text=True)
    assert "一码示范小店" in page
    assert "12.34" in page
    assert "Pay to" in merchant.http.get(f"{path}?lang=en").get_data(as_text=True)
    merchant.http.delete_cookie("sandbox_lang")
    assert "付款成功" in merchant.pay(order)
    assert "付款成功" in merchant.pay(order)
    assert [line["total"] for line in booked(app, number)] == [1234]


def test_a_payer_who_leaves_has_paid_nothing_and_may_come_back(merchant, number):
    order = merchant.order(number)
    assert "没有扣您的钱" in merchant.pay(order, "leave")
    assert merchant.call("querytrade", outTradeNo=number)["payStatus"] == "PROCESSING"
    assert "付款成功" in merchant.pay(order)


def test_a_paid_order_is_told_under_seal_until_it_is_taken(merchant, mailbox, number):
    mailbox.answers = [(500, "busy"), (200, "fail"), (200, "ok")]
    order = merchant.order(number, "500", notifyUrl=mailbox.url, returnParams="stall 7")
    merchant.pay(order)
    eventually(lambda: len(mailbox.received) == 3)
    told = merchant.opened(mailbox.received[-1])
    assert (told["outTradeNo"], told["payStatus"], told["piAmount"], told["piType"]) == (
        number,
        "FINISH",
        "500",
        "JDPAY",
    )
    assert (told["resultCode"], told["productType"], told["returnParams"]) == ("SUCCESS", "QR", "stall 7")
    assert told["tradeNo"] == order["tradeNo"]
    assert len(told["payFinishTime"]) == 14
    time.sleep(0.3)
    assert len(mailbox.received) == 3


def test_a_refund_is_taken_first_and_arrives_later(app, merchant, mailbox, number):
    turn(app, refund_seconds=1000)
    merchant.pay(merchant.order(number, 1000))
    asked = {"outTradeNo": number, "outRefundNo": f"R{number}", "amount": 300, "notifyUrl": mailbox.url}
    assert merchant.call("refund", **asked)["payStatus"] == "PROCESSING"
    assert merchant.call("queryrefund", outRefundNo=f"R{number}")["payStatus"] == "PROCESSING"
    assert merchant.call("querytrade", outTradeNo=number)["payStatus"] == "FINISH"
    with app.extensions["store"].writing() as connection:
        connection.execute("UPDATE jd_refunds SET due_at = 0 WHERE out_refund_no = ?", (f"R{number}",))
    refunds.finish_due(app.extensions["store"])
    assert merchant.call("queryrefund", outRefundNo=f"R{number}")["payStatus"] == "FINISH"
    assert merchant.call("querytrade", outTradeNo=number)["payStatus"] == "REFUND"
    eventually(lambda: mailbox.received)
    told = merchant.opened(mailbox.received[0])
    assert (told["outRefundNo"], told["amount"], told["payStatus"]) == (f"R{number}", "300", "FINISH")
    turn(app, refund_seconds=0)


def test_the_books_hold_fee_and_returned_fee_to_the_fen(app, merchant, number):
    merchant.pay(merchant.order(number, 1234))
    merchant.call("refund", outTradeNo=number, outRefundNo=f"R{number}", amount=500, notifyUrl="http://127.0.0.1:9/")
    lines = eventually(lambda: len(booked(app, number)) == 2 and booked(app, number))
    assert [(line["kind"], line["total"], line["refund"], line["fee"]) for line in lines] == [
        ("payment", 1234, 0, 5),  # 4.6892
        ("refund", 1234, 500, 2),  # 2.0259
    ]
    with app.extensions["store"].reading() as connection:
        yesterday = datetime.now(BEIJING).date() - timedelta(days=1)
        assert not [line for line in books.books(connection, yesterday) if line["out_trade_no"] == number]


def test_refunds_in_parts_never_give_back_more_fee_than_was_taken(app, merchant, number):
    merchant.pay(merchant.order(number, 1234))
    for part in ("A", "B"):
        # Half of 5 fen each: rounded up twice that would be 6.
        asked = {"outTradeNo": number, "outRefundNo": f"{part}{number}", "amount": 617}
        merchant.call("refund", **asked, notifyUrl="http://127.0.0.1:9/")
    lines = eventually(lambda: len(booked(app, number)) == 3 and booked(app, number))
    assert sorted((line["kind"], line["fee"]) for line in lines) == [("payment", 5), ("refund", 2), ("refund", 3)]


@pytest.mark.parametrize(("total", "fee"), [(1, 0), (131, 0), (132, 1), (1234, 5), (100_000, 380)])
def test_the_fee_of_thirty_eight_basis_points_rounds_half_up(total, fee):
    assert books.fee_of(total, 38) == fee


def test_half_a_fen_of_fee_goes_up_both_ways():
    assert books.fee_of(5000, 1) == 1
    assert books.returned_fee(1, refund=1, total=2) == 1


def test_the_books_can_be_made_to_lie(app, merchant, number):
    merchant.pay(merchant.order(number, 1000))
    with app.extensions["store"].writing() as connection:
        assert books.alter(connection, number, 1001)
        assert not books.alter(connection, "nobody", 1)
    assert booked(app, number)[0]["total"] == 1001
    assert merchant.call("querytrade", outTradeNo=number)["piAmount"] == "1000"


def test_no_more_can_be_refunded_than_was_paid(merchant, number):
    merchant.pay(merchant.order(number, 1000))
    asked = {"outTradeNo": number, "notifyUrl": "http://127.0.0.1:9/"}
    assert merchant.call("refund", outRefundNo=f"A{number}", amount=700, **asked)["resultCode"] == "SUCCESS"
    assert merchant.call("refund", outRefundNo=f"A{number}", amount=700, **asked)["resultCode"] == "SUCCESS"
    assert merchant.call("refund", outRefundNo=f"B{number}", amount=301, **asked)["errCode"] == "REFUND_EXCEEDS"
    assert merchant.call("refund", outRefundNo=f"A{number}", amount=300, **asked)["errCode"] == "REFUND_REPEATED"
    assert merchant.call("refund", outRefundNo=f"B{number}", amount=300, **asked)["resultCode"] == "SUCCESS"


def test_it_refuses_under_seal_what_cannot_be(merchant, number):
    asked = {"outTradeNo": number, "outRefundNo": f"R{number}", "amount": 1, "notifyUrl": "http://127.0.0.1:9/"}
    assert merchant.call("querytrade", outTradeNo=number)["errCode"] == "ORDER_NOT_EXIST"
    assert merchant.call("queryrefund", outRefundNo=number)["errCode"] == "REFUND_NOT_EXIST"
    assert merchant.call("refund", **asked)["errCode"] == "ORDER_NOT_EXIST"
    refused = merchant.order(number, piType="WX")
    assert (refused["resultCode"], refused["errCode"]) == ("FAIL", "PI_TYPE_NOT_SUPPORTED")
    order = merchant.order(number)
    assert merchant.call("refund", **asked)["errCode"] == "ORDER_NOT_PAID"
    merchant.pay(order)
    assert merchant.order(number)["errCode"] == "ORDER_PAID"


@pytest.mark.parametrize("changed", [{"amount": 501}, {"productName": "x"}, {"notifyUrl": "http://127.0.0.1:8/"}])
def test_it_refuses_a_repeated_number_with_other_values(merchant, number, changed):
    merchant.order(number)
    refused = merchant.order(number, **changed)
    assert (refused["success"], refused["errCode"]) == (False, "ORDER_REPEATED")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("amount", value) for value in (0, -1, "", "0.01", "１", "1e3", 10**11, None)],
        *[("outTradeNo", value) for value in ("", "a b", "订单", "x" * 65)],
        *[("currency", "USD"), ("notifyUrl", "ftp://x"), ("productName", ""), ("deadlineTime", "20200101000000")],
        *[("deadlineTime", "2026"), ("deadlineTime", "20261399000000"), ("productName", "长" * 129)],
    ],
)
def test_it_refuses_values_out_of_range(merchant, number, field, value):
    asked = {"outTradeNo": number, "amount": 1, field: value}
    refused = merchant.order(asked.pop("outTradeNo"), **asked)
    assert (refused["success"], refused["errCode"]) == (False, "PARAM_ERROR")


def test_an_unpaid_order_closes_at_its_deadline(app, merchant, number):
    deadline = (datetime.now(UTC).astimezone(BEIJING) + timedelta(minutes=5)).strftime("%Y%m%d%H%M%S")
    order = merchant.order(number, deadlineTime=deadline)
    with app.extensions["store"].writing() as connection:
        connection.execute("UPDATE jd_orders SET deadline_at = 0 WHERE out_trade_no = ?", (number,))
    assert merchant.call("querytrade", outTradeNo=number)["payStatus"] == "CLOSE"
    assert merchant.order(number, deadlineTime=deadline)["errCode"] == "ORDER_CLOSED"
    assert "没有扣您的钱" in merchant.pay(order)
    with (
        app.app_context(),
        app.extensions["store"].writing() as connection,
        pytest.raises(orders.CannotPay, match="closed"),
    ):
        orders.pay(connection, token=order["payInfo"].rsplit("/", 1)[1])


def test_it_refuses_whatever_cannot_be_trusted(app, merchant, number):
    envelope = merchant.envelope({"outTradeNo": number})
    spoilt = {
        "SIGN_ERROR": {**envelope, "sign": "0" * 32},
        "MERCHANT_NOT_FOUND": {**envelope, "merchantNo": "999"},
        "SYSTEM_ID_WRONG": {**envelope, "systemId": "other"},
        "DECRYPT_FAILED": {**envelope, "cipherJson": "00" * 16},
        "MALFORMED_REQUEST": {**envelope, "cipherJson": None},
        "VERSION_NOT_SUPPORTED": merchant.envelope({"outTradeNo": number, "version": "V2.0"}),
        "BUSINESS_CODE_WRONG": merchant.envelope({"outTradeNo": number, "businessCode": "X"}),
        "MERCHANT_MISMATCH": merchant.envelope({"outTradeNo": number, "merchantNo": "999"}),
    }
    for code, sent in spoilt.items():
        assert merchant.post("querytrade", sent)["errCode"] == code
    assert app.test_client().post("/jd/apipayx/m/querytrade", data=b"[1").json["errCode"] == "MALFORMED_REQUEST"
    nested = merchant.post("querytrade", merchant.envelope({"outTradeNo": ["x"]}))
    assert nested["errCode"] == "DECRYPT_FAILED"


def test_it_takes_both_version_literals(merchant, number):
    assert merchant.order(number, version="3.0")["version"] == "3.0"


def test_a_cashier_that_nobody_was_sent_to_is_not_there(app):
    assert app.test_client().get("/jd/cashier/nothing").status_code == 404
    assert app.test_client().post("/jd/cashier/nothing", data={"action": "pay"}).status_code == 404
