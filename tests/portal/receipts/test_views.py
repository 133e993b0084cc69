import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.rebates import operations as rebates
from portal.rebates.models import Programme
from portal.refunds import operations as refunds
from portal.wallets.port import Acquirer, RefundState, Wallet
from portal.worker import carry_events
from tests.factories.payments import add_order, add_payment, add_refund
from tests.portal.stall import SHOP

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sunday_noon(owner: int) -> Iterator[None]:
    """22 November 2026, 12:00 in Shanghai, and no day that ends during a test."""
    with time_machine.travel(NOON, tick=True):
        yield


def text(response: TestResponse) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def test_an_empty_list_says_what_to_do(owners_browser: FlaskClient) -> None:
    page = owners_browser.get("/receipts")
    assert "还没有收款，先打印收款码" in text(page)
    assert 'href="/codes"' in page.get_data(as_text=True)


def test_receipts_stand_under_their_days_with_count_and_sum(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    for amount, ago in ((1_234, 0), (500, 1), (800, 24), (200, 72)):
        add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=NOON - timedelta(hours=ago))
    words = text(owners_browser.get("/receipts"))
    assert "今天 周日2 笔 ¥17.34" in words
    assert "昨天 周六1 笔 ¥8.00" in words
    assert "11月19日 周四1 笔 ¥2.00" in words
    assert words.index("今天 周日") < words.index("昨天 周六") < words.index("11月19日")


def test_a_row_names_wallet_number_time_and_state(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=4_800, now=NOON, acquirer=Acquirer.JDPAY)
    add_refund(
        db,
        keyring,
        merchant_id=SHOP,
        payment_no=number,
        amount=600,
        now=NOON,
        state=RefundState.SUCCESS,
        acquirer=Acquirer.JDPAY,
    )
    assert re.search(r"京东支付 ?第 1 笔 · 12:00 ?¥48.00 ?已退 ¥6.00", text(owners_browser.get("/receipts")))


def test_a_chip_keeps_its_choice_on_the_next_page(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    for minute in range(21):
        add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON - timedelta(minutes=minute))
    page = owners_browser.get("/receipts?show=wechat").get_data(as_text=True)
    (older,) = re.findall(r'href="(/receipts\?show=wechat&amp;before=\w+)"', page)
    page = owners_browser.get(older.replace("&amp;", "&")).get_data(as_text=True)
    assert page.count('class="row__amount"') == 1
    assert "show=wechat&amp;after=" in page


def test_a_chip_without_receipts_leads_back(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON)
    assert "没有这样的收款" in text(owners_browser.get("/receipts?show=jdpay"))


def test_a_receipt_tells_both_dimensions_the_discount_the_fee_and_what_stays(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, wallet=Wallet.JDPAY, discount=300)
    words = text(owners_browser.get(f"/receipts/{number}"))
    for sentence in (
        "顾客付了 ¥17.00",
        "京东支付立减",
        "京东出，不扣您的",
        "您收到 ¥20.00",
        "付款钱包 ?京东支付",
        "收单机构 ?微信支付",
        "微信支付手续费 ?费率 0.38% −¥0.08",
        "到手 ¥19.92",
        "退款 ?可退 ¥20.00",
        number,
        "42000",
    ):
        assert re.search(sentence, words), sentence


def test_the_story_is_told_in_order_and_in_words(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, wallet=Wallet.JDPAY, discount=300)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=1_200, now=NOON, state=RefundState.SUCCESS)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=100, now=NOON, state=RefundState.ABNORMAL)
    words = text(owners_browser.get(f"/receipts/{number}"))
    told = [
        "顾客扫码，付了 ¥17.00",
        "京东支付补上立减 ¥3.00",
        "微信支付确认收到 ¥20.00",
        "店里申请退款 ¥12.00：两个橙子坏了",
        "¥12.00 退到了顾客的京东支付",
        "退款 ¥1.00 卡在微信支付，没到顾客手里",
        "微信支付结算到您的银行卡",
    ]
    places = [words.index(sentence) for sentence in told]
    assert places == sorted(places)


