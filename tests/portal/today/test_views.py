import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.merchants.models import Application, Merchant, Restriction, Shop, WalletApplication
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.wallets.port import Acquirer, RefundState
from tests.factories.merchants import add_user
from tests.factories.payments import add_payment, add_refund
from tests.portal.stall import SHOP

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
YOUNG = 610271846


@pytest.fixture(autouse=True)
def sunday_noon(owner: int) -> Iterator[None]:
    """22 November 2026, 12:00 in Shanghai."""
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def applicant(db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    """The owner of a shop that cannot receive yet."""
    with db.transaction(merchant=YOUNG) as session:
        session.add(Merchant(merchant_id=YOUNG, status="pending", name="新摊", created_at=NOON))
        session.flush()
        session.add(Shop(merchant_id=YOUNG, shop_id=1, name="新摊", address="", created_at=NOON))
    return client_of(add_user(db, keyring, phone="+8613800138003", name="小李", merchant_id=YOUNG), YOUNG)


def apply(db: Database, state: str, wallets: dict[str, str] | None = None, reason: str = "") -> None:
    with db.transaction(merchant=YOUNG) as session:
        session.add(
            Application(
                merchant_id=YOUNG,
                application_id=1,
                state=state,
                subject_type="individual",
                plain={},
                sealed="",
                reason=reason,
                created_at=NOON,
            )
        )
        session.flush()
        for acquirer, standing in (wallets or {}).items():
            session.add(
                WalletApplication(
                    merchant_id=YOUNG,
                    application_id=1,
                    acquirer=acquirer,
                    state=standing,
                    reference=f"A{acquirer}",
                    progress={},
                    reason="",
                    changed_at=NOON,
                )
            )


def text(response: TestResponse) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def test_the_first_card_tells_the_day(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=96_800, now=NOON)
    add_payment(db, keyring, merchant_id=SHOP, amount=31_850, now=NOON, acquirer=Acquirer.JDPAY)
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON - timedelta(days=1))
    add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=1_450, now=NOON, state=RefundState.SUCCESS)
    words = text(owners_browser.get("/"))
    assert "阿珍水果摊" in words
    assert "¥1,286.50" in words
    assert "2 笔 · 已退 ¥14.50" in words
    assert re.search("微信支付 ?1 笔 ?¥968.00", words)
    assert re.search("京东支付 ?1 笔 ?¥318.50", words)


@pytest.mark.parametrize(
    ("last_week", "words"),
    [(1_000, "比上周日此时多 ¥5.00"), (2_000, "比上周日此时少 ¥5.00"), (1_500, "和上周日此时一样")],
)
def test_the_day_is_compared_with_last_week_up_to_the_same_time(
    owners_browser: FlaskClient, db: Database, keyring: Keyring, last_week: int, words: str
) -> None:
    week = timedelta(days=7)
    add_payment(db, keyring, merchant_id=SHOP, amount=1_500, now=NOON)
    add_payment(db, keyring, merchant_id=SHOP, amount=last_week, now=NOON - week - timedelta(hours=1))
    add_payment(db, keyring, merchant_id=SHOP, amount=99_999, now=NOON - week + timedelta(hours=1))
    assert words in text(owners_browser.get("/"))


def test_a_first_week_is_compared_with_nothing(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1_500, now=NOON)
    assert "上周日" not in text(owners_browser.get("/"))


def test_the_bars_are_told_in_a_table_too(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1_500, now=NOON - timedelta(hours=3))
    assert re.search("9 时 ?¥15.00", text(owners_browser.get("/")))


def test_a_day_begins_at_midnight_in_shanghai(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=111, now=datetime(2026, 11, 21, 16, 0, tzinfo=UTC))
    add_payment(db, keyring, merchant_id=SHOP, amount=222, now=datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC))
    words = text(owners_browser.get("/"))
    assert "¥1.11" in words
    assert "1 笔" in words
    assert "昨天 23:59" in words


def test_before_the_first_payment_it_says_what_to_do(owners_browser: FlaskClient) -> None:
    page = owners_browser.get("/")
    assert "还没有收款，先打印收款码" in text(page)
    assert 'href="/codes"' in page.get_data(as_text=True)


