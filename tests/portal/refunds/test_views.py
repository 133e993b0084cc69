import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.merchants.models import Restriction
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import queries
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, RefundState, Wallet
from tests.factories.merchants import add_user
from tests.factories.payments import add_order, add_payment, add_refund
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    """¥20.00 with ¥3.00 by JD, received by WeChat Pay."""
    return add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=now(), wallet=Wallet.JDPAY, discount=300)


def text(response: TestResponse) -> str:
    """The page's words without its tags, blanks made one."""
    page = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def hidden(response: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.get_data(as_text=True)))


def fill(owners_browser: FlaskClient, paid: str, amount: str, reason: str = "quality", own: str = "") -> TestResponse:
    key = hidden(owners_browser.get(f"/receipts/{paid}/refund"))["key"]
    return owners_browser.post(
        f"/receipts/{paid}/refund", data={"amount": amount, "reason": reason, "own": own, "key": key}
    )


def check(owners_browser: FlaskClient, paid: str, amount: str) -> TestResponse:
    return owners_browser.get(fill(owners_browser, paid, amount).location)


def confirm(owners_browser: FlaskClient, paid: str, page: TestResponse) -> TestResponse:
    return owners_browser.post(f"/receipts/{paid}/refund/check", data=hidden(page))


def written(db: Database) -> list[int]:
    with db.transaction(merchant=SHOP) as session:
        return [item.refund.amount for item in queries.newest(session, SHOP, most=99)]


def test_the_form_is_filled_with_what_is_left(owners_browser: FlaskClient, paid: str) -> None:
    page = owners_browser.get(f"/receipts/{paid}/refund").get_data(as_text=True)
    assert 'value="20.00"' in page
    assert 'inputmode="decimal"' in page


def test_the_check_page_says_where_each_fen_goes(owners_browser: FlaskClient, paid: str) -> None:
    words = text(check(owners_browser, paid, "12"))
    for sentence in (
        "核对后再退",
        "退后还可退 ¥8.00",
        "顾客的京东支付 ¥10.20",
        "京东收回立减 ¥1.80",
        "顾客当时付 ¥17.00，京东立减 ¥3.00，按比例退",
        "一码把申请交给微信支付",
        "确认退款 ¥12.00",
    ):
        assert sentence in words


def test_accepted_is_never_called_done(owners_browser: FlaskClient, paid: str) -> None:
    page = owners_browser.get(confirm(owners_browser, paid, check(owners_browser, paid, "12")).location)
    words = text(page)
    assert "已受理，还没到账" in words
    assert "“退款微信支付已经受理，¥10.20 一般 1–3 个工作日退到您的京东支付。”" in words
    assert "成功" not in words
    assert "到账了" not in words


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (WalletRefused("NOT_ENOUGH", "账户余额不足"), ("没退成，钱还在您这里", "微信支付说：账户余额不足")),
        (WalletUnknown("TIMEOUT"), ("还不知道微信支付办没办", "正在问，不用再点。")),
        (WalletUnavailable("NO_ROUTE"), ("已记下，正在交给微信支付", "还没有退出去")),
    ],
)
def test_the_result_claims_no_more_than_the_wallet_said(
    owners_browser: FlaskClient,
    paid: str,
    wallets: dict[Acquirer, ScriptedWallet],
    trouble: Exception,
    words: tuple[str, ...],
) -> None:
    wallets[Acquirer.WECHAT].script["refund"] = trouble
    shown = text(owners_browser.get(confirm(owners_browser, paid, check(owners_browser, paid, "12")).location))
    for sentence in words:
        assert sentence in shown
    assert "成功" not in shown
    assert "受理，还没到账" not in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RefundState.SUCCESS, "退款到账了"),
        (RefundState.ABNORMAL, "退款卡住了，没到顾客手里"),
        (RefundState.CLOSED, "没退成，钱还在您这里"),
    ],
)
def test_every_end_has_its_own_words(
    owners_browser: FlaskClient, db: Database, keyring: Keyring, paid: str, state: RefundState, words: str
) -> None:
    number = add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=600, now=now(), state=state)
    shown = text(owners_browser.get(f"/refunds/{number}"))
    assert words in shown
    assert "两个橙子坏了" in shown


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "请填退款金额"),
        ("0", "金额要大于 0"),
        ("0.001", "金额最多两位小数"),
        ("1e9", "金额只能是数字"),
        ("1000000000", "最多只能退 ¥20.00"),
        ("20.01", "最多只能退 ¥20.00"),
        ("-5", "金额只能是数字"),
        ("五块", "金额只能是数字"),
        ("🍊", "金额只能是数字"),
    ],
)
def test_an_amount_that_cannot_be_refunded_is_explained_and_stays_typed(
    owners_browser: FlaskClient, db: Database, paid: str, typed: str, words: str
) -> None:
    response = fill(owners_browser, paid, typed)
    assert response.status_code == 422
    page = response.get_data(as_text=True)
    assert words in page
    assert f'value="{typed}"' in page
    assert "<title>错误：" in page
    assert written(db) == []


