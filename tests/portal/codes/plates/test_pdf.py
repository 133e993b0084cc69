"""The finished PDF."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from pypdf import PdfReader

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.pdf import plate_pdf
from portal.codes.plates.png import plate_png, rasterise
from tests.portal.codes.plates.faces import LONG_NAME, URL, a_face


def _words(pdf: bytes) -> str:
    return "".join(PdfReader(BytesIO(pdf)).pages[0].extract_text().split())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["老周豆腐", "用微信或京东金融扫码付款", "微信支付", "京东支付", "付款前请核对店名", "城东菜市场B12柜台"]),
        (
            {"locale": "bilingual", "shop_name_en": "Old Zhou’s Tofu"},
            ["老周豆腐", "OldZhou’sTofu", "ScanwithWeChatorJDFinancetopay", "WeChatPay", "JDPay", "微信支付"],
        ),
        ({"locale": "en"}, ["老周豆腐", "ScanwithWeChatorJDFinancetopay", "Checktheshopnamebeforeyoupay"]),
        (
            {"shop_name": LONG_NAME, "theme": "jujube"},
            ["城东农贸市场老周家", "手工石磨豆腐豆花豆皮", "香干批发零售一号店"],
        ),
        ({"theme": "ink"}, ["老周豆腐", "一码Yima", "2026-11-21"]),
    ],
)
def test_it_is_one_small_a5_page_with_text_one_can_select(changes: dict[str, Any], words: list[str]) -> None:
    pdf = plate_pdf(a_face(**changes))
    reader = PdfReader(BytesIO(pdf))
    box = reader.pages[0].trimbox
    assert len(reader.pages) == 1
    assert [float(box.width), float(box.height)] == pytest.approx([148 / 25.4 * 72, 210 / 25.4 * 72], abs=0.01)
    assert len(pdf) <= 30_000
    assert all(word in _words(pdf) for word in [*words, "7KQ4-2MHD-W"])


def test_it_carries_one_face_and_no_picture() -> None:
    page = PdfReader(BytesIO(plate_pdf(a_face()))).pages[0]
    fonts = page["/Resources"]["/Font"]
    assert len(fonts) == 1
    assert len(page.images) == 0


def test_the_same_face_prints_the_same_bytes() -> None:
    assert plate_pdf(a_face()) == plate_pdf(a_face())


@pytest.mark.parametrize("theme", ["azurite", "gamboge", "jujube", "ink"])
def test_another_reader_than_the_proof_s_own_call_finds_the_address(theme: str) -> None:
    picture = rasterise(plate_pdf(a_face(theme=theme)), dpi=100).rotate(7, expand=True, fillcolor="#777777")
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [URL]


def test_the_picture_says_its_resolution_and_is_small() -> None:
    png = plate_png(plate_pdf(a_face()), dpi=200)
    assert png.startswith(b"\x89PNG")
    assert len(png) < 80_000


@pytest.mark.parametrize(
    "name",
    [
        "<img src=file:///etc/passwd>",
        "<style>@import 'file:///etc/passwd';</style>",
        "<link rel=attachment href=file:///etc/passwd>",
        "}@font-face{src:url(file:///etc/passwd)}",
        "{{ cycler }}{% raw %}",
    ],
)
def test_a_name_that_is_code_is_printed_as_letters_and_leaks_nothing(name: str) -> None:
    pdf = plate_pdf(a_face(shop_name=name, place=name[:40]))
    reader = PdfReader(BytesIO(pdf))
    assert name.replace(" ", "") in _words(pdf)
    assert not reader.attachments
    assert not reader.pages[0].images
    assert Path("/etc/passwd").read_bytes().splitlines()[0] not in pdf
    assert len(pdf) <= 30_000


def test_it_refuses_a_format_not_on_offer() -> None:
    with pytest.raises(PlateUnfit) as refusal:
        plate_pdf(a_face(), template="a3")
    assert refusal.value.reason == "format"
