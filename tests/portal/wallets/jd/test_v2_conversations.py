"""Conversations of V2.0: what goes out is what JD opens; what comes back broken is unknown, and money stays put."""

from datetime import timedelta
from typing import Any

import pytest
from Crypto.PublicKey import RSA

from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.jdpay.v2 import forms, orders, refunds, returns
from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import V2Keys, goes_by_v2, keys_of
from portal.wallets.jdpay.v2.words import TradeType
from portal.wallets.port import (
    Acquirer,
    Contract,
    OpeningKind,
    OpeningWay,
    PaymentState,
    RefundState,
    RefundToSend,
)
from portal.wallets.transport import Answer, Budget
from tests.portal.wallets.conftest import AGENT_NO, DES_KEY, NOW
from tests.portal.wallets.jd.by_hand import V2_MERCHANT_NO, JdSide, elements, outer, seal_with_length
from tests.portal.wallets.test_untrusted_answers import Recorded, order_to

RESULT = "<result><code>000000</code><desc>success</desc></result>"
BACK = "https://yima.example/o/Y123456"


def told(side: JdSide, fields: dict[str, str], *, more: str = "", **how: Any) -> Answer:
    return Answer(200, {}, side.message(RESULT + elements(fields) + more, **how))


def refused(side: JdSide, code: str) -> Answer:
    inner = f"<result><code>{code}</code><desc>说明</desc></result>"
    return Answer(200, {}, side.message(inner, code=code))


def client(settings: JdSettings, *answers: Answer) -> V2Client:
    return V2Client(settings, Recorded(*answers))


def refund_of(contract: Contract) -> RefundToSend:
    return RefundToSend(contract, "R1", "Y123456", "Y123456", 500, 1234, "退货🥟", "https://yima.example/notify/jdpay")


def asked(transport: Recorded, side: JdSide) -> dict[str, str]:
    return side.opened(transport.sent[0][3] or b"")


def test_an_order_for_a_screen_goes_out_under_the_merchants_own_key(
    settings: JdSettings, keys: V2Keys, contract: Contract, jd_side: JdSide
) -> None:
    answer = {"tradeNum": "Y123456", "orderId": "O1", "qrCode": "https://qr.m.jd.com/p?k=1"}
    transport = Recorded(told(jd_side, answer))
    order = order_to(contract, way=OpeningWay.SCREEN, expires_at=NOW + timedelta(minutes=15), return_url=BACK)
    opening = orders.open_payment(V2Client(settings, transport), keys, order, budget=Budget(1))
    assert (opening.kind, opening.url) == (OpeningKind.CODE, "https://qr.m.jd.com/p?k=1")
    method, url, headers, _ = transport.sent[0]
    assert (method, url) == ("POST", "https://paygate.jd.com/service/uniorder")
    assert headers["Content-Type"].startswith("application/xml")
    assert asked(transport, jd_side) == {
        "version": "V2.0",
        "merchant": V2_MERCHANT_NO,
        "tradeNum": "Y123456",
        "tradeName": "老王包子铺",
        "tradeTime": "20261121123109",
        "amount": "1234",
        "orderType": "0",
        "currency": "CNY",
        "notifyUrl": "https://yima.example/notify/wechat",
        "ip": "203.0.113.7",
        "expireTime": "900",
        "callbackUrl": BACK,
        "tradeType": "QR",
    }


@pytest.mark.parametrize(
    ("way", "url", "own"),
    [
        (OpeningWay.IN_APP, "https://h5pay.jd.com/jdpay/customerPay", ("tradeType", "DRCT")),
        (OpeningWay.BROWSER, "https://h5pay.jd.com/jdpay/saveOrder", ("userId", "oUpF8")),
    ],
)
def test_a_browser_takes_a_signed_form_to_the_cashier(
    settings: JdSettings,
    keys: V2Keys,
    contract: Contract,
    jd_side: JdSide,
    way: OpeningWay,
    url: str,
    own: tuple[str, str],
) -> None:
    order = order_to(contract, way=way, return_url=BACK)
    opening = orders.open_payment(client(settings), keys, order, budget=Budget(1))
    assert (opening.kind, opening.url) == (OpeningKind.FORM, url)
    plain = jd_side.opened_form(opening.fields)
    assert (plain["tradeNum"], plain["amount"], plain["callbackUrl"], plain["merchant"]) == (
        "Y123456",
        "1234",
        BACK,
        V2_MERCHANT_NO,
    )
    assert plain[own[0]] == own[1]
    assert opening.fields["amount"] == seal_with_length(b"1234", DES_KEY)
    assert "1234" not in repr(opening)


