"""One contract for every wallet's bills: fetched the next morning, whole, twice the same, and true to what happened."""

import io
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from portal.values.day import business_date
from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch, BillUnreadable, LineKind, TradeLine
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer, Contract, OrderToOpen, RefundToSend, Wallet
from portal.wallets.registry import connectors
from tests.connectors.conftest import Side, jd_v2_side, jdpay_side, started, wechat_side
from tests.connectors.server import Ear

MAKERS = {"wechat": wechat_side, "jdpay": jdpay_side, "jd_v2": jd_v2_side}


@dataclass(frozen=True)
class Story:
    """What happened at one wire on one day: an order over 12.34, of which 5.00 were given back, and one over 20.00."""

    side: Side
    day: date
    orders: tuple[OrderToOpen, OrderToOpen]
    refund: RefundToSend
    at_night: BillState | str
    that_day: BillState | str

    def bill(self, kind: BillKind = BillKind.TRADES, **changes: Any) -> BillToFetch:
        return replace(BillToFetch(kind, self.day, self.side.contract), **changes)

    def fetch(self, bill: BillToFetch | None = None) -> tuple[BillAnswer, io.BytesIO]:
        into = io.BytesIO()
        found = self.side.port.fetch_bill(bill or self.bill(), into=into)
        into.seek(0)
        return found, into

    def lines(self) -> list[TradeLine]:
        _, file = self.fetch()
        return [line for line in self.side.port.read_trades(file) if isinstance(line, TradeLine)]


def business_now(url: str) -> datetime:
    found = datetime.fromisoformat(requests.get(f"{url}/control/clock", timeout=10).json()["now"])
    return found.astimezone(UTC)


def move(url: str, **wish: Any) -> None:
    requests.post(f"{url}/control/clock", json=wish, timeout=30).raise_for_status()


def state_of(side: Side, day: date) -> BillState | str:
    try:
        return side.port.fetch_bill(BillToFetch(BillKind.TRADES, day, side.contract), into=io.BytesIO()).state
    except WalletError as error:
        return error.code


def bought(side: Side, amount: int) -> OrderToOpen:
    now = business_now(side.sandbox)
    order = side.order(amount=amount, created_at=now, expires_at=now + timedelta(minutes=15))
    side.accept_notices(order.order_no)
    side.pay(side.place(order))
    return order


def given_back(side: Side, order: OrderToOpen) -> RefundToSend:
    refund_no = f"R{secrets.token_hex(8).upper()}"
    side.accept_notices(refund_no)
    transaction_id = side.port.ask_payment(side.contract, order.order_no).transaction_id
    refund = RefundToSend(
        side.contract,
        refund_no,
        order.order_no,
        transaction_id or "",
        500,
        order.amount,
        "凉了",
        side.notify_url(refund_no),
    )
    side.port.refund(refund)
    side.deliveries(refund_no)
    return refund


@pytest.fixture(scope="module")
def morning(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Story]]:
    """Ten past ten on the day after, in a sandbox whose clock nobody else looks at."""
    folder: Path = tmp_path_factory.mktemp("morning")
    with ExitStack() as stack:
        url = stack.enter_context(started(ear, folder))
        credentials = requests.get(f"{url}/credentials", timeout=10).json()
        ports = connectors(credentials, budget=20)
        sides = {
            name: make(url, ear, credentials, ports[Acquirer.WECHAT if name == "wechat" else Acquirer.JDPAY])
            for name, make in MAKERS.items()
        }
        move(url, to="next_morning")
        day = business_date(business_now(url))
        told: dict[str, dict[str, Any]] = {}
        for name, side in sides.items():
            orders = bought(side, 1234), bought(side, 2000)
            told[name] = {"orders": orders, "refund": given_back(side, orders[0]), "that_day": state_of(side, day)}
        move(url, advance_seconds=15 * 3600)
        for name, side in sides.items():
            told[name]["at_night"] = state_of(side, day)
        move(url, to=f"{day + timedelta(days=1)}T10:10:00+08:00")
        yield {name: Story(side=side, day=day, **told[name]) for name, side in sides.items()}


@pytest.fixture(params=list(MAKERS))
def story(request: pytest.FixtureRequest, morning: dict[str, Story]) -> Story:
    """Each wire in turn."""
    return morning[request.param]


def test_a_bill_is_ready_the_next_morning_and_not_before(story: Story) -> None:
    assert story.that_day is not BillState.READY
    assert story.at_night is BillState.NOT_READY
    found, into = story.fetch()
    assert found.state is BillState.READY
    assert found.size == len(into.getvalue()) > 0


def test_a_bill_fetched_twice_is_the_same(story: Story) -> None:
    assert story.fetch()[0].sha256 == story.fetch()[0].sha256


