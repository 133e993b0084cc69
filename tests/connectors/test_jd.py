"""JD alone: codes for screens, cashiers for browsers, what comes back with them, revoking, and what is not offered."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from typing import Any

import pytest
import requests

from portal.wallets.bills import BillKind, BillState, BillToFetch
from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.jdpay.connector import JdConnector
from portal.wallets.jdpay.settings import read_settings
from portal.wallets.jdpay.v2 import orders, refunds
from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import keys_of
from portal.wallets.jdpay.v2.words import TradeType
from portal.wallets.port import (
    Acquirer,
    Contract,
    OpeningKind,
    OpeningWay,
    PaymentState,
    ReadsReturns,
    RefundState,
    RefundToSend,
    WalletPort,
)
from portal.wallets.registry import connectors
from portal.wallets.transport import Budget, Transport
from tests.connectors.conftest import Side, jd_v2_side

JD_SIDES = ["jdpay", "jd_v2"]
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(params=JD_SIDES)
def jd(request: pytest.FixtureRequest) -> Side:
    found: Side = request.getfixturevalue(request.param)
    return found


def changed(side: Side, credentials: Mapping[str, Any], **section: Any) -> Side:
    port = connectors({"jd": credentials["jd"] | section}, budget=20)[Acquirer.JDPAY]
    return jd_v2_side(side.sandbox, side.ear, dict(credentials), port)


def test_a_payer_before_a_screen_scans_a_code_and_pays(jd: Side) -> None:
    order = jd.order(way=OpeningWay.SCREEN)
    jd.accept_notices(order.order_no)
    opening = jd.port.open_payment(order)
    assert opening.kind is OpeningKind.CODE
    jd.pay(opening)
    told = jd.read(jd.deliveries(order.order_no)[0]).payment
    assert told == jd.port.ask_payment(jd.contract, order.order_no)
    assert told is not None
    assert told.state is PaymentState.SUCCESS


def test_aggregate_pay_tells_what_the_payment_is_called_behind_jd(jdpay: Side) -> None:
    order = jdpay.order()
    jdpay.accept_notices(order.order_no)
    jdpay.pay(jdpay.port.open_payment(order))
    found = jdpay.port.ask_payment(jdpay.contract, order.order_no)
    assert found.channel_no
    assert (found.bank_type, found.trade_type) == ("JDPAY", "QR")


def test_only_a_v2_contract_has_a_cashier_for_foreign_browsers(jdpay: Side, jd_v2: Side) -> None:
    with pytest.raises(WalletRefused) as found:
        jdpay.port.open_payment(jdpay.order(way=OpeningWay.BROWSER))
    assert found.value.code == "NOT_OFFERED"
    order = jd_v2.order(way=OpeningWay.BROWSER)
    jd_v2.accept_notices(order.order_no)
    opening = jd_v2.place(order)
    assert opening.kind is OpeningKind.FORM
    assert (opening.url or "").endswith("/jd/h5pay/jdpay/saveOrder")
    jd_v2.pay(opening)
    assert jd_v2.port.ask_payment(jd_v2.contract, order.order_no).state is PaymentState.SUCCESS


def test_a_screen_may_be_given_jds_own_cashier(jd_v2: Side, credentials: dict[str, Any]) -> None:
    side = changed(jd_v2, credentials, v2_on_screen="cashier")
    order = side.order(way=OpeningWay.SCREEN)
    side.accept_notices(order.order_no)
    opening = side.place(order)
    assert (opening.url or "").endswith("/jd/wepay/jdpay/saveOrder")
    side.pay(opening)
    assert side.port.ask_payment(side.contract, order.order_no).state is PaymentState.SUCCESS


def test_what_the_browser_brings_back_is_proved_and_worth_a_question(jd_v2: Side) -> None:
    order = jd_v2.order()
    jd_v2.accept_notices(order.order_no)
    cashier = jd_v2.cashier(jd_v2.port.open_payment(order))
    page = requests.post(cashier, data={"action": "pay"}, timeout=10).text
    assert f'action="{order.return_url}"' in page
    fields = {
        name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    }
    assert isinstance(jd_v2.port, ReadsReturns)
    back = jd_v2.port.read_return(jd_v2.contract, fields)
    assert (back.order_no, back.says_paid) == (order.order_no, True)
    for name in ("tradeNum", "status", "amount", "sign"):
        with pytest.raises(WalletUnknown):
            jd_v2.port.read_return(jd_v2.contract, fields | {name: fields["currency"]})


def v2_client(credentials: Mapping[str, Any]) -> V2Client:
    settings = read_settings(credentials["jd"])
    return V2Client(settings, Transport(addresses=settings.addresses))


def test_an_order_for_an_app_has_a_number_and_no_code(jd_v2: Side, credentials: dict[str, Any]) -> None:
    contract = Contract(Acquirer.JDPAY, jd_v2.contract.sub_merchant_no, {**jd_v2.contract.keys, "v2_app_key": "k"})
    keys = keys_of(contract, agent_no="1")
    placed = orders.place(v2_client(credentials), keys, jd_v2.order(), TradeType.GEN, budget=Budget(20))
    assert placed.qr_code is None
    call = orders.app_call(keys, placed)
    assert (call["merchant"], call["orderId"]) == (contract.sub_merchant_no, placed.order_id)
    assert re.fullmatch(r"[0-9a-f]{32}", call["signData"])


def refund_of(side: Side, order_no: str, refund_no: str, amount: int) -> RefundToSend:
    side.accept_notices(refund_no)
    return RefundToSend(side.contract, refund_no, order_no, order_no, amount, 1234, "退货", side.notify_url(refund_no))


def test_the_refunds_of_an_order_are_listed(jd_v2: Side, credentials: dict[str, Any]) -> None:
    order = jd_v2.order()
    jd_v2.accept_notices(order.order_no)
    jd_v2.pay(jd_v2.port.open_payment(order))
    numbers = {f"R{order.order_no[1:]}{part}": 100 * (part + 1) for part in range(2)}
    for number, amount in numbers.items():
        jd_v2.port.refund(refund_of(jd_v2, order.order_no, number, amount))
    keys = keys_of(jd_v2.contract, agent_no="1")
    found = refunds.refunds_of(v2_client(credentials), keys, order.order_no, budget=Budget(20))
    assert {each.refund_no: each.amount for each in found} == numbers


def test_an_unpaid_order_is_revoked_only_where_the_settings_say_so(jd_v2: Side, credentials: dict[str, Any]) -> None:
    order = jd_v2.order()
    jd_v2.place(order)
    with pytest.raises(Exception, match="NOT_CLOSED_YET"):
        jd_v2.port.close_payment(jd_v2.contract, order.order_no)
    revoking = changed(jd_v2, credentials, v2_closing="revoke")
    revoking.port.close_payment(revoking.contract, order.order_no)
    revoking.port.close_payment(revoking.contract, order.order_no)
    assert revoking.port.ask_payment(revoking.contract, order.order_no).state is PaymentState.CLOSED


def test_a_paid_order_is_never_revoked(jd_v2: Side, credentials: dict[str, Any]) -> None:
    side = changed(jd_v2, credentials, v2_closing="revoke")
    order = side.order()
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    with pytest.raises(WalletRefused, match="ORDER_PAID"):
        side.port.close_payment(side.contract, order.order_no)
    assert side.port.ask_payment(side.contract, order.order_no).state is PaymentState.SUCCESS


def arm(side: Side, name: str, number: str) -> None:
    requests.post(
        f"{side.sandbox}/control/faults",
        json={"institution": "jd", "name": name, "number": number, "times": 1},
        timeout=10,
    ).raise_for_status()


@pytest.mark.parametrize("fault", ["refund_closed", "refund_abnormal"])
def test_a_refund_that_gave_nothing_back_is_closed_and_may_be_asked_for_anew(jd: Side, fault: str) -> None:
    order = jd.order()
    jd.accept_notices(order.order_no)
    jd.pay(jd.port.open_payment(order))
    first, second = f"R{order.order_no[1:]}A", f"R{order.order_no[1:]}B"
    arm(jd, fault, first)
    jd.port.refund(refund_of(jd, order.order_no, first, 1234))
    told = jd.read(jd.deliveries(first)[0]).refund
    assert told is not None
    assert (told.state, told.arrived_at) == (RefundState.CLOSED, None)
    assert jd.port.ask_refund(jd.contract, first).state is RefundState.CLOSED
    jd.port.refund(refund_of(jd, order.order_no, second, 1234))
    arrived = jd.read(jd.deliveries(second)[0]).refund
    assert arrived is not None
    assert arrived.state is RefundState.SUCCESS


@pytest.mark.parametrize("kind", [BillKind.FUNDS, BillKind.MERCHANT_FUNDS])
def test_the_movements_of_money_are_not_told(jd: Side, kind: BillKind) -> None:
    answer = jd.port.fetch_bill(BillToFetch(kind, YESTERDAY, jd.contract), into=BytesIO())
    assert answer.state is BillState.NOT_PERMITTED


def test_every_ability_it_lacks_is_refused_as_not_offered(ports: dict[Acquirer, WalletPort], jd: Side) -> None:
    port = ports[Acquirer.JDPAY]
    assert isinstance(port, JdConnector)
    calls = (
        lambda: port.send_stuck_refund(jd.contract, "R1"),
        lambda: port.transfer(None),  # type: ignore[arg-type]
        lambda: port.ask_transfer("T1"),
        lambda: port.cancel_transfer("T1"),
        lambda: port.payout_account(jd.contract),
        lambda: port.change_payout_account(jd.contract, None),  # type: ignore[arg-type]
        lambda: port.ask_payout_change(jd.contract, "1"),
        lambda: port.ask_transaction(jd.contract, "1"),
        lambda: port.read_funds(BytesIO()),
    )
    for call in calls:
        with pytest.raises(WalletRefused) as found:
            call()
        assert found.value.code == "NOT_OFFERED"
