"""What a payer sees at JD's cashier, what he pays, and what goes back when he gets a refund."""

import re
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import clock
from sandbox.jd import moments, shares
from sandbox.jd.shares import Shares
from tests.sandbox.jd_merchant import Mailbox, Merchant, eventually, served, started, turn

AMOUNTS = st.integers(0, 5000)


@pytest.fixture
def app(tmp_path):
    with started(tmp_path, SANDBOX_URL="http://127.0.0.1:8001") as app:
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


def wallet(app, path="", payer="demo", **wish):
    answer = app.test_client().post(f"/payers/{payer}/jdpay{path}", json=wish)
    assert answer.status_code < 300, answer.text
    return answer.json


def control(app, path, **wish):
    answer = app.test_client().post(f"/control/{path}", json=wish)
    assert answer.status_code < 300, answer.text


def page(merchant, order, payer="demo", lang="zh"):
    path = "/jd/cashier/" + order["payInfo"].rsplit("/", 1)[1]
    text = merchant.http.get(f"{path}?lang={lang}", headers={"X-Sandbox-Payer": payer}).text
    merchant.http.delete_cookie("sandbox_lang")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text.partition("<main>")[2]))


def tap(merchant, order, payer="demo"):
    path = "/jd/cashier/" + order["payInfo"].rsplit("/", 1)[1]
    return merchant.http.post(path, data={"action": "pay"}, headers={"X-Sandbox-Payer": payer}, follow_redirects=True)


def test_price_reduction_and_what_is_paid_stand_there_before_the_tap(app, merchant):
    wallet(app, next_reduction=300)
    order = merchant.order("T1", 2000)
    shown = page(merchant, order)
    assert "您付 ¥ 17.00" in shown
    assert "价格 ¥20.00" in shown
    assert "立减 京东扫码付立减 −¥3.00" in shown
    assert "建设银行储蓄卡2231" in shown
    assert "确认付款 ¥17.00" in shown
    assert "You pay ¥ 17.00" in page(merchant, order, lang="en")
    assert "付款成功" in tap(merchant, order).text
    assert "您付 ¥ 17.00" in page(merchant, order)


def test_the_merchant_is_told_who_gave_what(app, merchant, mailbox):
    wallet(app, next_reduction=300)
    tap(merchant, merchant.order("T1", 2000, notifyUrl=mailbox.url))
    asked = merchant.call("querytrade", outTradeNo="T1")
    eventually(lambda: mailbox.received)
    for told in (merchant.opened(mailbox.received[0]), asked):
        names = ("piAmount", "couponAmount", "merchantCouponAmount", "payStatus")
        assert [told[name] for name in names] == ["2000", "300", "0", "FINISH"]
        assert told["channelNoSeq"]
        assert told["transactionId"]


def test_half_a_refund_gives_each_his_half(app, merchant, mailbox):
    wallet(app, next_reduction=300)
    tap(merchant, merchant.order("T1", 2000))
    card = wallet(app)["cards"][0]["money"]
    taken = merchant.refund("T1", "R1", 1000, notifyUrl=mailbox.url)
    assert (taken["payStatus"], taken["piAmount"], taken["couponAmount"]) == ("PROCESSING", "850", "150")
    eventually(lambda: mailbox.received)
    told = merchant.opened(mailbox.received[0])
    assert [told[name] for name in ("payStatus", "amount", "piAmount", "couponAmount")] == [
        *("FINISH", "1000", "850", "150"),
    ]
    assert wallet(app)["cards"][0]["money"] == card + 850
    with app.extensions["store"].reading() as connection:
        day = clock.beijing(clock.now(connection)).date()
    books = app.test_client().get(f"/control/books?date={day}").json["jd"]
    assert [(e["kind"], e["payer_total"], e["coupon"], e["refund"]) for e in books] == [
        ("payment", 1700, 300, 0),
        ("refund", 1700, 150, 1000),
    ]


