"""One contract for every wallet: a refund is accepted, arrives, is told, and stays one however often it is sent."""

import dataclasses
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from portal.wallets.errors import WalletError, WalletRefused, WalletUnknown
from portal.wallets.port import OrderToOpen, RefundAnswer, RefundState, RefundToSend
from tests.connectors.conftest import Side


@pytest.fixture
def paid(side: Side) -> OrderToOpen:
    """An order over 12.34 yuan that was paid."""
    order = side.order(amount=1234)
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    return order


@pytest.fixture
def refund_of(side: Side, paid: OrderToOpen) -> Callable[[int], RefundToSend]:
    """A refund of this order, not sent yet."""
    transaction_id = side.port.ask_payment(side.contract, paid.order_no).transaction_id
    assert transaction_id is not None

    def prepared(amount: int) -> RefundToSend:
        refund_no = f"R{secrets.token_hex(8).upper()}"
        side.accept_notices(refund_no)
        return RefundToSend(
            contract=side.contract,
            refund_no=refund_no,
            order_no=paid.order_no,
            transaction_id=transaction_id,
            amount=amount,
            order_amount=paid.amount,
            reason="包子凉了🥟",
            notify_url=side.notify_url(refund_no),
        )

    return prepared


def arrived(side: Side, refund_no: str) -> RefundAnswer:
    deadline = time.monotonic() + 20
    while True:
        found = side.port.ask_refund(side.contract, refund_no)
        if found.state is not RefundState.PROCESSING:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_refund_is_accepted_first_and_arrives_later(
    side: Side, paid: OrderToOpen, refund_of: Callable[[int], RefundToSend]
) -> None:
    request = refund_of(500)
    accepted = side.port.refund(request)
    assert accepted.state is RefundState.PROCESSING
    assert (accepted.acquirer, accepted.refund_no, accepted.arrived_at) == (side.acquirer, request.refund_no, None)
    found = arrived(side, request.refund_no)
    assert (found.state, found.amount) == (RefundState.SUCCESS, 500)
    assert found.payer_amount == (500 if side.tells_refunds else None)
    assert (found.order_no, found.sub_merchant_no) == (paid.order_no, side.contract.sub_merchant_no)
    assert bool(found.wallet_refund_no) is side.tells_refunds
    assert found.arrived_at is not None
    told = side.read(side.deliveries(request.refund_no)[0])
    assert told.payment is None
    assert told.refund == found


def test_the_same_number_is_the_same_refund(side: Side, refund_of: Callable[[int], RefundToSend]) -> None:
    request = refund_of(500)
    first, second = side.port.refund(request), side.port.refund(request)
    assert first.wallet_refund_no == second.wallet_refund_no
    rest = refund_of(734)
    assert side.port.refund(rest).refund_no == rest.refund_no


def test_the_same_number_for_another_amount_is_not_taken(side: Side, refund_of: Callable[[int], RefundToSend]) -> None:
    request = refund_of(500)
    side.port.refund(request)
    with pytest.raises((WalletRefused, WalletUnknown)):
        side.port.refund(dataclasses.replace(request, amount=501))
    assert arrived(side, request.refund_no).amount == 500


def test_more_than_was_paid_is_refused(side: Side, refund_of: Callable[[int], RefundToSend]) -> None:
    side.port.refund(refund_of(1000))
    too_much = refund_of(235)
    with pytest.raises(WalletRefused):
        side.port.refund(too_much)
    assert side.port.ask_refund(side.contract, too_much.refund_no).state is RefundState.MISSING


def test_a_refund_nobody_sent_is_missing(side: Side) -> None:
    found = side.port.ask_refund(side.contract, "R0000000000000000")
    assert (found.state, found.refund_no, found.amount) == (RefundState.MISSING, "R0000000000000000", None)


def test_an_unpaid_order_is_not_refunded(side: Side) -> None:
    order = side.order(amount=100)
    side.place(order)
    request = RefundToSend(
        side.contract,
        "R1111111111111111",
        order.order_no,
        "4200000000000000000000000009",
        100,
        100,
        "",
        order.notify_url,
    )
    with pytest.raises(WalletError):
        side.port.refund(request)


def test_a_refund_notice_names_its_path(side: Side, refund_of: Callable[[int], RefundToSend]) -> None:
    request = refund_of(1)
    side.port.refund(request)
    delivery = side.deliveries(request.refund_no)[0]
    assert delivery.path == urlsplit(request.notify_url).path
