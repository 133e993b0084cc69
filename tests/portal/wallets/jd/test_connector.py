"""One connector, two wires: whose contract it is decides, and the settings decide what JD's contract decides."""

from typing import Any

import pytest

from portal.wallets.errors import WalletRefused, WalletSettingsError, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import client as aggregate
from portal.wallets.jdpay import orders
from portal.wallets.jdpay.settings import V2_GATEWAYS, Closing, OnScreen, read_settings
from portal.wallets.port import Ability, Acquirer, Contract, OpeningKind, OpeningWay, ReadsReturns, Wallet
from portal.wallets.registry import connectors
from portal.wallets.transport import Budget
from tests.portal.wallets.conftest import AGENT_NO, DES_KEY, MD5_KEY, MERCHANT_NO
from tests.portal.wallets.jd import by_hand
from tests.portal.wallets.test_untrusted_answers import Recorded, jd_answer, order_to

JD_CONTRACT = Contract(Acquirer.JDPAY, MERCHANT_NO, {"des_key": DES_KEY, "md5_key": MD5_KEY})


def test_without_gateways_of_its_own_v2_goes_to_the_real_hosts(sections: dict[str, Any]) -> None:
    settings = read_settings(sections["jd"])
    assert settings.v2_gateways == {name.value: address for name, address in V2_GATEWAYS.items()}
    assert settings.payx_gateway == "https://payx.jd.com"
    assert (settings.reply, settings.v2_on_screen, settings.v2_closing) == ("success", OnScreen.CODE, Closing.WAIT)
    other = read_settings(sections["jd"] | {"v2_gateways": {"paygate": "https://paygate.example/x/"}})
    assert other.v2_gateways["paygate"] == "https://paygate.example/x"
    assert other.v2_gateways["bapi"] == "https://bapi.jdpay.com"


@pytest.mark.parametrize(
    "change",
    [
        {"v2_merchant_no": AGENT_NO},
        {"merchant_no": AGENT_NO},
        {"v2_gateways": {"elsewhere": "https://x.example"}},
        {"v2_gateways": "https://x.example"},
        {"v2_gateways": {"paygate": "http://paygate.example"}},
        {"v2_gateways": {"bapi": "ftp://bapi.example"}},
        {"v2_gateways": {"h5pay": "https://h5pay.example?x=1"}},
        {"payx_gateway": "http://payx.example"},
        {"reply": "yes"},
        {"v2_on_screen": "poster"},
        {"v2_closing": "hope"},
    ],
)
def test_it_refuses_to_start_with_what_cannot_be_right(sections: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(WalletSettingsError, match=r"^jd: "):
        connectors({"jd": sections["jd"] | change})


def test_the_contracts_keys_decide_which_wire_is_used(
    sections: dict[str, Any], contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = connectors({"jd": sections["jd"]})[Acquirer.JDPAY]
    assert isinstance(port, ReadsReturns)
    assert port.offers == {Ability.SCREEN_PAYMENT, Ability.BROWSER_PAYMENT}
    own = port.open_payment(order_to(contract, return_url="https://yima.example/o/Y1"))
    assert own.kind is OpeningKind.FORM
    with pytest.raises(WalletUnavailable, match="KEYS_MISSING"):
        port.open_payment(order_to(Contract(Acquirer.JDPAY, contract.sub_merchant_no, {"v2_des_key": DES_KEY})))
    with pytest.raises(WalletRefused, match="COLLECTOR_IS_PROVIDER"):
        port.open_payment(order_to(Contract(Acquirer.JDPAY, AGENT_NO, contract.keys)))
    with pytest.raises(WalletRefused, match="NOT_OFFERED"):
        port.read_return(JD_CONTRACT, {})
    with pytest.raises(WalletRefused, match="NOT_OFFERED"):
        port.open_payment(order_to(JD_CONTRACT, way=OpeningWay.BROWSER))


def test_a_code_for_a_screen_is_asked_of_payx(sections: dict[str, Any]) -> None:
    transport = Recorded(jd_answer({"scanUrl": "https://payx.jd.com/s/1"}))
    client = aggregate.Client(read_settings(sections["jd"]), transport)
    opening = orders.open_payment(client, order_to(JD_CONTRACT, way=OpeningWay.SCREEN), budget=Budget(1))
    assert (opening.kind, opening.url) == (OpeningKind.CODE, "https://payx.jd.com/s/1")
    _, url, _, body = transport.sent[0]
    assert url == "https://payx.jd.com/getScanUrl"
    cipher = (body or b"").decode().split('"cipherJson":"')[1].split('"')[0]
    fields = by_hand.open_v3(cipher, DES_KEY)
    assert by_hand.sign_v3(fields, MD5_KEY) in (body or b"").decode()
    assert (fields["businessType"], fields["amount"], fields["outTradeNo"]) == ("00", "1234", "Y123456")


@pytest.mark.parametrize("answer", [{"scanUrl": "weixin://x"}, {"scanUrl": "https://x", "outTradeNo": "Y9"}, {}])
def test_a_code_that_is_none_is_unknown(sections: dict[str, Any], answer: dict[str, str]) -> None:
    client = aggregate.Client(read_settings(sections["jd"]), Recorded(jd_answer(answer)))
    with pytest.raises(WalletUnknown):
        orders.open_payment(client, order_to(JD_CONTRACT, way=OpeningWay.SCREEN), budget=Budget(1))


def test_a_jd_order_paid_by_a_bank_app_does_not_pretend_to_be_jds(sections: dict[str, Any]) -> None:
    told = {
        "outTradeNo": "Y1",
        "tradeNo": "1",
        "payStatus": "FINISH",
        "piType": "UNIPAY",
        "productType": "QR",
        "piAmount": "500",
        "couponAmount": "100",
        "merchantCouponAmount": "50",
        "channelNoSeq": "U1",
    }
    client = aggregate.Client(read_settings(sections["jd"]), Recorded(jd_answer(told)))
    found = orders.ask_payment(client, JD_CONTRACT, "Y1", budget=Budget(1))
    assert (found.wallet, found.bank_type, found.trade_type, found.channel_no) == (
        Wallet.UNKNOWN,
        "UNIPAY",
        "QR",
        "U1",
    )
    assert [(part.amount, part.paid_by) for part in found.promotions] == [(100, "wallet"), (50, "merchant")]
    assert (found.amount, found.payer_amount) == (500, 350)
