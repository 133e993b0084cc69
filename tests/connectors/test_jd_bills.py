"""JD's bill of a day: fetched the next morning, unpacked, and read to the fen, for either contract."""

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import requests

from portal.values.day import SHANGHAI
from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch, LineKind, TradeLine
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, Contract, OrderToOpen, PaymentState, RefundState, RefundToSend, Wallet
from portal.wallets.registry import connectors
from tests.connectors.conftest import Side, jd_v2_side, jdpay_side, started
from tests.connectors.server import Ear

REDUCTION = 300


@pytest.fixture(scope="module")
def moved(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox whose clock these tests move."""
    with started(ear, tmp_path_factory.mktemp("bills")) as url:
        yield url


@pytest.fixture(scope="module", params=["jdpay", "jd_v2"])
def side(request: pytest.FixtureRequest, moved: str, ear: Ear) -> Side:
    credentials: dict[str, Any] = requests.get(f"{moved}/credentials", timeout=10).json()
    port = connectors({"jd": credentials["jd"]}, budget=20)[Acquirer.JDPAY]
    return (jdpay_side if request.param == "jdpay" else jd_v2_side)(moved, ear, credentials, port)


def business_now(sandbox: str) -> datetime:
    told = requests.get(f"{sandbox}/control/clock", timeout=10).json()
    return datetime.now(UTC) + timedelta(seconds=told["offset_seconds"])


def move_to(sandbox: str, moment: datetime) -> None:
    requests.post(
        f"{sandbox}/control/clock", json={"to": moment.isoformat(timespec="seconds")}, timeout=10
    ).raise_for_status()


@pytest.fixture(scope="module")
def day(side: Side) -> date:
    """A day of two payments, one with a reduction and half refunded; it is now noon of the next day."""
    begins = business_now(side.sandbox).astimezone(SHANGHAI).replace(hour=9, minute=0, second=0) + timedelta(days=1)
    move_to(side.sandbox, begins)
    requests.post(
        f"{side.sandbox}/payers/demo/jdpay", json={"next_reduction": REDUCTION}, timeout=10
    ).raise_for_status()
    reduced = pay(side, 2000)
    pay(side, 55)
    refund(side, reduced, 1000)
    move_to(side.sandbox, begins + timedelta(hours=27))
    return begins.date()


def pay(side: Side, amount: int) -> OrderToOpen:
    now = business_now(side.sandbox)
    order = side.order(amount=amount, created_at=now, expires_at=now + timedelta(minutes=15))
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    assert side.port.ask_payment(side.contract, order.order_no).state is PaymentState.SUCCESS
    return order


def refund(side: Side, order: OrderToOpen, amount: int) -> None:
    number = f"R{secrets.token_hex(8).upper()}"
    side.accept_notices(number)
    notify_url = side.notify_url(number)
    wish = RefundToSend(side.contract, number, order.order_no, order.order_no, amount, order.amount, "", notify_url)
    side.port.refund(wish)
    deadline = time.monotonic() + 20
    while side.port.ask_refund(side.contract, number).state is not RefundState.SUCCESS:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def fetched(side: Side, day: date, contract: Contract | None = None) -> tuple[BillAnswer, BytesIO]:
    into = BytesIO()
    answer = side.port.fetch_bill(BillToFetch(BillKind.TRADES, day, contract or side.contract), into=into)
    into.seek(0)
    return answer, into


def lines(side: Side, day: date) -> list[TradeLine]:
    answer, bill = fetched(side, day)
    assert answer.state is BillState.READY
    assert answer.size == len(bill.getvalue())
    found = []
    for line in side.port.read_trades(bill):
        assert isinstance(line, TradeLine)
        found.append(line)
    return found


def test_the_bill_agrees_with_what_happened_to_the_fen(side: Side, day: date) -> None:
    found = lines(side, day)
    payments = [line for line in found if line.kind is LineKind.PAYMENT]
    returned = [line for line in found if line.kind is LineKind.REFUND]
    assert [(line.amount, line.payer_amount) for line in payments] == [(2000, 1700), (55, 55)]
    assert [(line.amount, line.payer_amount) for line in returned] == [(1000, 850)]
    assert returned[0].order_no == payments[0].order_no
    assert returned[0].refund_no
    assert {(line.acquirer, line.wallet, line.state) for line in found} == {(Acquirer.JDPAY, Wallet.JDPAY, "success")}
    assert {line.sub_merchant_no for line in found} == {side.contract.sub_merchant_no}
    assert all(line.fee >= 0 for line in payments)
    assert all(line.fee <= 0 for line in returned)
    assert {line.at.astimezone(SHANGHAI).date() for line in found} == {day}
    assert payments[0].fee == Decimal(8)


def test_a_day_without_a_payment_is_an_answer_too(side: Side, day: date) -> None:
    answer, _ = fetched(side, day - timedelta(days=40))
    assert answer.state is BillState.EMPTY


def test_todays_bill_is_not_ready(side: Side, day: date) -> None:
    today = business_now(side.sandbox).astimezone(SHANGHAI).date()
    assert fetched(side, today)[0].state is BillState.NOT_READY


def test_a_key_that_is_not_the_merchants_opens_no_bill(side: Side, day: date) -> None:
    foreign = Contract(Acquirer.JDPAY, side.contract.sub_merchant_no, {"v2_des_key": "x", "v2_bill_key": "x"})
    with pytest.raises(WalletRefused):
        fetched(side, day, foreign)


def test_without_a_key_or_a_contract_there_is_no_bill_for_us(side: Side, day: date) -> None:
    keyless = Contract(Acquirer.JDPAY, side.contract.sub_merchant_no, {"v2_des_key": "x"})
    assert fetched(side, day, keyless)[0].state is BillState.NOT_PERMITTED
    answer = side.port.fetch_bill(BillToFetch(BillKind.TRADES, day), into=BytesIO())
    assert answer.state is BillState.NOT_PERMITTED


def arm(side: Side, name: str, day: date) -> None:
    told = {"institution": "jd", "name": name, "number": day.isoformat(), "times": 1}
    requests.post(f"{side.sandbox}/control/faults", json=told, timeout=10).raise_for_status()


@pytest.mark.parametrize(
    ("fault", "count", "total"),
    [("bill_missing_line", 2, None), ("bill_duplicate_line", 4, None), ("bill_changed_amount", 3, 3056)],
)
def test_a_bill_that_lies_is_read_as_it_lies(side: Side, day: date, fault: str, count: int, total: int | None) -> None:
    arm(side, fault, day)
    found = lines(side, day)
    assert len(found) == count
    assert total is None or sum(line.amount for line in found) == total
    assert len(lines(side, day)) == 3


def test_a_bill_that_is_late_is_asked_for_again(side: Side, day: date) -> None:
    arm(side, "bill_missing", day)
    assert fetched(side, day)[0].state is BillState.NOT_READY
    assert fetched(side, day)[0].state is BillState.READY


def test_a_file_cut_short_is_no_bill(side: Side, day: date) -> None:
    told = {"institution": "jd", "name": "bad_answer_signature", "operation": "bill", "times": 1}
    requests.post(f"{side.sandbox}/control/faults", json=told, timeout=10).raise_for_status()
    with pytest.raises((WalletUnknown, WalletUnavailable), match="BILL"):
        fetched(side, day)
    assert fetched(side, day)[0].state is BillState.READY
