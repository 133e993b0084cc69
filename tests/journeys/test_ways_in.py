"""JD Finance's three ways in, each counted once for its subsidy; and cards as their holder looks after them."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.journeys import ledger, road
from tests.journeys.handset import ACTIVITY, Handset
from tests.journeys.running import Running

DESK = {"width": 1280, "height": 900}
REFUSED = {"jdpay": "这张卡已经过期", "wechat": "付不了"}


def plate_of(running: Running) -> str:
    return f"{running.portal}/c/{running.demo['shops'][1]['codes'][0]}"


def test_the_three_ways_in_are_each_counted_once(running: Running, window: Callable[..., Page]) -> None:
    phone, plate = Handset(window(**DESK), running, f"ways-{secrets.token_hex(3)}", "jdpay"), plate_of(running)

    for _ in range(2):
        phone.open("app")
        phone.reads("扫一扫")
        phone.tap("扫一扫")
        phone.pay_at_a_plate(plate, "1.00")
        phone.reads("付款成功")
    phone.to_the_activity()
    assert subsidies(phone) == ("¥60.00", ["从首页“扫一扫”付一笔"])

    for _ in range(2):
        phone.to_the_activity()
        phone.tap("去扫码付款")
        assert "活动页" in phone.reads("图片或 PDF")
        phone.pay_at_a_plate(plate, "1.00")
        phone.reads("付款成功")
    phone.to_the_activity()
    assert subsidies(phone) == ("¥120.00", ["从首页“扫一扫”付一笔", "从活动页付一笔"])

    phone.tap("添加到桌面")
    assert "¥28.00" in phone.reads("已添加到桌面")
    for _ in range(2):
        phone.open("home")
        phone.reads("手机桌面")
        phone.tap("京东扫一扫")
        assert "桌面快捷方式" in phone.reads("图片或 PDF")
        phone.pay_at_a_plate(plate, "1.00")
        phone.reads("付款成功")
    phone.to_the_activity()
    everything = ["把“扫一扫”添加到桌面", "从首页“扫一扫”付一笔", "从活动页付一笔", "从桌面快捷方式付一笔"]
    assert subsidies(phone) == ("¥208.00", everything)

    for sentence in ("到账补贴 ¥80.00", "这一项已经算过"):
        phone.tap("分享给好友")
        assert "已分享" in phone.reads(sentence)
    assert subsidies(phone) == ("¥288.00", [*everything, "分享给好友"])
    assert phone.told()["balance"] == 28_800


def subsidies(phone: Handset) -> tuple[str, list[str]]:
    """The sum on the activity's page and the deeds that were granted."""
    phone.reads(ACTIVITY)
    rows = phone.screen.locator("li").filter(has=phone.screen.get_by_text("已到账", exact=True))
    deeds = [row.inner_text().splitlines()[0] for row in rows.all()]
    return phone.screen.locator(".sum").inner_text(), deeds


@pytest.mark.parametrize(
    ("wallet", "price", "other"),
    [("jdpay", 431, "招商银行信用卡5518"), ("wechat", 432, "零钱")],
    ids=["jdpay", "wechat"],
)
def test_a_card_is_bound_expires_is_changed_for_another_and_removed(
    running: Running, window: Callable[..., Page], wallet: str, price: int, other: str
) -> None:
    phone, plate = Handset(window(**DESK), running, f"cards-{secrets.token_hex(3)}", wallet), plate_of(running)
    yuan, shop = f"{price / 100:.2f}", running.demo["shops"][1]["id"]
    paid = "SELECT amount FROM payments WHERE merchant_id = %s AND amount = %s AND state = 'success'"
    bind(phone, number="6222020200009876")
    phone.tap("设为默认付款")
    phone.reads("默认付款", exact=True)
    phone.tap("让它过期")
    assert "过期的卡不能付款" in phone.reads("已过期", exact=True)

    phone.open("scan")
    phone.ask_to_pay(plate, yuan)
    phone.reads("已经过期")
    phone.tap("确认付款")
    phone.screen.get_by_text(REFUSED[wallet]).wait_for()
    assert phone.told("/history")["entries"] == []
    assert ledger.rows(running, paid, shop, price) == []

    to_the_wallet(phone)
    if wallet == "wechat":
        phone.tap(f"用它付 {other}")
    else:
        phone.tap(other)
        phone.tap("设为默认付款")
    phone.open("scan")
    phone.pay_at_a_plate(plate, yuan)
    phone.reads("付款成功")
    road.eventually(lambda: ledger.rows(running, paid, shop, price) == [(price,)], "the other source paid")
    assert [(entry["kind"], entry["payer_part"]) for entry in entries(phone)] == [("payment", price)]

    to_the_wallet(phone)
    phone.tap("工商银行储蓄卡9876")
    phone.tap("银行寄来了新卡")
    phone.reads("可以付款")
    phone.tap("解绑")
    phone.reads("今天扫码还能付")
    assert "9876" not in phone.reads("添加银行卡")


def bind(phone: Handset, *, number: str) -> None:
    """Add a card; a number that is none stays typed and is explained."""
    to_the_wallet(phone)
    phone.tap("添加银行卡")
    phone.reads("哪一种")
    phone.screen.locator("#bank").select_option("工商银行")
    phone.screen.locator("#number").fill("12345")
    phone.tap("添加", exact=True)
    assert "16 到 19 位" in phone.screen.get_by_role("alert").inner_text()
    assert phone.screen.locator("#number").input_value() == "12345"
    phone.screen.locator("#number").fill(number)
    phone.tap("添加", exact=True)
    phone.reads("卡里可用")


def to_the_wallet(phone: Handset) -> None:
    """From the app's first page."""
    phone.open("app")
    phone.tap("钱包", exact=True)
    phone.reads("今天扫码还能付")


def entries(phone: Handset) -> list[dict[str, Any]]:
    """The wallet's history without the subsidies."""
    return [entry for entry in phone.told("/history")["entries"] if entry["kind"] != "subsidy"]
