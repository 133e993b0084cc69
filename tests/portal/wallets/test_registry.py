"""What refuses to start: gaps, wrong keys, plain addresses, and above all a provider who would collect himself."""

from typing import Any

import pytest

from portal.wallets.errors import WalletRefused, WalletSettingsError
from portal.wallets.port import Acquirer, Contract, OrderToOpen
from portal.wallets.registry import connectors
from tests.portal.wallets.conftest import AGENT_NO, NOW, SP_MCHID


def test_it_builds_a_connector_for_each_section(sections: dict[str, Any]) -> None:
    assert {name: port.acquirer for name, port in connectors(sections).items()} == {
        Acquirer.WECHAT: Acquirer.WECHAT,
        Acquirer.JDPAY: Acquirer.JDPAY,
    }
    assert set(connectors({"jd": sections["jd"], "sms": {}})) == {Acquirer.JDPAY}
    assert connectors({}) == {}


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("wechat", {"sub_mchid": SP_MCHID}),
        ("jd", {"merchant_no": AGENT_NO}),
    ],
)
def test_it_refuses_to_start_when_the_provider_would_collect(
    sections: dict[str, Any], section: str, change: dict[str, str]
) -> None:
    with pytest.raises(WalletSettingsError, match="only sub-merchants may collect"):
        connectors({section: sections[section] | change})


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("wechat", {"apiv3_key": "short"}),
        ("wechat", {"private_key": "no PEM"}),
        ("wechat", {"public_key": "no PEM"}),
        ("wechat", {"sp_appid": ""}),
        ("wechat", {"gateway": None}),
        ("wechat", {"gateway": "https://api.example?x=1"}),
        ("wechat", {"gateway": "http://api.mch.example"}),
        ("wechat", {"oauth_api": "ftp://api.example"}),
        ("jd", {"version": "2.0"}),
        ("jd", {"system_id": None}),
        ("jd", {"psi_gateway": "http://psi.example"}),
    ],
)
def test_it_names_what_is_wrong(sections: dict[str, Any], section: str, change: dict[str, Any]) -> None:
    with pytest.raises(
        WalletSettingsError, match=f"^{section}: .*{next(iter(change)).split('_')[0]}|^{section}: a key"
    ):
        connectors({section: sections[section] | change})


def test_plain_addresses_are_for_this_machine_and_for_demos(sections: dict[str, Any]) -> None:
    near = sections["jd"] | {"gateway": "http://127.0.0.1:8001/jd", "psi_gateway": "http://localhost:8001/psi"}
    far = sections["jd"] | {"gateway": "http://sandbox:8001/jd"}
    assert connectors({"jd": near})
    assert connectors({"jd": far}, plain_http=True)
    with pytest.raises(WalletSettingsError):
        connectors({"jd": far})


def test_a_contract_of_the_provider_itself_is_refused_before_anything_is_sent(sections: dict[str, Any]) -> None:
    ports = connectors(sections)
    for acquirer, number in ((Acquirer.WECHAT, SP_MCHID), (Acquirer.JDPAY, AGENT_NO), (Acquirer.WECHAT, "")):
        contract = Contract(acquirer, number, {"des_key": "x", "md5_key": "y"})
        order = OrderToOpen(contract, "Y1", 1, "x", "https://yima.example/n", "1.1.1.1", NOW, NOW, payer_id="o")
        for call in (
            lambda order=order, acquirer=acquirer: ports[acquirer].open_payment(order),
            lambda contract=contract, acquirer=acquirer: ports[acquirer].ask_payment(contract, "Y1"),
            lambda contract=contract, acquirer=acquirer: ports[acquirer].ask_refund(contract, "R1"),
        ):
            with pytest.raises(WalletRefused) as found:
                call()
            assert found.value.code == "COLLECTOR_IS_PROVIDER"
