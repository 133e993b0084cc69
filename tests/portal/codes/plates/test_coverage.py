"""Which characters a plate can show."""

import pytest
from fontTools.ttLib import TTFont

from portal.codes.plates.coverage import FONTS, missing_glyphs


def test_it_covers_every_gb2312_character() -> None:
    rows = (bytes([high, low]) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF))
    signs = "".join(pair.decode("gb2312", "ignore") for pair in rows)
    assert len(signs) == 6763
    assert missing_glyphs(signs) == []


def test_it_covers_rare_surnames_and_place_names_of_the_standard_table() -> None:
    assert missing_glyphs("䶮㛃㙍䴖囍喆堃") == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("𠮷野家", ["𠮷"]),
        ("豆腐😀😀", ["😀"]),
        ("周\u200b记", ["\u200b"]),
        ("周\u202e记", ["\u202e"]),
        ("周\n记", ["\n"]),
        ("葛\U000e0100", ["\U000e0100"]),
    ],
)
def test_it_names_what_it_cannot_draw_once_each(text: str, missing: list[str]) -> None:
    assert missing_glyphs(text) == missing


def test_the_list_says_exactly_what_the_face_holds() -> None:
    with TTFont(FONTS / "NotoSansSC-Bold.ttf", lazy=True) as face:
        drawn = face.getBestCmap()
    listed = {
        point
        for line in (FONTS / "coverage.txt").read_text().split()
        for point in range(int(line[:4], 16), int(line[5:], 16) + 1)
    }
    assert listed == set(drawn)


def test_the_face_travels_with_its_licence() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
