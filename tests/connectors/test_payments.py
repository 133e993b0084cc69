"""One contract for every wallet: an order is placed, paid, told, asked for and closed."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from portal.wallets.errors import NoticeRejected, WalletError, WalletRefused, WalletUnavailable
from portal.wallets.port import Contract, OpeningKind, PaymentState
from tests.connectors.conftest import Side

STILL_OPEN = (PaymentState.UNPAID, PaymentState.PAYING)


def test_an_order_is_placed_and_waits(side: Side) -> None:
    order = side.order()
    opening = side.place(order)
    assert opening.kind in (OpeningKind.BRIDGE, OpeningKind.REDIRECT, OpeningKind.FORM)
    found = side.port.ask_payment(side.contract, order.order_no)
    assert found.state in STILL_OPEN
    assert (found.order_no, found.sub_merchant_no) == (order.order_no, side.contract.sub_merchant_no)
    assert (found.acquirer, found.wallet, found.paid_at) == (side.acquirer, "unknown", None)


def test_a_payment_is_told_and_found_alike(side: Side) -> None:
    order = side.order(amount=1234)
    side.accept_notices(order.order_no)
    before = datetime.now(UTC) - timedelta(seconds=2)
    side.pay(side.port.open_payment(order))
    told = side.read(side.deliveries(order.order_no)[0])
    found = side.port.ask_payment(side.contract, order.order_no)
    assert told.refund is None
    assert told.payment == found
    assert (found.state, found.amount, found.payer_amount) == (PaymentState.SUCCESS, 1234, 1234)
    assert (found.currency, found.promotions) == ("CNY", ())
    assert (found.acquirer, found.wallet, found.order_no) == (side.acquirer, side.wallet, order.order_no)
    assert found.sub_merchant_no == side.contract.sub_merchant_no
    assert found.transaction_id
    assert found.paid_at is not None
    assert before <= found.paid_at <= datetime.now(UTC) + timedelta(seconds=2)


def test_a_notice_that_is_not_taken_comes_again_under_the_same_id(side: Side) -> None:
    order = side.order(amount=1)
    side.pay(side.port.open_payment(order))
    first, second = side.deliveries(order.order_no, count=2)[:2]
    side.accept_notices(order.order_no)
    assert side.read(first) == side.read(second)
    assert side.read(first).notice_id


def test_an_altered_notice_proves_nothing(side: Side) -> None:
    order = side.order(amount=1)
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    delivery = side.deliveries(order.order_no)[0]
    for place in range(0, len(delivery.body), 7):
        altered = bytearray(delivery.body)
        altered[place] ^= 1
        try:
            told = side.read(delivery, body=bytes(altered))
        except NoticeRejected:
            continue
        assert not side.all_sealed
        assert told == side.read(delivery)


def test_a_wechat_notice_is_too_old_after_five_minutes(wechat: Side) -> None:
    order = wechat.order(amount=1)
    wechat.accept_notices(order.order_no)
    wechat.pay(wechat.port.open_payment(order))
    delivery = wechat.deliveries(order.order_no)[0]
    with pytest.raises(NoticeRejected) as found:
        wechat.read(delivery, now=datetime.now(UTC) + timedelta(minutes=6))
    assert found.value.reason == "stale"


def test_the_same_order_may_be_placed_again(side: Side) -> None:
    order = side.order()
    first, second = side.port.open_payment(order), side.port.open_payment(order)
    assert first.kind == second.kind
    side.pay(second)
    assert side.port.ask_payment(side.contract, order.order_no).state is PaymentState.SUCCESS


def test_the_same_number_for_another_amount_is_refused(side: Side) -> None:
    order = side.order(amount=100)
    side.place(order)
    with pytest.raises(WalletRefused):
        side.place(dataclasses.replace(order, amount=101))


def test_a_paid_order_cannot_be_placed_again(side: Side) -> None:
    order = side.order()
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    with pytest.raises(WalletRefused):
        side.place(order)


@pytest.mark.parametrize("amount", [0, -1])
def test_an_impossible_amount_is_refused(side: Side, amount: int) -> None:
    with pytest.raises(WalletRefused):
        side.port.open_payment(side.order(amount=amount))


def test_an_order_nobody_placed_is_unpaid(side: Side) -> None:
    found = side.port.ask_payment(side.contract, "Y0000000000000000")
    assert (found.state, found.order_no, found.amount) == (PaymentState.UNPAID, "Y0000000000000000", None)


def test_an_order_of_a_stranger_is_refused_or_not_told(side: Side) -> None:
    order = side.order(contract=Contract(side.acquirer, "1699999999", side.contract.keys))
    with pytest.raises(WalletError):
        side.place(order)
    with pytest.raises(WalletError):
        side.port.ask_payment(order.contract, order.order_no)


def test_jd_refuses_a_request_under_foreign_keys(jdpay: Side) -> None:
    foreign = {"des_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "md5_key": "x"}
    contract = Contract(jdpay.acquirer, jdpay.contract.sub_merchant_no, foreign)
    with pytest.raises(WalletRefused):
        jdpay.port.open_payment(jdpay.order(contract=contract))


def test_an_unpaid_wechat_order_is_closed_for_good(wechat: Side) -> None:
    order = wechat.order()
    wechat.port.open_payment(order)
    wechat.port.close_payment(wechat.contract, order.order_no)
    wechat.port.close_payment(wechat.contract, order.order_no)
    assert wechat.port.ask_payment(wechat.contract, order.order_no).state is PaymentState.CLOSED


def test_an_unpaid_jd_order_runs_out_at_its_deadline(jdpay: Side) -> None:
    order = jdpay.order(expires_at=datetime.now(UTC) + timedelta(seconds=3))
    jdpay.port.open_payment(order)
    with pytest.raises(WalletUnavailable) as found:
        jdpay.port.close_payment(jdpay.contract, order.order_no)
    assert found.value.code == "NOT_CLOSED_YET"
    time.sleep(max(0.0, (order.expires_at - datetime.now(UTC)).total_seconds()) + 1)
    jdpay.port.close_payment(jdpay.contract, order.order_no)
    assert jdpay.port.ask_payment(jdpay.contract, order.order_no).state is PaymentState.CLOSED


def test_closing_an_order_nobody_placed_succeeds(side: Side) -> None:
    side.port.close_payment(side.contract, "Y0000000000000000")


def test_a_paid_order_is_not_closed(side: Side) -> None:
    order = side.order()
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    with pytest.raises(WalletRefused):
        side.port.close_payment(side.contract, order.order_no)
    assert side.port.ask_payment(side.contract, order.order_no).state is PaymentState.SUCCESS


def test_a_login_code_is_good_once(wechat: Side) -> None:
    assert wechat.payer_id() == wechat.payer_id()
    with pytest.raises(WalletRefused):
        wechat.port.payer_id_of("no such code")


def test_jd_needs_no_login(jdpay: Side) -> None:
    assert jdpay.port.payer_login_url(return_url="https://yima.example/o/1/wechat", state="x") is None
    with pytest.raises(WalletRefused):
        jdpay.port.payer_id_of("code")
