import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import Acquirer, BrowserReturn, Opening, OpeningKind, PaymentAnswer, PaymentState
from tests.factories.merchants import add_merchant
from tests.factories.wallets import ScriptedWallet

SHOP = 482913057
CODE = "7KQ42MHDW"
WECHAT = {"User-Agent": "Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.50 Language/zh_CN"}
JD = {"User-Agent": "Mozilla/5.0 MQQBrowser/9 CpayJS=UnionPay/1.0 JDJR application=JDJR-App&clientType=android"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140"}


@pytest.fixture(autouse=True)
def shop(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code=CODE)


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def scan(client: FlaskClient, agent: dict[str, str]) -> str:
    return client.get(f"/c/{CODE}", headers=agent).get_data(as_text=True)


def post(client: FlaskClient, agent: dict[str, str], amount: str, **more: str) -> TestResponse:
    form = form_of(scan(client, agent))
    return client.post(f"/c/{CODE}", headers=agent, data={**form, "amount": amount, **more})


def test_the_payers_page_is_one_small_response(client: FlaskClient) -> None:
    response = client.get(f"/c/{CODE}", headers=WECHAT)
    size = len(response.data) + sum(len(f"{name}: {value}\r\n") for name, value in response.headers)
    assert size <= 14_600
    assert "阿珍水果摊" in response.get_data(as_text=True)
    assert not re.findall(r'(?:src|href)="[^"#]', response.get_data(as_text=True))


def test_wechat_sends_the_payer_to_log_in_after_the_amount(client: FlaskClient) -> None:
    response = post(client, WECHAT, "12.34")
    assert response.status_code == 303
    assert response.location.startswith("https://login.example/")


def test_wechat_opens_its_bridge_once_the_payer_is_known(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    state = post(client, WECHAT, "12.34").location.rpartition("=")[2]
    with client.session_transaction() as cookie:
        number = next(key for key in cookie if key.startswith("login:")).removeprefix("login:")
    page = client.get(f"/o/{number}/wechat?code=abc&state={state}", headers=WECHAT).get_data(as_text=True)
    assert f"prepay_id={number}" in page
    _, order = wallets[Acquirer.WECHAT].asked[-1]
    assert (order.amount, order.payer_id, order.contract.sub_merchant_no) == (1234, "openid-abc", f"WX{SHOP}")


def test_a_login_that_another_browser_began_is_refused(client: FlaskClient) -> None:
    post(client, WECHAT, "12.34")
    with client.session_transaction() as cookie:
        number = next(key for key in cookie if key.startswith("login:")).removeprefix("login:")
    assert client.get(f"/o/{number}/wechat?code=abc&state=forged", headers=WECHAT).status_code == 403


def test_jd_is_redirected_to_its_cashier(client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]) -> None:
    response = post(client, JD, "5")
    assert response.status_code == 303
    assert response.location.startswith("https://cashier.example/Y")
    _, order = wallets[Acquirer.JDPAY].asked[-1]
    assert (order.amount, order.contract.sub_merchant_no) == (500, f"JD{SHOP}")


def test_a_double_tap_opens_the_same_order(client: FlaskClient) -> None:
    form = {**form_of(scan(client, JD)), "amount": "5.00"}
    first, second = (client.post(f"/c/{CODE}", headers=JD, data=form) for _ in range(2))
    assert first.location == second.location


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "请填付款金额"),
        ("0", "金额要大于 0"),
        ("0.001", "金额最多两位小数"),
        ("1e9", "金额只能是数字"),
        ("-5", "金额只能是数字"),
        ("1000000000", "金额太大"),
        ("五块", "金额只能是数字"),
    ],
)
def test_an_amount_nobody_can_pay_is_refused_in_words_and_stays_typed(
    client: FlaskClient, typed: str, words: str
) -> None:
    response = post(client, WECHAT, typed)
    assert response.status_code == 422
    page = response.get_data(as_text=True)
    assert words in page
    assert f'value="{typed}"' in page


def test_full_width_digits_are_understood(client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]) -> None:
    post(client, JD, "１２．５０")
    assert wallets[Acquirer.JDPAY].asked[-1][1].amount == 1250


def test_any_other_app_is_told_which_wallets_work(client: FlaskClient) -> None:
    assert "请用微信或京东扫" in scan(client, BROWSER)


