"""The wallets' pages on the phone: cards bound, expired, switched and removed; quotas, reductions, history."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox.interconnect import directory

STALL = next(text for text, holding, _, _ in directory.SEEDS if holding == directory.OTHER)
PERSON = next(text for text, holding, _, _ in directory.SEEDS if holding == directory.PERSONAL)

Call = Callable[..., TestResponse]


@pytest.fixture
def phone(sandbox: Flask) -> Call:
    client = sandbox.test_client()

    def call(method: str, path: str, **more: Any) -> TestResponse:
        return client.open(path, method=method, **more)

    return call


def pay(phone: Call, **values: Any) -> dict[str, Any]:
    told: dict[str, Any] = phone(
        "POST", "/phone/api/pay", json={"text": STALL, "wallet": "jdpay", "amount": 2000} | values
    ).json
    return told


def test_a_person_binds_a_card_lets_it_pay_expire_and_removes_it(phone: Call) -> None:
    bound = phone(
        "POST", "/phone/wallet/jdpay/bind", data={"bank": "ICBC", "kind": "debit", "number": "6222020200001234"}
    )
    card = bound.headers["Location"]
    assert card == "/phone/wallet/jdpay/cards/icbc-debit-1234"
    assert "工商银行储蓄卡1234" in phone("GET", "/phone/wallet/jdpay").text
    assert "默认付款" in phone("POST", card, data={"act": "use"}, follow_redirects=True).text
    assert pay(phone)["payer_paid"] == 2000
    assert "已过期" in phone("POST", card, data={"act": "expire"}, follow_redirects=True).text
    assert pay(phone)["message"] == "工商银行储蓄卡1234已经过期，请换一种付款方式"
    phone("POST", card, data={"act": "renew"})
    assert pay(phone)["result"] == "paid"
    wallet = phone("POST", card, data={"act": "remove"}, follow_redirects=True)
    assert "1234" not in wallet.text
    assert phone("GET", card).status_code == 404
    assert phone("GET", "/phone/api/wallet/jd").json["source"] == "ccb-debit-2231"


def test_what_was_typed_stays_typed(phone: Call) -> None:
    page = phone("POST", "/phone/wallet/wechat/bind", data={"bank": "PSBC", "kind": "credit", "number": "12 34"})
    assert page.status_code == 422
    assert "卡号是 16 到 19 位数字" in page.text
    assert 'value="12 34"' in page.text
    assert 'value="PSBC" selected' in page.text


def test_the_source_is_switched_on_the_wallets_page(phone: Call) -> None:
    phone("POST", "/phone/wallet/wechat/cards/cmb-debit-6789", data={"act": "use"})
    assert "招商银行储蓄卡6789" in phone("GET", "/phone/app/wechat").text
    assert phone("POST", "/phone/wallet/wechat", data={"source": "balance"}).status_code == 303
    assert phone("GET", "/phone/api/wallet/wechat").json["source"] == "balance"
    assert phone("POST", "/phone/wallet/wechat", data={"source": "none"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("GET", "/phone/wallet/alipay", None, 404),
        ("GET", "/phone/app/alipay", None, 404),
        ("GET", "/phone/wallet/jdpay/cards/none", None, 404),
        ("POST", "/phone/wallet/jdpay/cards/none", {"act": "use"}, 404),
        ("POST", "/phone/wallet/jdpay/cards/ccb-debit-2231", {"act": "eat"}, 400),
        ("POST", "/phone/wallet/jdpay/cards/ccb-debit-2231", {"act": "renew"}, 422),
        ("GET", "/phone/stall/none", None, 404),
        ("POST", "/phone/stall/none", {"outcome": "pay"}, 404),
    ],
)
def test_what_is_not_there_is_told_so(phone: Call, method: str, path: str, data: dict[str, str], status: int) -> None:
    assert phone(method, path, data=data).status_code == status


def test_cards_by_script_are_those_of_whoever_holds_the_phone(phone: Call) -> None:
    phone("POST", "/phone/api/me", json={"payer": "lina"})
    phone("POST", "/phone/api/wallet/jd/cards", json={"bank": "BOC", "kind": "debit", "number": "6222020200009999"})
    assert len(phone("GET", "/payers/lina/jd").json["cards"]) == 3
    assert len(phone("GET", "/payers/demo/jd").json["cards"]) == 2
    phone("POST", "/phone/api/wallet/jd/cards/boc-debit-9999", json={"act": "use"})
    assert phone("DELETE", "/phone/api/wallet/jd/cards/boc-debit-9999").json["source"] == "ccb-debit-2231"
    phone("POST", "/phone/api/wallet/jd", json={"level": "C", "next_reduction": 300})
    assert phone("GET", "/payers/lina/jd").json["next_reduction"] == 300
    assert phone("GET", "/payers/demo/jd").json["next_reduction"] == 0


def test_a_static_code_shows_shop_and_price_before_the_tap_and_both_sides_after_it(phone: Call) -> None:
    phone("POST", "/payers/demo/jd", json={"next_reduction": 300})
    phone("GET", "/phone?wallet=jdpay")
    stall = phone("POST", "/phone/scan", data={"text": STALL}).headers["Location"]
    page = phone("GET", stall).text
    assert "老周豆腐" in page
    assert "清算机构" in page
    address = phone("POST", "/phone/stall", data={"code": STALL, "amount": "20"}).headers["Location"]
    check = " ".join(phone("GET", address).text.split())
    assert "确认付款 ¥17.00" in check
    assert "京东扫码付立减</dt><dd>−¥3.00" in check
    assert "订单金额</dt><dd>¥20.00" in check
    assert "建设银行储蓄卡2231" in check
    for _ in range(2):
        phone("POST", address, data={"outcome": "pay"})
    done = " ".join(phone("GET", address).text.split())
    assert "付款 ¥17.00，商家收到 ¥20.00" in done
    payments = [e for e in phone("GET", "/phone/api/wallet/jd/history").json["entries"] if e["kind"] == "payment"]
    assert [(one["total"], one["payer_part"], one["static_code"]) for one in payments] == [(2000, 1700, True)]
    past = phone("GET", "/phone/wallet/jdpay/history").text
    assert "老周豆腐" in past
    assert "−17.00" in past
    assert "−¥3.00" in past


def test_a_payer_may_turn_away_from_a_static_code(phone: Call) -> None:
    told = pay(phone, outcome="refuse")
    assert (told["result"], told["payer_paid"]) == ("refused", None)
    assert phone("GET", "/phone/api/wallet/jd/history").json == {"entries": []}


@pytest.mark.parametrize("wallet", ["jdpay", "wechat"])
def test_the_quota_of_static_codes_asks_for_a_dynamic_one(phone: Call, wallet: str) -> None:
    assert pay(phone, wallet=wallet, amount=50_000)["result"] == "paid"
    assert "请店家出示动态码" in pay(phone, wallet=wallet, amount=1)["message"]
    phone("GET", f"/phone?wallet={wallet}")
    address = phone("POST", "/phone/stall", data={"code": STALL, "amount": "1"}).headers["Location"]
    page = phone("GET", address).text
    assert "请店家出示动态码" in page
    assert 'value="pay"' not in page
    assert phone("POST", address, data={"outcome": "pay"}).status_code == 422
    assert "Ask the shop for a dynamic code" in phone("GET", f"{address}?lang=en").text


@pytest.mark.parametrize("typed", ["", "abc", "0", "-5", "1.234", "100000.01", "1e3x", "Infinity", "９"])
def test_an_amount_that_is_none_stays_typed(phone: Call, typed: str) -> None:
    page = phone("POST", "/phone/stall", data={"code": STALL, "amount": typed})
    assert page.status_code == 422
    assert f'name="amount" value="{typed}"' in page.text
    assert 'aria-invalid="true"' in page.text


def test_a_personal_code_hides_all_but_the_last_sign_of_the_name(phone: Call) -> None:
    told = pay(phone, text=PERSON, wallet="wechat")
    assert (told["result"], told["shop"], told["payer_paid"], told["reduction"]) == ("paid", "**珍", 2000, 0)


def test_a_static_code_nobody_filed_opens_nothing(phone: Call) -> None:
    told = phone("POST", "/phone/api/scan", json={"wallet": "jdpay", "text": "wxp://f2f0unknownunknown"}).json
    assert (told["kind"], told["opens"]) == ("wechat_personal", None)
    page = phone("POST", "/phone/scan", data={"text": "wxp://f2f0unknownunknown"})
    assert page.status_code == 422
    assert "查不到收款人" in page.text
    assert phone("GET", "/phone/stall?code=wxp://f2f0unknownunknown").headers["Location"] == "/phone/scan"


def test_a_check_belongs_to_one_phone(phone: Call, sandbox: Flask) -> None:
    address = phone("POST", "/phone/stall", data={"code": STALL, "amount": "20"}).headers["Location"]
    assert sandbox.test_client().get(address).status_code == 404
    assert sandbox.test_client().post(address, data={"outcome": "pay"}).status_code == 404


def test_a_silent_acquirer_gives_the_money_back_and_grants_nothing(phone: Call) -> None:
    before = phone("GET", "/phone/api/wallet/jd").json["cards"][0]["money"]
    phone("POST", "/control/faults", json={"institution": "interconnect", "name": "accept_then_time_out"})
    told = pay(phone)
    assert (told["result"], told["subsidy"], told["payer_paid"]) == ("reversed", 0, None)
    assert phone("GET", "/phone/api/wallet/jd").json["cards"][0]["money"] == before


def test_the_drawing_beside_the_phone_goes_over_the_clearing_house(phone: Call) -> None:
    phone("POST", "/payers/demo/jd", json={"next_reduction": 300})
    pay(phone)
    drawn = phone("GET", "/phone/steps").text
    for words in ("转问收单机构", "扣付款人 ¥17.00，立减 ¥3.00", "转付", "¥20.00", "立减</span><b>¥3.00", "沙盒替身"):
        assert words in drawn
    pay(phone, wallet="wechat")
    assert "不经清算机构" in phone("GET", "/phone/steps").text
