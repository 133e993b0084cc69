"""The owner's sealed days on his phone: a month, a day, and what is not his."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.settlement import flows as settlement
from portal.settlement.queries import SheetRow
from portal.values.day import business_date
from portal.wallets.port import Acquirer, Wallet
from tests.factories.merchants import add_user
from tests.portal.settlement.conftest import DAY
from tests.portal.stall import SHOP

Close = Callable[..., list[SheetRow]]
Paid = Callable[..., str]
Tell = Callable[..., None]
PAGE = f"/days/{DAY}"


def text_of(page: str) -> str:
    """What a reader sees, without the spaces between tags."""
    main = page.split("<main", 1)[1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def read(browser: FlaskClient, path: str = PAGE, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, path
    return text_of(answer.get_data(as_text=True))


def test_a_day_says_its_sums_and_waits_for_the_bills(
    paid: Paid, refunded: Callable[..., str], close: Close, owners_browser: FlaskClient
) -> None:
    first = paid(10_000)
    paid(2_000, wallet=Wallet.JDPAY, discount=300)
    paid(5_000, acquirer=Acquirer.JDPAY)
    refunded(first, 4_000)
    (row,) = close()
    said = read(owners_browser)
    for words in (
        "11月20日 周五 待对账 应到账",
        "收款 3 笔 ¥170.00",
        "退款 1 笔 −¥40.00",
        "手续费 退款退回的已减掉 −¥0.50",
        "应到账 ¥129.50",
        "微信支付 1 笔 ¥100.00",
        "京东支付 2 笔 ¥70.00",
        "其中钱包立减 ¥3.00",
        "微信收单 账单还没来 应付您 ¥79.69 已付到卡 微信支付还没报告",
        "京东收单 账单还没来 应付您 ¥49.81 已付到卡 京东支付还没报告",
        "封存时间 此后不再改动 2026-11-21 00:05",
        f"{row.seal[:4]} {row.seal[4:8]}",
        "前一张的指纹 这是第一张",
    ):
        assert words in said, words


def test_it_turns_to_matched_when_the_bill_and_the_payout_agree(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    (row,) = close()
    tell("wechat", paid=996)
    said = read(owners_browser)
    assert "已对平 应到账" in said
    assert "账单和到账一分不差" in said
    assert "已付到卡 ¥9.96 资金流水 2211091200" in said
    assert f"{row.seal[:4]} {row.seal[4:8]}" in said


def test_what_nobody_reported_is_neither_zero_nor_matched(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    close()
    tell("wechat", paid_state="not_reported")
    said = read(owners_browser)
    assert "账单已对平 应到账" in said
    assert "已付到卡 微信支付没有报告" in said
    assert "¥0.00" not in said


def test_a_bill_that_is_not_given_is_said(paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient) -> None:
    paid(1_000)
    paid(500, acquirer=Acquirer.JDPAY)
    close()
    tell("wechat", paid=996)
    tell("jdpay", bill="not_reported", paid_state="not_reported")
    said = read(owners_browser)
    assert "账单不全 应到账" in said
    assert "京东收单 没有给账单" in said
    assert "已付到卡 京东支付没有报告" in said


def test_it_says_which_yuan_is_being_looked_at(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    close()
    tell("wechat", bill="difference", looking=300, paid=946)
    said = read(owners_browser)
    assert "在查 ¥3.50 应到账" in said
    assert "账单差 ¥3.00，在查" in said
    assert "还差 ¥0.50" in said
    assert "应到账 ¥9.96" in said


def test_a_payout_larger_than_what_is_owed_is_said_too(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    close()
    tell("wechat", paid=1_000)
    assert "多付了 ¥0.04" in read(owners_browser)


def test_what_is_told_late_stands_on_both_days_and_changes_neither_seal(
    paid: Paid, close: Close, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    (first,) = close()
    paid(700)
    before = read(owners_browser)
    assert "封存以后才知道的 微信收单 收款 1 笔 ¥7.00 · 手续费 −¥0.03 ¥6.97 会写在下一张日结单上。" in before
    assert "应付您 ¥16.93" in before
    assert "应到账 ¥9.96" in before
    (second,) = close(nights=1)
    assert "写在 11月21日 周六 的日结单上。" in read(owners_browser)
    following = read(owners_browser, f"/days/{second.day}")
    assert "补记以前日期" in following
    assert "11月20日 周五 微信收单" in following
    assert "补记合计 ¥6.97" in following
    assert f"{first.seal[:4]} {first.seal[4:8]}" in following


def test_a_late_refund_and_money_put_aside_are_named(
    paid: Paid, refunded: Callable[..., str], close: Close, owners_browser: FlaskClient, post: Callable[..., None]
) -> None:
    number = paid(1_000)
    close()
    refunded(number, 400)
    post("suspense", 35)
    assert "退款 1 笔 −¥4.00 · 手续费 ¥0.02 · 挂账及更正 ¥0.35" in read(owners_browser)


def test_money_put_aside_corrections_rebates_and_other_contracts_have_lines_of_their_own(
    paid: Paid,
    close: Close,
    owners_browser: FlaskClient,
    post: Callable[..., None],
    told_elsewhere: Callable[[], None],
) -> None:
    paid(1_000)
    post("suspense", 35)
    post("adjustments", 5)
    post("rebate_payable", 420, debit="rebate_expense")
    post("rebate_expense", 20, debit="rebate_payable")
    told_elsewhere()
    close()
    said = read(owners_browser)
    for words in (
        "挂账 钱到了，还没认出是哪一笔 ¥0.35",
        "更正 ¥0.05",
        "应到账 ¥10.36",
        "分享页成交 1 笔 ¥4.20",
        "退款扣回 −¥0.20",
        "另有 1 笔 ¥6.40 收在别处的合同",
    ):
        assert words in said, words


def test_a_ledger_that_lost_something_is_not_called_matched(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient, forge: Callable[[str], None]
) -> None:
    paid(1_000)
    close()
    tell("wechat", paid=996)
    forge("DELETE FROM transfers WHERE amount = 1000")
    said = read(owners_browser)
    assert "账本里的数和封存时不一样了" in said
    assert "在查 应到账" in said


@pytest.mark.parametrize(
    ("taken", "words"),
    [(16, "纸上的指纹和这里封存的一样"), (64, "纸上的指纹和这里封存的一样"), (8, "不一样，别用那张纸")],
)
def test_the_fingerprint_on_a_paper_is_compared(
    paid: Paid, close: Close, owners_browser: FlaskClient, taken: int, words: str
) -> None:
    paid(1_000)
    (row,) = close()
    assert words in read(owners_browser, f"{PAGE}?seal={row.seal[:taken].upper()}")
    assert "不一样，别用那张纸" in read(owners_browser, f"{PAGE}?seal={'0' * 16}")


def test_a_month_lists_its_days_with_their_standing(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    assert "还没有日结单" in read(owners_browser, "/days")
    paid(1_000)
    paid(2_000, day=DAY + timedelta(days=1))
    paid(3_000, day=date(2026, 10, 31))
    close(nights=1)
    tell("wechat", paid=996)
    said = read(owners_browser, "/days?month=2026-11")
    assert "日结单 2026年11月，应到账" in said
    assert "11月21日 周六 1 笔 · 收款 ¥20.00 ¥19.92 待对账" in said
    assert "11月20日 周五 1 笔 · 收款 ¥10.00 ¥9.96 已对平" in said
    assert "10月31日" not in said
    assert "2026年10月" in read(owners_browser, "/days?month=2026-10")
    page = owners_browser.get("/days?month=2026-11").get_data(as_text=True)
    assert 'href="/days?month=2026-10"' in page
    assert "month=2026-12" not in page
    assert 'href="/days?month=2026-11"' in owners_browser.get("/days?month=2026-10").get_data(as_text=True)


@pytest.mark.parametrize("month", ["", "2026-13", "x", "9999-12", "2026-09"])
def test_a_month_that_is_none_is_this_month_or_empty(
    paid: Paid, close: Close, owners_browser: FlaskClient, month: str
) -> None:
    paid(1_000)
    close()
    assert "日结单" in read(owners_browser, f"/days?month={month}")


def test_a_late_fact_of_a_day_in_the_list_counts_for_how_it_stands(
    paid: Paid, close: Close, tell: Tell, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    close()
    paid(700)
    close(nights=1)
    tell("wechat", paid=996 + 697)
    said = read(owners_browser, "/days?month=2026-11")
    assert "11月20日 周五 1 笔 · 收款 ¥10.00 ¥9.96 已对平" in said
    assert "11月21日 周六 只有以前日期的补记 ¥6.97" in said


@pytest.mark.parametrize("day", ["2026-11-31", "20261120", "yesterday", "2026-W47-5"])
def test_what_is_no_day_is_not_found(owners_browser: FlaskClient, day: str) -> None:
    assert owners_browser.get(f"/days/{day}").status_code == 404


def test_a_day_without_a_sheet_says_why(paid: Paid, close: Close, owners_browser: FlaskClient) -> None:
    assert "这一天没有收款，不出日结单" in read(owners_browser, "/days/2026-11-02", 404)
    assert "这一天还没过完" in read(owners_browser, "/days/2999-01-01", 404)
    paid(1_000)
    close()
    paid(50, day=DAY - timedelta(days=3))
    close(nights=1)
    assert "这一天没有单独的日结单" in read(owners_browser, f"/days/{DAY - timedelta(days=3)}", 404)
    for kind in ("pdf", "csv"):
        assert owners_browser.get(f"/days/2026-11-02/sheet.{kind}").status_code == 404


def test_a_manager_sees_it_a_clerk_and_a_stranger_do_not(
    paid: Paid,
    close: Close,
    db: Database,
    keyring: Keyring,
    client_of: Callable[..., FlaskClient],
    strangers_browser: FlaskClient,
) -> None:
    paid(1_000)
    close()
    addresses = ("/days", PAGE, f"{PAGE}/sheet.csv")
    for number, role, status in (("003", "manager", 200), ("004", "clerk", 403)):
        user = add_user(db, keyring, phone=f"+8613800138{number}", name="周姐", merchant_id=SHOP, role=role)
        browser = client_of(user, SHOP)
        assert [browser.get(address).status_code for address in addresses] == [status] * 3
    assert [strangers_browser.get(address).status_code for address in addresses[1:]] == [404, 404]
    assert "还没有日结单" in read(strangers_browser, "/days")


def test_every_word_of_it_can_be_english(paid: Paid, close: Close, owners_browser: FlaskClient) -> None:
    paid(1_000)
    close()
    owners_browser.set_cookie("lang", "en")
    for address in ("/days?month=2026-11", PAGE, "/days/2026-11-02"):
        assert owners_browser.get(address).status_code in (200, 404)


def test_it_is_reached_from_the_receipts_by_who_may_see_it(
    paid: Paid,
    close: Close,
    tell: Tell,
    owners_browser: FlaskClient,
    db: Database,
    keyring: Keyring,
    client_of: Callable[..., FlaskClient],
) -> None:
    paid(1_000)
    close()
    tell("wechat", paid=996)
    page = owners_browser.get("/receipts").get_data(as_text=True)
    assert f'<a href="{PAGE}">' in page
    assert "已对平" in text_of(page)
    assert 'href="/days"' in page
    assert "已对平" not in read(owners_browser, "/receipts?show=wechat")
    clerk = add_user(db, keyring, phone="+8613800138009", name="小李", merchant_id=SHOP, role="clerk")
    page = client_of(clerk, SHOP).get("/receipts").get_data(as_text=True)
    assert "/days" not in page


def test_today_shows_the_sheet_of_yesterday_and_none_that_is_old(
    paid: Paid, tools: Tools, owners_browser: FlaskClient
) -> None:
    yesterday = business_date(now()) - timedelta(days=1)
    paid(1_000, day=yesterday - timedelta(days=9))
    settlement.close(tools, SHOP, until=yesterday - timedelta(days=1), now=now())
    assert "日结单" not in read(owners_browser, "/")
    paid(2_000, day=yesterday)
    settlement.close(tools, SHOP, until=yesterday, now=now())
    assert "昨天的日结单 1 笔 · 收款 ¥20.00 ¥19.92 待对账" in read(owners_browser, "/")