def test_a_stuck_refund_is_the_next_action(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=paid, amount=1_200, now=NOON, state=RefundState.ABNORMAL
    )
    page = owners_browser.get("/")
    assert "退款 ¥12.00 卡住了，要您处理" in text(page)
    assert f'href="/refunds/{number}"' in page.get_data(as_text=True)


def test_a_wallet_that_waits_for_a_signature_is_the_next_action(
    applicant: FlaskClient, db: Database, keyring: Keyring
) -> None:
    apply(db, "approved", {"wechat": "finished", "jdpay": "to_be_signed"})
    with db.transaction(merchant=YOUNG) as session:
        session.get_one(Merchant, YOUNG).status = "active"
    page = applicant.get("/")
    assert "京东支付等您签约" in text(page)
    assert 'href="/application"' in page.get_data(as_text=True)


def test_a_function_taken_away_is_said_with_its_way_out(owners_browser: FlaskClient, db: Database) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.add(
            Restriction(
                merchant_id=SHOP,
                restriction_id=1,
                function="receive",
                reason="执照要换新",
                way_out="请到“我的”上传新执照",
                since=NOON,
                lift_reason="",
            )
        )
    assert "暂停了：执照要换新。请到“我的”上传新执照" in text(owners_browser.get("/"))


@pytest.mark.parametrize(
    ("state", "wallets", "words", "button"),
    [
        ("", {}, "还差一步，开通收款", "开始填资料"),
        ("draft", {}, "还差一步，开通收款", "接着填资料"),
        ("submitted", {}, "资料交上来了，正在审核", "看进度"),
        ("returned", {}, "身份证照片看不清", "去改资料"),
        ("approved", {"wechat": "auditing", "jdpay": "not_sent"}, "一码已通过，钱包正在开通", "看进度"),
        ("approved", {"wechat": "to_be_signed", "jdpay": "auditing"}, "等您签约", "去签约"),
        ("approved", {"wechat": "rejected", "jdpay": "canceled"}, "钱包没有通过", "看原因"),
    ],
)
def test_who_cannot_receive_yet_sees_where_he_stands_and_one_button(
    applicant: FlaskClient, db: Database, state: str, wallets: dict[str, str], words: str, button: str
) -> None:
    if state:
        apply(db, state, wallets, "身份证照片看不清" if state == "returned" else "")
    page = applicant.get("/")
    assert words in text(page)
    assert button in text(page)
    assert page.get_data(as_text=True).count("btn--primary") == 1


def test_a_clerk_is_not_sent_to_the_application(
    applicant: FlaskClient, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]
) -> None:
    clerk = add_user(db, keyring, phone="+8613800138004", name="店员", merchant_id=YOUNG, role="clerk")
    page = client_of(clerk, YOUNG).get("/")
    assert "请店主来办" in text(page)
    assert "btn--primary" not in page.get_data(as_text=True)


def test_a_stranger_is_asked_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/").location == "/login?next=/"


def test_staff_are_sent_to_the_console(
    staff_db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]
) -> None:
    user = add_user(staff_db, keyring, phone="+8613900139001", name="客服", staff_role="support")
    assert client_of(user, staff=True).get("/").location == "/staff"


def test_one_who_left_the_shop_sees_nothing(
    db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]
) -> None:
    user = add_user(db, keyring, phone="+8613800138005", name="路人")
    assert client_of(user, SHOP).get("/").status_code == 404


def test_the_page_says_where_its_feed_goes_on(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1_500, now=NOON)
    assert 'data-live data-after="2"' in owners_browser.get("/").get_data(as_text=True)


def test_the_announcer_shows_the_newest_and_never_the_days_total(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    for minute, amount in enumerate((1_200, 3_550, 2_000)):
        add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=NOON + timedelta(minutes=minute - 5))
    page = owners_browser.get("/announcer").get_data(as_text=True)
    words = re.sub(r"<[^>]+>", "", page)
    assert "今天第 3 笔 · 11:57:00" in words
    assert "11:56" in words
    assert "67.50" not in words
    assert 'data-wallet="wechat" data-fen="2000"' in page
    assert "{yuan} 元" in page


def test_the_announcer_waits_for_the_first_payment(owners_browser: FlaskClient) -> None:
    assert "等第一笔收款" in text(owners_browser.get("/announcer"))
