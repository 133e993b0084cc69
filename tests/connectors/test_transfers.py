"""One contract for every wallet that can pay people: sent once, confirmed by its receiver, told, taken back."""

import secrets
from typing import Any

import pytest
import requests

from portal.wallets.errors import WalletRefused
from portal.wallets.payouts import TransferAnswer, TransferState, TransferToSend
from portal.wallets.port import Ability, Contract
from tests.connectors.conftest import Side
from tests.connectors.offers import offering

STRANGER = "oStranger00000000000000000001"


@pytest.fixture(params=offering(Ability.TRANSFER))
def payer(request: pytest.FixtureRequest) -> Side:
    """Each wire that pays people; the last test holds the others to their refusal."""
    found: Side = request.getfixturevalue(request.param)
    return found


def transfer_of(side: Side, amount: int = 100, **changes: Any) -> TransferToSend:
    transfer_no = f"T{secrets.token_hex(8).upper()}"
    side.accept_notices(transfer_no)
    values: dict[str, Any] = {
        "transfer_no": transfer_no,
        "receiver_id": side.payer_id(),
        "amount": amount,
        "activity": "邻里返现🎁",
        "reason": "十一月返现",
        "notify_url": side.notify_url(transfer_no),
    }
    return TransferToSend(**values | changes)


def confirm(side: Side, answer: TransferAnswer, *, person: str = "demo") -> None:
    """The receiver takes the money in his wallet."""
    done = requests.post(
        f"{side.sandbox}/wechat/transfers/{answer.confirmation}",
        json={},
        headers={"X-Sandbox-Payer": person, "Accept": "application/json"},
        timeout=10,
    )
    done.raise_for_status()


def ended(side: Side, request: TransferToSend) -> TransferAnswer:
    """What the notice says, which comes only at the end."""
    told = side.read(side.deliveries(request.transfer_no)[0])
    assert (told.payment, told.refund) == (None, None)
    assert told.transfer is not None
    return told.transfer


def test_a_transfer_waits_for_its_receiver_and_arrives(payer: Side) -> None:
    request = transfer_of(payer, 8800)
    sent = payer.port.transfer(request)
    assert (sent.transfer_no, sent.state) == (request.transfer_no, TransferState.WAITING_FOR_OWNER)
    assert sent.confirmation
    assert sent.bridge["package"] == sent.confirmation
    waiting = payer.port.ask_transfer(request.transfer_no)
    assert (waiting.state, waiting.amount) == (TransferState.WAITING_FOR_OWNER, 8800)
    confirm(payer, sent)
    told = ended(payer, request)
    found = payer.port.ask_transfer(request.transfer_no)
    assert (told.state, told.amount, told.reason) == (TransferState.SUCCESS, 8800, None)
    assert (told.transfer_no, told.wallet_transfer_no, told.at) == (
        found.transfer_no,
        found.wallet_transfer_no,
        found.at,
    )
    assert (found.state, found.confirmation, found.bridge) == (TransferState.SUCCESS, None, {})


def test_the_same_number_is_the_same_transfer(payer: Side) -> None:
    request = transfer_of(payer)
    first, second = payer.port.transfer(request), payer.port.transfer(request)
    assert (first.wallet_transfer_no, first.confirmation) == (second.wallet_transfer_no, second.confirmation)
    confirm(payer, second)
    assert payer.port.transfer(request).state is TransferState.SUCCESS


def test_the_same_number_for_another_amount_is_refused(payer: Side) -> None:
    request = transfer_of(payer, 100)
    payer.port.transfer(request)
    values = {name: getattr(request, name) for name in TransferToSend.__dataclass_fields__}
    with pytest.raises(WalletRefused):
        payer.port.transfer(TransferToSend(**values | {"amount": 101}))


def test_a_transfer_is_taken_back_before_its_receiver_confirms(payer: Side) -> None:
    request = transfer_of(payer)
    payer.port.transfer(request)
    assert payer.port.cancel_transfer(request.transfer_no).state in (TransferState.CANCELING, TransferState.CANCELED)
    assert ended(payer, request).state is TransferState.CANCELED
    assert payer.port.ask_transfer(request.transfer_no).state is TransferState.CANCELED


def test_a_transfer_that_arrived_is_not_taken_back(payer: Side) -> None:
    request = transfer_of(payer)
    confirm(payer, payer.port.transfer(request))
    with pytest.raises(WalletRefused):
        payer.port.cancel_transfer(request.transfer_no)


def test_a_transfer_nobody_sent_is_missing(payer: Side) -> None:
    found = payer.port.ask_transfer("T0000000000000000")
    assert (found.transfer_no, found.state, found.amount) == ("T0000000000000000", TransferState.MISSING, None)


@pytest.mark.parametrize("change", [{"receiver_id": STRANGER}, {"amount": 0}, {"amount": 20_001}])
def test_what_the_wallet_would_never_pay_is_refused(payer: Side, change: dict[str, Any]) -> None:
    request = transfer_of(payer, **change)
    with pytest.raises(WalletRefused):
        payer.port.transfer(request)
    assert payer.port.ask_transfer(request.transfer_no).state is TransferState.MISSING


def test_each_ability_a_wallet_lacks_is_refused_and_nothing_else(side: Side) -> None:
    request = TransferToSend("T1", STRANGER, 100, "a", "b", f"{side.ear.url}/n")
    lacking = Contract(side.acquirer, side.contract.sub_merchant_no, side.contract.keys)
    calls = {
        Ability.TRANSFER: (
            lambda: side.port.transfer(request),
            lambda: side.port.ask_transfer("T1"),
            lambda: side.port.cancel_transfer("T1"),
        ),
        Ability.PAYOUT_ACCOUNT: (
            lambda: side.port.payout_account(lacking),
            lambda: side.port.ask_payout_change(lacking, "1"),
        ),
        Ability.STUCK_REFUND: (lambda: side.port.send_stuck_refund(lacking, "R1"),),
    }
    for ability, attempts in calls.items():
        if ability in side.port.offers:
            continue
        for attempt in attempts:
            with pytest.raises(WalletRefused) as found:
                attempt()
            assert found.value.code == "NOT_OFFERED"