def test_what_the_merchant_takes_off_himself_does_not_reach_him(app, merchant):
    wallet(app, reduction={"amount": 300, "funder": "merchant", "once": True})
    tap(merchant, merchant.order("T1", 2000))
    told = merchant.call("querytrade", outTradeNo="T1")
    assert (told["couponAmount"], told["merchantCouponAmount"]) == ("0", "300")
    assert merchant.refund("T1", "R1", 1000)["merchantCouponAmount"] == "150"


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.lists(st.integers(1, 900), max_size=30))
def test_parts_add_up_and_nobody_gets_more_back_than_he_gave(payer, coupon, mine, wishes):
    whole, back = Shares(payer, coupon, mine), Shares(0, 0, 0)
    left = whole.total
    for wish in [*wishes, left]:
        amount = min(wish, left) if wish is not wishes else left
        if not amount:
            continue
        part = shares.of_refund(amount, whole=whole, back=back)
        assert part.total == amount
        assert min(part.payer, part.coupon, part.merchant) >= 0
        back = Shares(back.payer + part.payer, back.coupon + part.coupon, back.merchant + part.merchant)
        left -= amount
        assert back.payer <= payer
        assert back.coupon <= coupon
        assert back.merchant <= mine
    if left:
        rest = shares.of_refund(left, whole=whole, back=back)
        assert back.payer + rest.payer == payer
        assert back.coupon + rest.coupon == coupon


def test_the_first_part_is_rounded_half_a_fen_up():
    assert shares.of_refund(1, whole=Shares(1, 1, 0), back=Shares(0, 0, 0)) == Shares(1, 0, 0)
    assert shares.of_refund(1, whole=Shares(1, 2, 0), back=Shares(0, 0, 0)) == Shares(0, 1, 0)


@pytest.mark.parametrize(
    ("path", "wish", "word"),
    [
        ("/cards/ccb-debit-2231", {"act": "expire"}, "过期"),
        ("/cards/ccb-debit-2231", {"money": 10}, "余额不足"),
        ("", {"level": "C"}, "限额"),
    ],
)
def test_it_says_in_plain_words_why_a_payer_cannot_pay(app, merchant, path, wish, word):
    wallet(app, path, **wish)
    order = merchant.order("T1", 100_100)
    assert word in page(merchant, order)
    answer = tap(merchant, order)
    assert answer.status_code == 422
    assert re.search(rf'role="alert".*{word}', answer.text, re.DOTALL)
    assert merchant.call("querytrade", outTradeNo="T1")["payStatus"] == "PROCESSING"
    assert word not in page(merchant, order, lang="en")
    assert "付款成功" in tap(merchant, order, payer="somebody-else").text


def test_the_card_that_the_payer_chose_pays(app, merchant):
    wallet(app, source="cmb-credit-5518")
    order = merchant.order("T1", 1000)
    assert "招商银行信用卡5518" in page(merchant, order)
    tap(merchant, order)
    cards = {card["id"]: card["money"] for card in wallet(app)["cards"]}
    assert cards["cmb-credit-5518"] == 1_000_000 - 1000


def test_another_card_can_be_chosen_at_the_cashier(app, merchant):
    wallet(app, "/cards/ccb-debit-2231", act="expire")
    order = merchant.order("T1", 1000)
    path = "/jd/cashier/" + order["payInfo"].rsplit("/", 1)[1]
    assert '<option value="ccb-debit-2231" selected>' in merchant.http.get(path).text
    for source, status in (("ccb-debit-2231", 422), ("balance", 422), ("nothing", 400), ("cmb-credit-5518", 303)):
        assert merchant.http.post(path, data={"action": "pay", "source": source}).status_code == status
    assert "招商银行信用卡5518" in page(merchant, order)
    wallet(app, "/cards/ccb-debit-2231", act="renew")
    assert wallet(app)["source"] == "cmb-credit-5518"


def test_an_order_runs_out_on_the_business_clock(app, merchant):
    with app.extensions["store"].reading() as connection:
        deadline = clock.beijing(clock.now(connection)) + timedelta(minutes=5)
    order = merchant.order("T1", deadlineTime=deadline.strftime("%Y%m%d%H%M%S"))
    control(app, "clock", advance_seconds=200)
    assert merchant.call("querytrade", outTradeNo="T1")["payStatus"] == "PROCESSING"
    control(app, "clock", advance_seconds=200)
    assert merchant.call("querytrade", outTradeNo="T1")["payStatus"] == "CLOSE"
    assert "没有扣您的钱" in page(merchant, order)
    assert "没有扣您的钱" in tap(merchant, order).text


def test_a_payment_is_booked_on_the_day_of_the_business_clock(app, merchant):
    control(app, "clock", advance_seconds=3 * 86_400)
    tap(merchant, merchant.order("T1"))
    told = merchant.call("querytrade", outTradeNo="T1")
    with app.extensions["store"].reading() as connection:
        now = clock.beijing(clock.now(connection))
    assert now - timedelta(minutes=1) <= clock.beijing(moments.read(told["payFinishTime"])) <= now
    assert app.test_client().get(f"/control/books?date={now.date()}").json["jd"][0]["out_trade_no"] == "T1"


