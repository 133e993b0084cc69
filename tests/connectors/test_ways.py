"""WeChat Pay's other ways in, its own numbers, its own codes, and refunds whose payer has no card any more."""

import secrets
import time
from collections.abc import Iterator

import pytest
import requests

from portal.wallets.errors import WalletRefused
from portal.wallets.port import (
    OpeningKind,
    OpeningWay,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    RefundState,
    RefundToSend,
    Wallet,
)
from tests.connectors.conftest import Side

NOTICES = "/notify/wechat"


def paid(side: Side, order: OrderToOpen) -> PaymentAnswer:
    told = side.read(side.deliveries(order.order_no)[0])
    found = side.port.ask_payment(side.contract, order.order_no)
    assert told.payment == found
    return found


def test_a_screen_shows_a_code_that_a_phone_pays(wechat: Side) -> None:
    order = wechat.order(way=OpeningWay.SCREEN, payer_id=None, amount=1234)
    wechat.accept_notices(order.order_no)
    opening = wechat.port.open_payment(order)
    assert opening.kind is OpeningKind.CODE
    assert (opening.url or "").startswith("weixin://wxpay/bizpayurl")
    done = requests.post(
        f"{wechat.sandbox}/phone/api/pay", json={"wallet": "wechat", "text": opening.url}, timeout=20
    ).json()
    assert done["result"] == "paid", done
    found = paid(wechat, order)
    assert (found.state, found.amount, found.trade_type, found.wallet) == (
        PaymentState.SUCCESS,
        1234,
        "NATIVE",
        Wallet.WECHAT,
    )


def test_a_browser_outside_of_wechat_comes_to_the_cashier_and_back(wechat: Side) -> None:
    order = wechat.order(way=OpeningWay.BROWSER, payer_id=None, amount=100)
    wechat.accept_notices(order.order_no)
    opening = wechat.port.open_payment(order)
    assert opening.kind is OpeningKind.REDIRECT
    assert opening.url is not None
    page = requests.get(opening.url, headers={"Referer": f"{wechat.ear.url}/o/1"}, timeout=10)
    assert page.status_code == 200, page.text
    done = requests.post(opening.url, headers={"Referer": f"{wechat.ear.url}/o/1"}, allow_redirects=False, timeout=10)
    assert (done.status_code, done.headers["Location"]) == (303, order.return_url)
    assert paid(wechat, order).trade_type == "MWEB"


def test_an_order_is_not_placed_again_in_another_way(wechat: Side) -> None:
    order = wechat.order(way=OpeningWay.SCREEN)
    wechat.port.open_payment(order)
    with pytest.raises(WalletRefused) as found:
        wechat.port.open_payment(wechat.order(order_no=order.order_no))
    assert found.value.code == "OUT_TRADE_NO_USED"


def test_a_payment_is_found_by_either_number(wechat: Side) -> None:
    order = wechat.order()
    wechat.accept_notices(order.order_no)
    wechat.pay(wechat.port.open_payment(order))
    found = wechat.port.ask_payment(wechat.contract, order.order_no)
    assert found.transaction_id is not None
    assert wechat.port.ask_transaction(wechat.contract, found.transaction_id) == found
    with pytest.raises(WalletRefused):
        wechat.port.ask_transaction(wechat.contract, "4299999999999999999999999999")


@pytest.fixture
def static_code(wechat: Side) -> Iterator[str]:
    """A printed code of the sub-merchant's own, and an ear for what becomes of it."""
    wechat.ear.replies[NOTICES] = wechat.port.notice_reply(accepted=True)
    made = requests.post(
        f"{wechat.sandbox}/wechat/desk/merchants/{wechat.contract.sub_merchant_no}/codes", json={}, timeout=10
    )
    made.raise_for_status()
    yield made.json()["text"]
    wechat.ear.replies.pop(NOTICES)


@pytest.mark.parametrize(("app", "wallet"), [("wechat", Wallet.WECHAT), ("jdpay", Wallet.UNKNOWN)])
def test_a_payment_on_the_merchants_own_code_has_a_number_of_wechats_making(
    wechat: Side, static_code: str, app: str, wallet: Wallet
) -> None:
    before = len([delivery for delivery in wechat.ear.deliveries if delivery.path == NOTICES])
    done = requests.post(
        f"{wechat.sandbox}/phone/api/pay", json={"wallet": app, "text": static_code, "amount": 500}, timeout=20
    ).json()
    assert done["result"] == "paid", done
    told = wechat.read(wechat.ear.at(NOTICES, count=before + 1)[before]).payment
    assert told is not None
    assert told.transaction_id is not None
    assert told.order_no is not None
    assert (told.state, told.amount, told.sub_merchant_no) == (
        PaymentState.SUCCESS,
        500,
        wechat.contract.sub_merchant_no,
    )
    assert (told.wallet, told.payer_id is None) == (wallet, wallet is Wallet.UNKNOWN)
    assert told.amount == (told.payer_amount or 0) + sum(line.amount for line in told.promotions)
    assert told.trade_type
    assert wechat.port.ask_transaction(wechat.contract, told.transaction_id) == told
    assert wechat.port.ask_payment(wechat.contract, told.order_no) == told


def refund_of(side: Side, order: OrderToOpen, *, fault: str) -> RefundToSend:
    """A refund of half the order that will meet `fault` on its way."""
    refund_no = f"R{secrets.token_hex(8).upper()}"
    side.accept_notices(refund_no)
    armed = requests.post(
        f"{side.sandbox}/control/faults",
        json={"institution": "wechat", "name": fault, "number": refund_no},
        timeout=10,
    )
    armed.raise_for_status()
    transaction_id = side.port.ask_payment(side.contract, order.order_no).transaction_id
    assert transaction_id is not None
    return RefundToSend(
        contract=side.contract,
        refund_no=refund_no,
        order_no=order.order_no,
        transaction_id=transaction_id,
        amount=order.amount // 2,
        order_amount=order.amount,
        reason="",
        notify_url=side.notify_url(refund_no),
    )


def settled(side: Side, refund_no: str, *, but: RefundState) -> RefundState:
    deadline = time.monotonic() + 20
    while (state := side.port.ask_refund(side.contract, refund_no).state) in (RefundState.PROCESSING, but):
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


@pytest.mark.parametrize(
    ("fault", "state"), [("refund_abnormal", RefundState.ABNORMAL), ("refund_closed", RefundState.CLOSED)]
)
def test_a_refund_that_goes_wrong_is_told_so(wechat: Side, fault: str, state: RefundState) -> None:
    order = wechat.order(amount=1000)
    wechat.accept_notices(order.order_no)
    wechat.pay(wechat.port.open_payment(order))
    request = refund_of(wechat, order, fault=fault)
    wechat.port.refund(request)
    assert settled(wechat, request.refund_no, but=RefundState.PROCESSING) is state
    told = wechat.read(wechat.deliveries(request.refund_no)[0])
    assert told.kind == f"REFUND.{state.name}"
    assert told.refund is not None
    assert (told.refund.state, told.refund.amount, told.refund.arrived_at) == (state, 500, None)
    if state is RefundState.ABNORMAL:
        assert wechat.port.send_stuck_refund(wechat.contract, request.refund_no).state in (
            RefundState.PROCESSING,
            RefundState.SUCCESS,
        )
        assert settled(wechat, request.refund_no, but=RefundState.ABNORMAL) is RefundState.SUCCESS
