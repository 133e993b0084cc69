"""The arithmetic of the A5 plate, in millimetres."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import PlateFace
from portal.codes.plates.font import width
from portal.codes.plates.formats import BILINGUAL, FORMATS, LEAST_MODULE, QUIET_MODULES
from portal.codes.plates.layout import Layout, Text
from portal.codes.plates.upright import lay_out
from tests.portal.codes.plates.faces import LONG_NAME, LONGEST_NAME, a_face

_NAME_SIGNS = "老周豆腐店一号（）·、ABCdefg 789&'中国城"


def _laid(face: PlateFace, modules: int = 33) -> Layout:
    sizes = BILINGUAL if face.locale == "bilingual" else FORMATS
    return lay_out(face, sizes["a5"], width, modules=modules)


def _right(line: Text) -> float:
    if line.anchor == "left":
        return line.x + width(line.text) * line.size + line.spacing * (len(line.text) - 1)
    return line.x + (width(line.text) * line.size / 2 if line.anchor == "middle" else 0)


@pytest.mark.parametrize(
    ("changes", "name_size", "name_lines", "header", "module"),
    [
        ({}, 27, 1, 48.6, 2.75),
        ({"locale": "bilingual", "shop_name_en": "Old Zhou’s Tofu"}, 24, 1, 52.5, 2.4),
        ({"shop_name": LONG_NAME}, 12, 3, 60, 2.45),
        ({"shop_name": LONGEST_NAME}, 9, 5, 71.5, 2.2),
        ({"shop_name": "周"}, 27, 1, 48.6, 2.75),
    ],
)
def test_it_keeps_the_sizes_of_the_design(
    changes: dict[str, Any], name_size: float, name_lines: int, header: float, module: float
) -> None:
    layout = _laid(a_face(**changes))
    assert layout.texts[0].size == pytest.approx(name_size, abs=0.1)
    assert sum(line.size == layout.texts[0].size for line in layout.texts) == name_lines
    assert layout.boxes[0].y + layout.boxes[0].height == pytest.approx(header, abs=0.3)
    assert layout.code.module == pytest.approx(module)


def test_the_name_spans_the_stroke_under_it() -> None:
    layout = _laid(a_face())
    name, stroke = layout.texts[0], layout.stroke
    assert name.x + 0.045 * name.size == pytest.approx(stroke.x)
    assert _right(name) - 0.045 * name.size == pytest.approx(stroke.x + stroke.width)
    assert name.spacing <= 0.4 * name.size


def test_two_signs_are_spread_by_two_fifths_of_an_em_and_no_more() -> None:
    name = _laid(a_face(shop_name="周记")).texts[0]
    assert name.spacing == pytest.approx(0.4 * name.size)


def test_a_stall_too_long_for_its_line_is_shortened_and_the_plate_name_stays() -> None:
    place = next(t for t in _laid(a_face(place="城东农贸批发综合大市场" * 3)).texts if "柜台" in t.text)
    assert place.text.endswith("…\u3000柜台")


def test_it_refuses_a_module_under_the_floor() -> None:
    face = a_face(shop_name=LONGEST_NAME, locale="bilingual", shop_name_en="Old Zhou " * 6)
    with pytest.raises(PlateUnfit) as refusal:
        _laid(face, modules=45)
    assert refusal.value.reason == "crowded"


@given(
    name=st.text(alphabet=_NAME_SIGNS, min_size=1, max_size=60).filter(str.strip),
    second=st.text(alphabet="ABCdefg 789&'W", max_size=60),
    locale=st.sampled_from(["zh", "en", "bilingual"]),
)
def test_any_name_leaves_the_code_large_and_clear_and_stays_between_the_margins(
    name: str, second: str, locale: str
) -> None:
    layout = _laid(a_face(shop_name=name, shop_name_en=second, locale=locale))
    code, header = layout.code, layout.boxes[0]
    quiet = QUIET_MODULES * code.module - 1e-6
    below = min(t.baseline - 0.88 * t.size for t in layout.texts if t.baseline > code.y + code.side)
    assert code.module >= LEAST_MODULE
    assert code.y - (header.y + header.height) >= quiet
    assert below - (code.y + code.side) >= quiet
    assert all(_right(line) <= 136 + 0.06 * line.size for line in layout.texts)
    assert all(line.baseline - 0.88 * line.size >= 3 for line in layout.texts)


@given(name=st.text(alphabet=_NAME_SIGNS, min_size=1, max_size=60).filter(str.strip))
def test_a_name_is_printed_whole_and_never_under_nine_millimetres(name: str) -> None:
    face = a_face(shop_name=name)
    lines = [t for t in _laid(face).texts if t.baseline < 72 and t.colour == "#FFFFFF"]
    assert "".join(line.text for line in lines).replace(" ", "") == face.shop_name.replace(" ", "")
    assert all(line.size >= 9 for line in lines)