@pytest.mark.parametrize("how", ["refund_abnormal", "refund_closed", "card"])
def test_a_refund_that_cannot_arrive_is_closed_and_can_be_made_again(app, merchant, mailbox, how):
    tap(merchant, merchant.order("T1", 1000))
    if how == "card":
        wallet(app, "/cards/ccb-debit-2231", act="remove")
    else:
        control(app, "faults", institution="jd", name=how, number="R1")
    merchant.refund("T1", "R1", 1000, notifyUrl=mailbox.url)
    eventually(lambda: mailbox.received)
    assert merchant.opened(mailbox.received[0])["payStatus"] == "CLOSE"
    assert merchant.call("queryrefund", outRefundNo="R1")["payStatus"] == "CLOSE"
    assert merchant.call("querytrade", outTradeNo="T1")["payStatus"] == "FINISH"
    assert merchant.refund("T1", "R1", 1000, notifyUrl=mailbox.url)["payStatus"] == "CLOSE"
    assert merchant.refund("T1", "R2", 1000)["payStatus"] == "PROCESSING"
    assert merchant.refund("T1", "R3", 1)["errCode"] == "REFUND_EXCEEDS"


def test_a_refund_needs_money_on_the_merchants_account(app, merchant):
    tap(merchant, merchant.order("T1", 1000))
    control(app, "faults", institution="jd", name="not_enough")
    assert merchant.refund("T1", "R1", 10)["errCode"] == "BALANCE_NOT_ENOUGH"
    assert merchant.refund("T1", "R1", 10)["payStatus"] == "PROCESSING"


def test_a_scanned_code_leads_to_the_cashier(app, merchant):
    told = merchant.scan_url("S1", remark="香干", returnParams="stall 7")
    path = told["scanUrl"].removeprefix("http://127.0.0.1:8001")
    assert path.startswith("/jd/payx/scan/")
    assert merchant.scan_url("S1", remark="香干", returnParams="stall 7")["scanUrl"] == told["scanUrl"]
    assert merchant.scan_url("S1", amount=501)["errCode"] == "ORDER_REPEATED"
    answer = merchant.http.get(path)
    assert answer.status_code == 303
    assert "香干" in merchant.http.get(answer.headers["Location"]).text
    wechat = merchant.http.get(path, headers={"User-Agent": "Mozilla/5.0 MicroMessenger/8.0"})
    assert wechat.status_code == 403
    assert "京东金融" in wechat.text
    assert merchant.http.get("/jd/payx/scan/nothing", follow_redirects=True).status_code == 404
    tap(merchant, {"payInfo": answer.headers["Location"]})
    paid = merchant.call("querytrade", outTradeNo="S1")
    assert (paid["payStatus"], paid["returnParams"]) == ("FINISH", "stall 7")


@pytest.mark.parametrize(
    ("field", "value"),
    [("businessType", "01"), ("successNotifyUrl", "ftp://x"), ("expireTime", "x"), ("expireTime", "20200101000000")],
)
def test_a_scanned_code_needs_sensible_values(merchant, field, value):
    assert merchant.scan_url("S1", **{field: value})["errCode"] == "PARAM_ERROR"


def test_a_scanned_code_runs_out_too(app, merchant):
    assert merchant.scan_url("S1", expireTime="60")["resultCode"] == "SUCCESS"
    control(app, "clock", advance_seconds=61)
    assert merchant.call("querytrade", outTradeNo="S1")["payStatus"] == "CLOSE"


@pytest.mark.parametrize("kind", ["WX", "ALIPAY", "UNIPAY"])
def test_other_wallets_are_not_taken(merchant, kind):
    refused = merchant.order(f"T{time.time_ns()}", piType=kind)
    assert (refused["resultCode"], refused["errCode"]) == ("FAIL", "PI_TYPE_NOT_SUPPORTED")


def test_a_code_that_the_payer_shows_is_not_taken(merchant):
    assert merchant.call("pay", outTradeNo="T1", authCode="12345")["errCode"] == "PRODUCT_NOT_OPEN"


def test_a_body_that_is_too_long_is_not_read(app):
    assert app.test_client().post("/jd/apipayx/m/querytrade", data=b"x" * 70_000).status_code == 413