def test_a_refusal_is_told_in_the_wallets_words(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    refund = add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=1_200, now=NOON)
    with db.transaction(merchant=SHOP) as session:
        refunds.note_refused(session, merchant_id=SHOP, refund_no=refund, refusal="余额不足", now=NOON)
    words = text(owners_browser.get(f"/receipts/{number}"))
    assert "退款 ¥12.00 没退成，钱还在您这里（微信支付说：余额不足）" in words
    assert "可退 ¥20.00" in words


def test_a_rebate_and_its_return_are_part_of_the_story(
    owners_browser: FlaskClient, db: Database, staff_db: Database, keyring: Keyring, tools: Tools
) -> None:
    with staff_db.transaction() as session:
        session.add(
            Programme(
                programme_id=1,
                name="邻里返现",
                rate_bp=100,
                budget=1_000_000,
                leased=0,
                starts_at=NOON - timedelta(days=1),
                ends_at=NOON + timedelta(days=1),
            )
        )
    with db.transaction(merchant=SHOP) as session:
        token = rebates.open_link(
            session, merchant_id=SHOP, programme_id=1, code_id=1, reference_key=keyring.reference_key, now=NOON
        )
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, share_token=token)
    carry_events(tools)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=1_000, now=NOON, state=RefundState.SUCCESS)
    carry_events(tools)
    words = text(owners_browser.get(f"/receipts/{number}"))
    assert "记下返现 ¥0.20，待确认" in words
    assert "退款扣回返现 ¥0.10" in words


def test_an_unknown_wallet_is_called_unknown(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, wallet=Wallet.UNKNOWN)
    words = text(owners_browser.get(f"/receipts/{number}"))
    assert re.search("付款钱包 ?未知", words)


def test_what_is_fully_refunded_offers_no_refund(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=2_000, now=NOON, state=RefundState.SUCCESS)
    page = owners_browser.get(f"/receipts/{number}")
    assert "已全额退" in text(page)
    assert f"/receipts/{number}/refund" not in page.get_data(as_text=True)


def test_another_shop_finds_no_receipt(
    owners_browser: FlaskClient, strangers_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    assert strangers_browser.get(f"/receipts/{number}").status_code == 404
    assert owners_browser.get("/receipts/YNOBODY").status_code == 404
    assert number not in strangers_browser.get("/receipts").get_data(as_text=True)
    assert strangers_browser.get(f"/receipts?before={number}").status_code == 200


def test_an_unpaid_order_is_no_receipt(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=500, now=NOON)
    assert owners_browser.get(f"/receipts/{number}").status_code == 404


def test_anybody_can_check_that_a_receipt_is_real(client: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, wallet=Wallet.JDPAY, discount=300)
    words = text(client.get(f"/v/{number}"))
    assert "这张收款是真的" in words
    assert "阿珍水果摊" in words
    assert "¥20.00" in words.replace("¥ ", "¥")
    assert "今天 12:00" in words
    for private in ("京东", "17.00", "someone", "42000", "手续费"):
        assert private not in words


@pytest.mark.parametrize(
    ("refunded", "state", "words"),
    [
        (2_000, RefundState.SUCCESS, "后来全额退了"),
        (500, RefundState.SUCCESS, "后来退了 ¥5.00"),
        (500, None, "有退款在办"),
    ],
)
def test_the_check_tells_of_refunds(
    client: FlaskClient, db: Database, keyring: Keyring, refunded: int, state: RefundState | None, words: str
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=refunded, now=NOON, state=state)
    assert words in text(client.get(f"/v/{number}"))


def test_an_unpaid_order_is_not_called_real(client: FlaskClient, db: Database, keyring: Keyring) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=500, now=NOON)
    words = text(client.get(f"/v/{number}"))
    assert "还没有付款" in words
    assert "真的" not in words


@pytest.mark.parametrize("number", ["Y123", "nonsense", "Y" + "0" * 29, "💰"])
def test_a_number_nobody_issued_is_called_a_fake(client: FlaskClient, number: str) -> None:
    response = client.get(f"/v/{number}")
    assert response.status_code == 404
    assert "一码没有开出过这个单号" in text(response)
