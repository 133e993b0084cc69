"""A JD phone at the shop's own WeChat plate: what everybody sees, and all the books the next morning.

And the two kinds of linked codes that only the stand-in of the clearing institution tells of.
"""

import csv
import io
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from portal.wallets.bills import BillKind, BillState, BillToFetch, TradeLine
from portal.wallets.interconnect.connector import interconnect_of
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.chromium import sideways, violations
from tests.journeys import ledger, road
from tests.journeys.handset import Handset
from tests.journeys.ledger import Owed
from tests.journeys.running import Running
from tests.journeys.static_codes import code_of, give_reduction, open_code, receipt_of

DESK = {"width": 1280, "height": 900}
NOTHING = Owed(0, 0, 0, 0)


@pytest.fixture(scope="module")
def running(hurried: Running) -> Running:
    """The product whose clock is moved; it begins in the middle of a day, so that no day ends unawares."""
    move_to_next_morning(hurried)
    return hurried


def test_a_jd_phone_pays_a_wechat_plate_and_every_book_agrees(
    running: Running, window: Callable[..., Page], sign_in: Callable[..., Page]
) -> None:
    owner, payer = sign_in("owner"), f"plate-{secrets.token_hex(3)}"
    shop = int(running.demo["shops"][0]["id"])
    text = code_of(running, "own_sub_merchant", running.demo["shops"][0]["name"])
    told = link(owner, running, text, name="老微信码牌")
    assert "是一码替您在微信支付开的商户" in told
    assert "也能在这里退款" in told

    give_reduction(running, payer, 300)
    pay(window, running, text, payer=payer, wallet="jdpay", yuan="20.00", reduced="17.00")
    number = receipt_of(running, shop, 2000, wallet="jdpay")

    owner.goto(f"{running.portal}/receipts/{number}")
    seen = looked_at(owner)
    assert fact(owner, "顾客付了") == "¥17.00"
    assert fact(owner, "京东支付立减") == "¥3.00"
    assert fact(owner, "您收到") == "¥20.00"
    assert fact(owner, "微信支付手续费") == "−¥0.08"
    assert fact(owner, "扫的码") == "老微信码牌"
    assert "付款钱包\n京东支付" in seen
    assert "收单机构\n微信支付" in seen
    assert "清算替身说：付款的是京东支付" in seen

    give_half_back(owner, running, number)
    arrived = "SELECT state, amount, payer_amount FROM refunds WHERE merchant_id = %s AND payment_no = %s"
    ended = [("success", 1000, 850)]
    road.eventually(lambda: ledger.rows(running, arrived, shop, number) == ended, "half of it went back")
    owner.reload()
    seen = looked_at(owner)
    assert "¥8.50 已退到顾客的京东支付" in seen, seen
    assert fact(owner, "退给顾客") == "¥8.50"
    assert fact(owner, "京东收回立减") == "¥1.50"

    ((day, transaction),) = ledger.rows(
        running, "SELECT business_date, transaction_no FROM payments WHERE merchant_id = %s", shop
    )
    move_to_next_morning(running)
    books = Morning(running, day, ledger.sub_merchants(running, shop), transaction)
    expected = {"wechat": Owed(received=2000, refunded=1000, fee=4, owed=996), "jdpay": NOTHING}
    assert ledger.ledger_of(running, shop) == expected
    assert ledger.books_of(running, books.numbers, day.isoformat()) == expected
    assert books.wechat_in_detail() == (1700, 850, 300, 150)
    assert books.bill() == [("payment", 2000, 1700, 8), ("refund", 1000, 850, -4)]
    assert books.clearing_file() == [("payment", 2000, 1700, 300), ("refund", 1000, 850, 150)]
    assert books.at_jd(payer) == [("payment", 2000, 1700, 300), ("refund", 1000, 850, 150)]