def test_a_form_that_leads_nowhere_is_not_made(settings: JdSettings, keys: V2Keys, contract: Contract) -> None:
    with pytest.raises(WalletRefused, match="RETURN_URL_MISSING"):
        forms.customer_pay(settings, keys, order_to(contract))
    with pytest.raises(WalletRefused, match="AMOUNT"):
        forms.customer_pay(settings, keys, order_to(contract, amount=0, return_url=BACK))


def broken(side: JdSide) -> list[Answer]:
    good = {"tradeNum": "Y123456", "tradeType": "0", "amount": "1234", "status": "2"}
    body = told(side, good).body
    return [
        told(side, good | {"tradeNum": "Y999999"}),
        told(side, good | {"status": "7"}),
        told(side, good | {"amount": ""}),
        told(side, good, key=RSA.generate(1024)),  # noqa: S505
        told(side, good, des_key="AAECAwQFBgcICQoLDA0ODxAREhMUFRYY"),
        told(side, good, merchant="110290193004"),
        told(side, good | {"merchant": "110290193004"}),
        Answer(200, {}, body[: len(body) // 2]),
        Answer(200, {}, outer(None)),
        Answer(200, {}, b"<html></html>"),
        Answer(200, {}, b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><jdpay/>'),
        Answer(200, {}, b""),
        Answer(500, {}, b""),
    ]


def test_an_answer_jd_did_not_sign_for_this_order_is_unknown(
    settings: JdSettings, keys: V2Keys, jd_side: JdSide
) -> None:
    for answer in broken(jd_side):
        with pytest.raises(WalletUnknown):
            orders.ask_payment(client(settings, answer), keys, "Y123456", budget=Budget(1))


def test_an_order_or_refund_jd_never_saw_is_an_answer_under_seal_only(
    settings: JdSettings, keys: V2Keys, jd_side: JdSide
) -> None:
    none = client(settings, refused(jd_side, "100002"), refused(jd_side, "100011"))
    assert orders.ask_payment(none, keys, "Y1", budget=Budget(1)).state is PaymentState.UNPAID
    assert refunds.ask_refund(none, keys, "R1", budget=Budget(1)).state is RefundState.MISSING
    unsealed = client(settings, *[Answer(200, {}, outer(None, code=code)) for code in ("100002", "100011")])
    with pytest.raises(WalletUnavailable):
        orders.ask_payment(unsealed, keys, "Y1", budget=Budget(1))
    with pytest.raises(WalletUnavailable):
        refunds.ask_refund(unsealed, keys, "R1", budget=Budget(1))


def test_a_refund_goes_out_gross_and_comes_back_taken(
    settings: JdSettings, keys: V2Keys, contract: Contract, jd_side: JdSide
) -> None:
    transport = Recorded(told(jd_side, {"tradeNum": "R1", "oTradeNum": "Y123456", "amount": "500", "status": "0"}))
    found = refunds.refund(V2Client(settings, transport), keys, refund_of(contract), now=NOW, budget=Budget(1))
    assert (found.state, found.amount, found.arrived_at) == (RefundState.PROCESSING, 500, None)
    sent = asked(transport, jd_side)
    assert (sent["tradeNum"], sent["oTradeNum"], sent["amount"], sent["note"]) == ("R1", "Y123456", "500", "退货")
    assert transport.sent[0][1].endswith("/service/refund")


def test_a_refund_that_may_have_been_taken_is_unknown(
    settings: JdSettings, keys: V2Keys, contract: Contract, jd_side: JdSide
) -> None:
    for answer in (
        Answer(200, {}, outer(None, code="900004")),
        Answer(429, {}, b""),
        Answer(404, {}, b""),
        told(jd_side, {"tradeNum": "R2", "status": "2"}),
    ):
        with pytest.raises(WalletUnknown):
            refunds.refund(client(settings, answer), keys, refund_of(contract), now=NOW, budget=Budget(1))
    with pytest.raises(WalletRefused):
        refunds.refund(
            client(settings, refused(jd_side, "100013")), keys, refund_of(contract), now=NOW, budget=Budget(1)
        )


def test_an_order_that_jd_refuses_without_a_seal_was_not_placed(
    settings: JdSettings, keys: V2Keys, contract: Contract
) -> None:
    order = order_to(contract, way=OpeningWay.SCREEN)
    with pytest.raises(WalletRefused):
        orders.open_payment(
            client(settings, Answer(200, {}, outer(None, code="900004"))), keys, order, budget=Budget(1)
        )


def test_a_code_that_does_not_come_is_missed(
    settings: JdSettings, keys: V2Keys, contract: Contract, jd_side: JdSide
) -> None:
    order = order_to(contract, way=OpeningWay.SCREEN)
    with pytest.raises(WalletUnknown):
        orders.open_payment(
            client(settings, told(jd_side, {"tradeNum": "Y123456", "orderId": "O1"})), keys, order, budget=Budget(1)
        )


@pytest.mark.parametrize(
    ("status", "error"), [("0", WalletUnavailable), ("1", WalletUnavailable), ("2", WalletRefused)]
)
def test_an_order_that_may_still_be_paid_is_not_closed(
    settings: JdSettings, keys: V2Keys, jd_side: JdSide, status: str, error: type[WalletError]
) -> None:
    answer = told(jd_side, {"tradeNum": "Y1", "amount": "5", "status": status})
    with pytest.raises(error):
        orders.close_payment(client(settings, answer), keys, "Y1", now=NOW, budget=Budget(1))


@pytest.mark.parametrize("status", ["3", "4"])
def test_an_order_that_ended_is_closed(settings: JdSettings, keys: V2Keys, jd_side: JdSide, status: str) -> None:
    answer = told(jd_side, {"tradeNum": "Y1", "amount": "5", "status": status})
    orders.close_payment(client(settings, answer), keys, "Y1", now=NOW, budget=Budget(1))


def test_an_app_is_told_what_jds_own_library_wants(
    settings: JdSettings, keys: V2Keys, contract: Contract, jd_side: JdSide
) -> None:
    transport = Recorded(told(jd_side, {"tradeNum": "Y123456", "orderId": "O1"}))
    placed = orders.place(V2Client(settings, transport), keys, order_to(contract), TradeType.GEN, budget=Budget(1))
    assert asked(transport, jd_side)["tradeType"] == "GEN"
    # md5("merchant=110290193003&orderId=O1&key=appkey"), worked out by md5sum
    assert orders.app_call(keys, placed)["signData"] == "2361f54c1dff0859e46011d5044250c0"


def test_the_browser_says_0_when_it_was_paid(keys: V2Keys, jd_side: JdSide) -> None:
    for status, says in (("0", True), ("1", False), ("2", False)):
        back = returns.read_return(keys, jd_side.returned({"tradeNum": "Y1", "amount": "500", "status": status}))
        assert (back.order_no, back.says_paid) == ("Y1", says)
    with pytest.raises(WalletUnknown):
        returns.read_return(keys, {"tradeNum": "Y1", "status": "0"})
    with pytest.raises(WalletUnknown):
        returns.read_return(keys, {})


def test_only_a_contract_with_keys_of_its_own_goes_by_v2(contract: Contract) -> None:
    assert goes_by_v2(contract.keys)
    assert not goes_by_v2({"des_key": "x", "md5_key": "y"})
    with pytest.raises(WalletUnavailable, match="KEYS_MISSING"):
        keys_of(Contract(Acquirer.JDPAY, V2_MERCHANT_NO, {"v2_des_key": DES_KEY}), agent_no=AGENT_NO)
    for number in (AGENT_NO, ""):
        with pytest.raises(WalletRefused, match="COLLECTOR_IS_PROVIDER"):
            keys_of(Contract(Acquirer.JDPAY, number, contract.keys), agent_no=AGENT_NO)


@pytest.mark.parametrize("change", [{"v2_des_key": "broken"}, {"v2_rsa_private_key": "broken"}])
def test_without_usable_keys_nothing_is_sent(
    settings: JdSettings, contract: Contract, v2_keys: dict[str, str], change: dict[str, str]
) -> None:
    keys = keys_of(Contract(Acquirer.JDPAY, V2_MERCHANT_NO, v2_keys | change), agent_no=AGENT_NO)
    with pytest.raises(WalletUnavailable, match="KEYS_UNUSABLE"):
        orders.ask_payment(client(settings), keys, "Y1", budget=Budget(1))
    with pytest.raises(WalletUnavailable, match="KEYS_UNUSABLE"):
        forms.customer_pay(settings, keys, order_to(contract, return_url=BACK))
