"""The proof before release."""

import pytest

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.font import cut_to, width
from portal.codes.plates.formats import FORMATS
from portal.codes.plates.layout import Layout
from portal.codes.plates.pdf import plate_html
from portal.codes.plates.proof import proof
from portal.codes.plates.qr import symbol_for
from portal.codes.plates.upright import lay_out
from portal.plumbing.pdf import Asset, write_pdf
from portal.values.references import check_character
from tests.portal.codes.plates.faces import URL, a_face


def _drawn(addition: str = "", scale: float = 1.0) -> tuple[bytes, Layout]:
    face, symbol = a_face(), symbol_for(URL)
    layout = lay_out(face, FORMATS["a5"], width, modules=symbol.modules)
    html = plate_html(face, layout, symbol).replace("</body>", f"{addition}</body>")
    html = html.replace(f"{layout.code.side:.4f}mm", f"{layout.code.side * scale:.4f}mm")
    signs = "".join(line.text for line in layout.texts)
    return write_pdf(html, assets={"plate.ttf": Asset("font/ttf", cut_to(signs))}, identifier=b"proof"), layout


def _finding_of(refusal: pytest.ExceptionInfo[PlateUnfit]) -> object:
    assert refusal.value.reason == "proof"
    return refusal.value.facts["finding"]


def test_it_measures_module_and_clear_space() -> None:
    pdf, layout = _drawn()
    finding = proof(pdf, a_face(), layout.code)
    assert finding.text == URL
    assert finding.module == pytest.approx(2.75, abs=0.02)
    assert finding.quiet >= 4


def test_it_refuses_another_plates_code() -> None:
    stem = "7KQ42MHE"
    other = stem + check_character(stem)
    pdf, layout = _drawn()
    with pytest.raises(PlateUnfit) as refusal:
        proof(pdf, a_face(code=other, url=f"https://yima.example.cn/c/{other}"), layout.code)
    assert _finding_of(refusal) == "text"


def test_it_refuses_ink_in_the_quiet_zone() -> None:
    pdf, layout = _drawn('<div style="left: 20mm; top: 100mm; width: 1mm; height: 1mm; background: #083A4A"></div>')
    with pytest.raises(PlateUnfit) as refusal:
        proof(pdf, a_face(), layout.code)
    assert _finding_of(refusal) == "quiet"


def test_it_refuses_a_code_drawn_too_small() -> None:
    pdf, layout = _drawn(scale=0.42)
    with pytest.raises(PlateUnfit) as refusal:
        proof(pdf, a_face(), layout.code)
    assert _finding_of(refusal) == "module"


def test_it_refuses_a_page_whose_code_cannot_be_read() -> None:
    pdf, layout = _drawn('<div style="left: 50mm; top: 80mm; width: 60mm; height: 60mm; background: #FFFFFF"></div>')
    with pytest.raises(PlateUnfit) as refusal:
        proof(pdf, a_face(), layout.code)
    assert _finding_of(refusal) == "codes"
