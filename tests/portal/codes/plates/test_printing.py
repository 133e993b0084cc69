"""Plates as a web request gets them: from the warm process beside it."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from portal.codes.plates import printing
from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.png import rasterise
from tests.portal.codes.plates.faces import LONGEST_NAME, URL, a_face


@pytest.fixture(scope="module", autouse=True)
def _end_the_press() -> Iterator[None]:
    yield
    printing._press.close()


def test_the_pdf_and_the_picture_carry_the_address() -> None:
    pdf = printing.render_plate_pdf(a_face())
    png = Image.open(BytesIO(printing.render_plate_png(a_face(), dpi=150)))
    assert [found.text for found in zxingcpp.read_barcodes(rasterise(pdf, dpi=150))] == [URL]
    assert [found.text for found in zxingcpp.read_barcodes(png.convert("L"))] == [URL]
    assert png.size == (875, 1241)


def test_a_refusal_crosses_the_pipe_with_its_facts() -> None:
    crowded = a_face(
        shop_name=LONGEST_NAME,
        shop_name_en="Old Zhou Family Hand Ground Stone Mill Tofu",
        locale="bilingual",
        url=f"https://{'a' * 60}.example.cn/c/7KQ42MHDW",
    )
    with pytest.raises(PlateUnfit) as refusal:
        printing.render_plate_pdf(crowded)
    assert refusal.value.reason == "crowded"
    assert refusal.value.facts["floor"] == 1.25


def test_it_refuses_an_absurd_resolution() -> None:
    with pytest.raises(ValueError):
        printing.render_plate_png(a_face(), dpi=4800)


def test_the_web_process_loads_no_layout_engine_and_no_font_library() -> None:
    heavy = "{'weasyprint', 'fontTools', 'pypdfium2', 'zxingcpp', 'qrcode', 'PIL'}"
    script = f"import sys; import portal.codes.plates.printing; print(sorted({heavy} & set(sys.modules)))"
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
