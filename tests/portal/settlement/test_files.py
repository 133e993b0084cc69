"""A sealed day to keep: on paper, read back by strangers, and as a table that a bookkeeping program may add up."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient

from portal.codes.plates.png import rasterise
from portal.plumbing.press import PressFailed
from portal.settlement import views
from portal.settlement.queries import SheetRow
from portal.wallets.port import Acquirer, Wallet
from tests.portal.settlement.conftest import DAY

Close = Callable[..., list[SheetRow]]
Paid = Callable[..., str]
PDF, CSV = f"/days/{DAY}/sheet.pdf", f"/days/{DAY}/sheet.csv"


def printed(pdf: bytes) -> str:
    """All words of it; wide letter-spacing makes readers see spaces, so there are none."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def table(browser: FlaskClient, path: str = CSV) -> list[dict[str, str]]:
    answer = browser.get(path)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_the_paper_says_what_was_sealed_and_how_it_stands(
    paid: Paid, refunded: Callable[..., str], close: Close, tell: Callable[..., None], owners_browser: FlaskClient
) -> None:
    first = paid(10_000, hour=8)
    paid(2_000, wallet=Wallet.JDPAY, discount=300)
    paid(5_000, acquirer=Acquirer.JDPAY)
    refunded(first, 4_000)
    (row,) = close()
    tell("wechat", paid=7_969)
    tell("jdpay", paid_state="not_reported")
    answer = owners_browser.get(PDF)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert "yima-day-20261120.pdf" in answer.headers["Content-Disposition"]
    said = printed(answer.data)
    for words in (
        "日结单",
        "阿珍水果摊",
        "2026-11-20周五",
        "城东菜市场B12",
        "账单已对平",
        "2026-11-2110:14",
        "收款3笔",
        "170.00",
        "−40.00",
        "应到账129.50",
        "微信收单微信支付1100.001−40.00−0.2359.77—",
        "微信收单79.6979.690.0011-2109:122211091200账单已对平",
        "京东收单49.81京东支付没有报告———账单已对平",
        "每小时收款",
        "2026-11-2100:05，此后永不改动",
        "".join(row.seal),
        "这是第一张",
        "第1页，共1页",
    ):
        assert words in said, words
    assert len(answer.data) < 100_000
    (code,) = zxingcpp.read_barcodes(rasterise(answer.data, dpi=150))
    assert code.text == f"http://127.0.0.1:8000/days/{DAY}?seal={row.seal[:16]}"
    assert "纸上的指纹和这里封存的一样" in owners_browser.get(code.text.removeprefix("http://127.0.0.1:8000")).get_data(
        as_text=True
    )


def test_a_paper_before_the_bills_waits_and_one_with_everything_names_everything(
    paid: Paid,
    refunded: Callable[..., str],
    close: Close,
    post: Callable[..., None],
    tell: Callable[..., None],
    owners_browser: FlaskClient,
) -> None:
    early = paid(900, day=DAY.replace(day=19))
    close(nights=-1)
    refunded(early, 100, day=DAY.replace(day=19))
    paid(1_000)
    post("suspense", 35)
    post("rebate_payable", 420, debit="rebate_expense")
    post("rebate_expense", 20, debit="rebate_payable")
    close()
    said = printed(owners_browser.get(PDF).data)
    for words in (
        "待对账",
        "挂账更正",
        "补记以前日期",
        "2026-11-19微信收单退款1笔−¥1.00",
        "分享返现1笔4.20−0.204.00",
        "微信支付还没报告",
        "前一张指纹",
    ):
        assert words in said, words
    tell("wechat", bill="difference", looking=300)
    assert "在查3.00" in printed(owners_browser.get(PDF).data)


def test_a_sheet_of_earlier_days_alone_can_be_printed(paid: Paid, close: Close, owners_browser: FlaskClient) -> None:
    paid(1_000)
    close()
    paid(700)
    (row,) = close(nights=1)
    said = printed(owners_browser.get(f"/days/{row.day}/sheet.pdf").data)
    assert "补记以前日期" in said
    assert "每小时收款" not in said


def test_a_name_of_any_length_and_sign_is_printed(
    app: Flask, paid: Paid, close: Close, owners_browser: FlaskClient, forge: Callable[[str], None]
) -> None:
    paid(1_000)
    close()
    forge("UPDATE shops SET name = repeat('<b>龘靐&', 10), address = repeat('很远的地方', 24)")
    said = printed(owners_browser.get(PDF).data)
    assert "<b>龘" in said
    assert "…" in said


def test_a_press_that_is_down_is_said(
    paid: Paid, close: Close, owners_browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(1_000)
    close()

    def down(_paper: object) -> bytes:
        raise PressFailed("busy")

    monkeypatch.setattr(views, "render_statement", down)
    answer = owners_browser.get(PDF)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "日结单暂时生成不了" in answer.get_data(as_text=True)


def test_every_column_of_the_table_may_be_added_up(
    paid: Paid,
    refunded: Callable[..., str],
    close: Close,
    tell: Callable[..., None],
    post: Callable[..., None],
    owners_browser: FlaskClient,
) -> None:
    first = paid(10_000)
    paid(2_000, wallet=Wallet.JDPAY, discount=300)
    paid(5_000, acquirer=Acquirer.JDPAY)
    refunded(first, 4_000)
    post("suspense", 35)
    post("rebate_payable", 420, debit="rebate_expense")
    (row,) = close()
    tell("wechat", paid=8_000)
    rows = table(owners_browser)

    def total(column: str) -> Decimal:
        return sum((Decimal(line[column]) for line in rows if line[column]), Decimal(0))

    figures = row.figures.total
    assert total("收款金额（元）") == Decimal(figures.gross) / 100 == Decimal("170.00")
    assert total("退款金额（元）") == Decimal("-40.00")
    assert total("挂账及更正（元）") == Decimal("0.35")
    assert total("应到账（元）") == Decimal(figures.owed) / 100
    assert total("应到账（元）") == sum(
        total(column) for column in ("收款金额（元）", "退款金额（元）", "手续费（元）", "挂账及更正（元）")
    )
    assert total("已到账（元）") == Decimal("80.00")
    assert total("返现（元）") == Decimal("4.20")
    assert total("其中钱包立减（元）") == Decimal("3.00")
    assert {(line["类别"], line["收单机构"]): line["说明"] for line in rows if line["类别"] == "已到账"} == {
        ("已到账", "微信收单"): "",
        ("已到账", "京东收单"): "京东支付还没报告",
    }
    assert {line["指纹"] for line in rows} == {row.seal}


def test_what_stands_for_earlier_days_names_the_day_it_belongs_to(
    paid: Paid, close: Close, owners_browser: FlaskClient
) -> None:
    paid(1_000)
    close()
    paid(700)
    (row,) = close(nights=1)
    (line,) = table(owners_browser, f"/days/{row.day}/sheet.csv")
    assert (line["日结单日期"], line["所属日期"], line["类别"]) == ("2026-11-21", "2026-11-20", "补记以前日期")
    assert (line["付款钱包"], line["应到账（元）"]) == ("不分钱包", "6.97")


def test_a_shops_name_is_never_run_as_a_formula(
    paid: Paid, close: Close, owners_browser: FlaskClient, forge: Callable[[str], None]
) -> None:
    paid(1_000)
    close()
    forge("UPDATE shops SET name = '=HYPERLINK(1)'")
    assert {line["店名"] for line in table(owners_browser)} == {"'=HYPERLINK(1)"}