@dataclass
class Morning:
    """What each side says of one payment on the next morning at five past ten."""

    running: Running
    day: date
    numbers: dict[str, str]
    transaction: str

    def wechat_in_detail(self) -> tuple[int, int, int, int]:
        """WeChat's own sums of the merchant: payer paid, payer got back, discounts, discounts given back; in fen."""
        sums = self.running.books(self.day.isoformat())["totals"]["wechat"][self.numbers["wechat"]]
        names = ("payer_paid", "payer_refunded", "discounts", "discounts_returned")
        return tuple(sums[name] for name in names)  # type: ignore[return-value]

    def bill(self) -> list[tuple[str, int, int, Decimal]]:
        """WeChat's trade bill, fetched and checked by the portal's connector: kind, price, payer's part, fee."""
        into = io.BytesIO()
        wallet = connectors(self._wallets(), plain_http=True, budget=20)[Acquirer.WECHAT]
        answer = wallet.fetch_bill(BillToFetch(BillKind.TRADES, self.day), into=into)  # type: ignore[attr-defined]
        assert answer.state is BillState.READY
        into.seek(0)
        lines = [line for line in wallet.read_trades(into) if isinstance(line, TradeLine)]  # type: ignore[attr-defined]
        mine = [line for line in lines if line.transaction_id == self.transaction]
        assert {line.sub_merchant_no for line in mine} == {self.numbers["wechat"]}
        return sorted((str(line.kind), line.amount, line.payer_amount, line.fee) for line in mine)

    def clearing_file(self) -> list[tuple[str, int, int, int]]:
        """The clearing institution's file: kind, price, payer's part, promotion's part."""
        into, source = io.BytesIO(), interconnect_of(self._wallets(), plain_http=True)
        assert source is not None
        assert source.fetch_clearing(self.day, into=into)
        *lines, _total = csv.DictReader(io.StringIO(into.getvalue().decode()))
        mine = [line for line in lines if line["transaction_id"] == self.transaction]
        assert {(line["account_side"], line["acquirer"]) for line in mine} == {("jdpay", "wechat")}
        names = ("amount", "payer_amount", "promotion_amount")
        return [(line["kind"], *(int(line[name]) for name in names)) for line in mine]  # type: ignore[misc]

    def at_jd(self, payer: str) -> list[tuple[str, int, int, int]]:
        """The account side: what the payer's wallet at JD took and got back."""
        answer = requests.get(f"{self.running.sandbox}/payers/{payer}/jdpay/history", timeout=10).json()
        entries = [entry for entry in answer["entries"] if entry["kind"] != "subsidy"]
        names = ("total", "payer_part", "promotion_part")
        return [(entry["kind"], *(entry[name] for name in names)) for entry in reversed(entries)]

    def _wallets(self) -> dict[str, Any]:
        return dict(json.loads((self.running.data_dir / "wallets.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("holding", "wallet", "price", "asks"),
    [("other_contract", "jdpay", 610, "原来的地方"), ("personal", "wechat", 620, "在微信里和顾客商量")],
    ids=["other-contract", "personal"],
)
def test_a_code_that_only_the_stand_in_tells_of_gives_receipts_and_no_refunds(
    running: Running, window: Callable[..., Page], holding: str, wallet: str, price: int, asks: str
) -> None:
    shop, owner = running.demo["shops"][1], window()
    road.sign_in(owner, running, [login for login in running.demo["logins"] if login["role"] == "owner"][1])
    if holding == "personal":
        text = open_code(running, "personal", "周建国")
    else:
        text = code_of(running, holding, shop["name"])
    told = link(owner, running, text, name=f"旧码 {price}")
    assert "没有公开接口能查到或退它的款" in told
    assert asks in told
    assert "只因为接了一码自定的清算替身。正式环境没有这个来源" in told

    before, yuan = ledger.ledger_of(running, shop["id"]), f"{price / 100:.2f}"
    pay(window, running, text, payer=f"old-{secrets.token_hex(3)}", wallet=wallet, yuan=yuan, reduced=yuan)
    number = receipt_of(running, shop["id"], price, wallet=wallet)
    owner.goto(f"{running.portal}/receipts/{number}")
    seen = looked_at(owner)
    assert fact(owner, "您收到") == f"¥{yuan}"
    assert "不能在这里退款" in seen
    assert "正式环境没有这个来源" in seen
    assert "到手多少" not in seen
    assert owner.locator(".bar").get_by_role("link").count() == 0
    owner.goto(f"{running.portal}/receipts/{number}/refund")
    assert "没有公开接口能退" in looked_at(owner)
    assert owner.locator("input[name=amount]").count() == 0
    assert ledger.ledger_of(running, shop["id"]) == before


def test_somebody_elses_plate_is_not_linked(running: Running, sign_in: Callable[..., Page]) -> None:
    owner = sign_in("owner")
    owner.goto(f"{running.portal}/codes/link")
    road.fill(owner, text=code_of(running, "own_sub_merchant", running.demo["shops"][1]["name"]))
    road.submit(owner)
    seen = looked_at(owner)
    assert "这张码不是您的" in seen
    assert "这是一码替另一家店开的微信商户码" in seen


def link(owner: Page, running: Running, text: str, *, name: str) -> str:
    """Paste the code's text, read what it is and what follows, say yes. Answers what the page told."""
    owner.goto(f"{running.portal}/codes/link")
    road.fill(owner, text=text)
    road.submit(owner)
    told = looked_at(owner)
    road.fill(owner, name=name)
    road.submit(owner)
    assert "已关联" in looked_at(owner)
    assert name in owner.locator("h1").inner_text()
    return told


def pay(
    window: Callable[..., Page], running: Running, text: str, *, payer: str, wallet: str, yuan: str, reduced: str
) -> None:
    """Scan, type the amount on the wallet's own page, look at the price, say yes."""
    phone = Handset(window(**DESK), running, payer, wallet)
    phone.open("scan")
    phone.scan(text)
    phone.reads("付款金额")
    phone.screen.locator("#amount").fill(yuan)
    phone.tap("下一步")
    assert f"订单金额\n¥{yuan}" in phone.reads("请核对")
    phone.tap(f"确认付款 ¥{reduced}")
    assert f"付款 ¥{reduced}，商家收到 ¥{yuan}" in phone.reads("付款成功")


def give_half_back(owner: Page, running: Running, number: str) -> None:
    """Ten yuan of twenty; where they go stands there before the owner says yes."""
    owner.goto(f"{running.portal}/receipts/{number}/refund")
    road.fill(owner, amount="10.00")
    owner.locator("input[name=reason]").first.check()
    road.submit(owner)
    looked_at(owner)
    assert fact(owner, "顾客的京东支付") == "¥8.50"
    assert fact(owner, "京东收回立减") == "¥1.50"
    with owner.expect_navigation():
        owner.get_by_role("button", name="确认退款 ¥10.00").click()


def looked_at(page: Page) -> str:
    """The page's words; axe finds nothing on it and nothing is cut off."""
    assert sideways(page) <= 0
    assert violations(page) == [], page.url
    return page.locator("main, .bar").first.inner_text()


def fact(page: Page, term: str) -> str:
    """The last line beside a term on the page."""
    rows = page.locator(".fact").filter(has_text=re.compile(rf"^\s*{re.escape(term)}"))
    return rows.inner_text().splitlines()[-1]


def move_to_next_morning(running: Running) -> None:
    requests.post(f"{running.sandbox}/control/clock", json={"to": "next_morning"}, timeout=10).raise_for_status()