def test_full_width_digits_are_understood(owners_browser: FlaskClient, db: Database, paid: str) -> None:
    confirm(owners_browser, paid, check(owners_browser, paid, "１２．５０"))
    assert written(db) == [1_250]


@pytest.mark.parametrize(
    ("reason", "own", "words"),
    [
        ("", "", "请选退款原因"),
        ("own", " ", "请填其他原因"),
        ("own", "长" * 41, "原因最多 40 个字"),
        ("x", "", "请选退款原因"),
    ],
)
def test_a_reason_is_needed(owners_browser: FlaskClient, paid: str, reason: str, own: str, words: str) -> None:
    response = fill(owners_browser, paid, "5", reason, own)
    assert response.status_code == 422
    assert words in text(response)


def test_own_words_reach_the_wallet(
    owners_browser: FlaskClient, paid: str, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    page = owners_browser.get(fill(owners_browser, paid, "5", "own", "两个橙子坏了 🍊").location)
    confirm(owners_browser, paid, page)
    assert wallets[Acquirer.WECHAT].asked[-1][1].reason == "两个橙子坏了 🍊"  # type: ignore[attr-defined]


def test_a_double_tap_refunds_once(owners_browser: FlaskClient, db: Database, paid: str) -> None:
    page = check(owners_browser, paid, "5")
    first, second = confirm(owners_browser, paid, page), confirm(owners_browser, paid, page)
    assert first.location == second.location
    assert written(db) == [500]


def test_back_and_again_leads_to_the_same_refund(owners_browser: FlaskClient, db: Database, paid: str) -> None:
    address = fill(owners_browser, paid, "5").location
    first = confirm(owners_browser, paid, owners_browser.get(address))
    again = owners_browser.get(address)
    assert (again.status_code, again.location) == (303, first.location)
    assert written(db) == [500]


def test_of_two_tabs_the_second_is_told_what_changed_and_asked_again(
    owners_browser: FlaskClient, db: Database, paid: str
) -> None:
    one, two = check(owners_browser, paid, "5"), check(owners_browser, paid, "6")
    confirm(owners_browser, paid, one)
    answer = confirm(owners_browser, paid, two)
    assert answer.status_code == 409
    assert "现在可退 ¥15.00" in text(answer)
    assert written(db) == [500]
    assert confirm(owners_browser, paid, answer).status_code == 303
    assert sorted(written(db)) == [500, 600]


def test_a_second_tab_that_wants_more_than_is_left_goes_back_to_the_amount(
    owners_browser: FlaskClient, db: Database, paid: str
) -> None:
    one, two = check(owners_browser, paid, "15"), check(owners_browser, paid, "20")
    confirm(owners_browser, paid, one)
    answer = confirm(owners_browser, paid, two)
    assert answer.status_code == 422
    assert "最多只能退 ¥5.00" in text(answer)
    assert written(db) == [1_500]


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_check_page_without_a_proper_key_goes_back_to_the_form(
    owners_browser: FlaskClient, paid: str, key: str
) -> None:
    response = owners_browser.get(
        f"/receipts/{paid}/refund/check", query_string={"amount": "5", "reason": "x", "key": key}
    )
    assert (response.status_code, response.location) == (302, f"/receipts/{paid}/refund")


def test_what_is_fully_refunded_says_so(owners_browser: FlaskClient, db: Database, keyring: Keyring, paid: str) -> None:
    add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=2_000, now=now(), state=RefundState.SUCCESS)
    response = owners_browser.get(f"/receipts/{paid}/refund")
    assert response.status_code == 409
    assert "这笔已经没有可退的了" in text(response)