def test_each_payment_stands_in_the_bill_to_the_fen(story: Story) -> None:
    found = {line.order_no: line for line in story.lines() if line.kind is LineKind.PAYMENT}
    assert found.keys() == {order.order_no for order in story.orders}
    for order in story.orders:
        told = story.side.port.ask_payment(story.side.contract, order.order_no)
        line = found[order.order_no]
        assert (line.acquirer, line.sub_merchant_no) == (story.side.acquirer, story.side.contract.sub_merchant_no)
        assert (line.amount, line.payer_amount, line.state) == (told.amount, told.payer_amount, "success")
        # JD's V2.0 knows an order by our number alone until its bill tells another.
        assert told.transaction_id in (line.transaction_id, line.order_no)
        assert line.wallet is story.side.wallet
        assert told.paid_at is not None
        assert abs(line.at - told.paid_at) <= timedelta(seconds=1)
        assert 0 <= line.fee < Decimal(order.amount) / 50


def test_each_refund_stands_in_the_bill_with_its_fee_given_back(story: Story) -> None:
    refund = story.refund
    (line,) = [line for line in story.lines() if line.kind is LineKind.REFUND]
    assert (line.refund_no, line.order_no, line.amount) == (refund.refund_no, refund.order_no, 500)
    assert line.state in ("success", "processing")
    assert line.fee <= 0


def test_a_day_without_trade_is_an_answer(story: Story) -> None:
    assert story.fetch(story.bill(day=story.day - timedelta(days=1)))[0].state is BillState.EMPTY


def test_another_merchants_bill_is_not_told(story: Story) -> None:
    stranger = Contract(story.side.acquirer, "169999999999", story.side.contract.keys)
    try:
        found, into = story.fetch(story.bill(contract=stranger))
    except WalletError:
        return
    assert found.state is not BillState.READY
    assert into.getvalue() == b""


def test_wechats_bill_of_everybody_holds_that_of_one_and_adds_up(morning: dict[str, Story]) -> None:
    story = morning["wechat"]
    _, file = story.fetch(story.bill(contract=None))
    *lines, summary = story.side.port.read_trades(file)
    assert not isinstance(summary, TradeLine)
    assert summary.count == len(lines) == 3
    assert (summary.amount, summary.refunded) == (3234, 500)
    assert summary.fee == sum(line.fee for line in lines)


def test_a_payer_of_another_wallet_stays_unknown_in_wechats_bill(morning: dict[str, Story]) -> None:
    assert {line.wallet for line in morning["wechat"].lines()} == {Wallet.WECHAT}


def test_wechats_bill_of_a_merchants_money_is_opened_and_agrees_with_his_trade(morning: dict[str, Story]) -> None:
    story = morning["wechat"]
    found, file = story.fetch(story.bill(BillKind.MERCHANT_FUNDS))
    assert found.state is BillState.READY
    lines = list(story.side.port.read_funds(file))
    trades = story.lines()
    assert sum(line.amount for line in lines if line.kind == "交易") == 3234
    assert sum(line.amount for line in lines if line.kind == "退款") == -500
    fees = sum(line.fee for line in trades)
    assert sum(line.amount for line in lines if "手续费" in line.kind) == -fees
    balance = lines[0].balance
    for line in lines[1:]:
        balance += line.amount
        assert line.balance == balance


def test_wechats_bill_of_the_providers_own_money_is_read(morning: dict[str, Story]) -> None:
    """On the day before, money was paid in; on the day itself nothing moved."""
    story = morning["wechat"]
    assert story.fetch(BillToFetch(BillKind.FUNDS, story.day))[0].state is BillState.EMPTY
    found, file = story.fetch(BillToFetch(BillKind.FUNDS, story.day - timedelta(days=1)))
    (line,) = story.side.port.read_funds(file)
    assert (found.state, line.business) == (BillState.READY, "充值/提现")
    assert line.amount == line.balance > 0


def test_money_the_wallet_does_not_report_to_us_is_not_permitted(morning: dict[str, Story]) -> None:
    for name in ("jdpay", "jd_v2"):
        assert morning[name].fetch(morning[name].bill(BillKind.MERCHANT_FUNDS))[0].state is BillState.NOT_PERMITTED
    story = morning["wechat"]
    desk = f"{story.side.sandbox}/wechat/desk/products"
    requests.post(desk, json={"FUND_BILL": False}, timeout=10).raise_for_status()
    try:
        assert story.fetch(story.bill(BillKind.MERCHANT_FUNDS))[0].state is BillState.NOT_PERMITTED
    finally:
        requests.post(desk, json={"FUND_BILL": True}, timeout=10).raise_for_status()


def armed(story: Story, name: str) -> None:
    institution = "wechat" if story.side.acquirer is Acquirer.WECHAT else "jd"
    requests.post(
        f"{story.side.sandbox}/control/faults", json={"institution": institution, "name": name}, timeout=10
    ).raise_for_status()


def test_a_bill_whose_sums_are_wrong_is_not_believed(morning: dict[str, Story]) -> None:
    story = morning["wechat"]
    armed(story, "bill_wrong_summary")
    _, file = story.fetch()
    with pytest.raises(BillUnreadable):
        list(story.side.port.read_trades(file))
    assert story.lines()


def test_a_bill_that_is_held_back_comes_later(morning: dict[str, Story]) -> None:
    story = morning["wechat"]
    armed(story, "bill_missing")
    assert story.fetch()[0].state is BillState.NOT_READY
    assert story.fetch()[0].state is BillState.READY