@pytest.mark.parametrize("code", ["7KQ42MHD8", "nonsense", "7KQ42MHD", "ZZZZZZZZZ"])
def test_a_code_that_does_not_exist_warns_of_a_fake(client: FlaskClient, code: str) -> None:
    response = client.get(f"/c/{code}", headers=WECHAT)
    assert response.status_code == 404
    assert "没有这个收款码" in response.get_data(as_text=True)


def test_a_wallet_that_says_no_is_quoted(client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]) -> None:
    wallets[Acquirer.JDPAY].script["open_payment"] = WalletRefused("LIMIT", "超出单日收款限额")
    response = post(client, JD, "5")
    assert response.status_code == 409
    assert "超出单日收款限额" in response.get_data(as_text=True)


def test_a_wallet_that_is_silent_leaves_the_order_open(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[Acquirer.JDPAY].script["open_payment"] = WalletUnknown("TIMEOUT")
    response = post(client, JD, "5")
    assert response.status_code == 503
    assert "正在确认" in response.get_data(as_text=True)


def test_a_strangers_order_number_is_not_found(client: FlaskClient) -> None:
    assert client.get("/o/Y0000000000000000000000000000").status_code == 404


def test_the_form_needs_its_token(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    assert browser.post(f"/c/{CODE}", headers=WECHAT, data={"amount": "1"}).status_code == 400


def test_a_signed_form_goes_to_the_cashier_by_itself_or_by_the_button(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    form = Opening(OpeningKind.FORM, url="https://h5pay.example/jdpay/customerPay", fields={"sign": 'a"b', "ip": "0a"})
    wallets[Acquirer.JDPAY].script["open_payment"] = form
    response = post(client, JD, "5")
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert 'action="https://h5pay.example/jdpay/customerPay"' in page
    assert '<input type="hidden" name="sign" value="a&#34;b">' in page
    assert "去京东付款" in page
    assert "阿珍水果摊" in page
    _, order = wallets[Acquirer.JDPAY].asked[-1]
    assert order.return_url.endswith(f"/o/{order.order_no}")


def paid(wallets: dict[Acquirer, ScriptedWallet], number: str) -> None:
    wallets[Acquirer.JDPAY].script["ask_payment"] = PaymentAnswer(
        Acquirer.JDPAY, number, PaymentState.SUCCESS, f"JD{SHOP}", transaction_id="T1", amount=500, payer_amount=500
    )


def jd_order(client: FlaskClient) -> str:
    return post(client, JD, "5").location.rpartition("/")[2]


def test_a_browser_that_comes_back_with_a_signature_is_worth_a_question(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    number = jd_order(client)
    paid(wallets, number)
    wallets[Acquirer.JDPAY].script["read_return"] = BrowserReturn(number, says_paid=True)
    back = client.post(f"/o/{number}", headers=JD, data={"tradeNum": "00", "status": "00"})
    assert (back.status_code, back.location) == (303, f"/o/{number}")
    assert "已付款" in client.get(f"/o/{number}", headers=JD).get_data(as_text=True)


@pytest.mark.parametrize("told", [WalletUnknown("RETURN_NOT_SIGNED"), BrowserReturn("Y999", says_paid=True)])
def test_a_browser_that_only_claims_to_have_paid_changes_nothing(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet], told: object
) -> None:
    number = jd_order(client)
    paid(wallets, number)
    wallets[Acquirer.JDPAY].script["read_return"] = told
    assert client.post(f"/o/{number}", headers=JD, data={"status": "0"}).status_code == 303
    assert "ask_payment" not in [name for name, _ in wallets[Acquirer.JDPAY].asked]


def test_what_the_cashier_says_is_not_booked_when_the_wallet_says_otherwise(
    client: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    number = jd_order(client)
    wallets[Acquirer.JDPAY].script["read_return"] = BrowserReturn(number, says_paid=True)
    client.post(f"/o/{number}", headers=JD)
    assert "已付款" not in client.get(f"/o/{number}", headers=JD).get_data(as_text=True)


def test_a_return_to_no_order_of_ours_finds_nothing(client: FlaskClient) -> None:
    assert client.post("/o/Y123", headers=JD, data={"status": "0"}).status_code == 404