def test_a_payment_of_last_year_says_so(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    old = add_payment(db, keyring, merchant_id=SHOP, amount=500, now=now() - timedelta(days=366))
    assert "付款超过 365 天" in text(owners_browser.get(f"/receipts/{old}/refund"))


def test_a_paused_function_gives_its_reason_and_its_way_out(
    owners_browser: FlaskClient, db: Database, paid: str
) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.add(
            Restriction(
                merchant_id=SHOP,
                restriction_id=1,
                function="refund",
                reason="银行卡要核对",
                way_out="请联系客服核对银行卡",
                since=now(),
                lift_reason="",
            )
        )
    words = text(owners_browser.get(f"/receipts/{paid}/refund"))
    assert "退款功能暂停了" in words
    assert "请联系客服核对银行卡" in words


def test_an_unpaid_order_has_no_refund_page(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=500, now=now())
    assert owners_browser.get(f"/receipts/{number}/refund").status_code == 404


def test_the_list_shows_every_refund_with_its_state(
    owners_browser: FlaskClient, db: Database, keyring: Keyring, paid: str
) -> None:
    assert "还没有退过款" in text(owners_browser.get("/refunds"))
    for state in (RefundState.SUCCESS, RefundState.PROCESSING, RefundState.CLOSED, RefundState.ABNORMAL):
        add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=100, now=now(), state=state)
    words = text(owners_browser.get("/refunds"))
    assert all(word in words for word in ("已退", "退款中", "没退成", "卡住了"))


def test_a_long_list_has_pages(owners_browser: FlaskClient, db: Database, keyring: Keyring, paid: str) -> None:
    for _ in range(31):
        add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=1, now=now())
    page = owners_browser.get("/refunds").get_data(as_text=True)
    (older,) = re.findall(r'href="(/refunds\?before=\w+)" rel="next"', page)
    assert owners_browser.get(older).get_data(as_text=True).count('class="row__amount"') == 1


def test_another_shop_finds_nothing(strangers_browser: FlaskClient, db: Database, keyring: Keyring, paid: str) -> None:
    number = add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=100, now=now())
    for path in (
        f"/receipts/{paid}/refund",
        f"/receipts/{paid}/refund/check?amount=1&reason=x&key=k",
        f"/refunds/{number}",
    ):
        assert strangers_browser.get(path).status_code == 404
    for path in (f"/receipts/{paid}/refund", f"/receipts/{paid}/refund/check"):
        form = {"amount": "1", "reason": "quality", "key": "k", "available": "1900"}
        assert strangers_browser.post(path, data=form).status_code == 404
    assert written(db) == [100]


def test_a_clerk_may_ask_too(db: Database, keyring: Keyring, paid: str, client_of: Callable[..., FlaskClient]) -> None:
    clerk = add_user(db, keyring, phone="+8613800138009", name="周姐", merchant_id=SHOP, role="clerk")
    owners_browser = client_of(clerk, SHOP)
    confirm(owners_browser, paid, check(owners_browser, paid, "1"))
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
    assert row is not None
    assert row.refund_reserved == 100
