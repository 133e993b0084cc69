"""What a face accepts."""

from typing import Any

import pytest

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import PlateFace
from portal.values.references import new_code
from tests.portal.codes.plates.faces import CODE, URL, a_face


def test_it_survives_the_way_to_the_printing_process() -> None:
    face = a_face(locale="bilingual", shop_name_en="Old Zhou’s Tofu")
    assert PlateFace.from_message(face.as_message()) == face


def test_it_tidies_spaces_and_composes_accents() -> None:
    face = a_face(shop_name="  Cafe\u0301   Zhou ")
    assert face.shop_name == "Café Zhou"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shop_name": ""}, "name_missing"),
        ({"shop_name": " \u3000 "}, "name_missing"),
        ({"shop_name": "周" * 61}, "too_long"),
        ({"shop_name_en": "Z" * 61}, "too_long"),
        ({"place": "市" * 41}, "too_long"),
        ({"plate_name": "台" * 21}, "too_long"),
        ({"shop_name": "𠮷野家"}, "glyphs"),
        ({"place": "B12\u202e"}, "glyphs"),
        ({"code": "7KQ42MHD9"}, "code"),
        ({"code": "7kq4-2mhd-w"}, "code"),
        ({"url": f"/c/{CODE}"}, "url"),
        ({"url": f"ftp://yima.example.cn/c/{CODE}"}, "url"),
        ({"url": f"https://yima.example.cn/c/{new_code()}"}, "url"),
        ({"url": f"{URL}?from=plate"}, "url"),
        ({"url": f"https://一码.example.cn/c/{CODE}"}, "url"),
        ({"url": f"https://{'a' * 100}.cn/c/{CODE}"}, "url"),
        ({"theme": "wechat-green"}, "theme"),
        ({"locale": "fr"}, "locale"),
    ],
)
def test_it_refuses_what_cannot_be_printed(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlateUnfit) as refusal:
        a_face(**changes)
    assert refusal.value.reason == reason


def test_it_says_which_characters_of_which_field_have_no_glyph() -> None:
    with pytest.raises(PlateUnfit) as refusal:
        a_face(shop_name="𠮷野家😀")
    assert refusal.value.facts == {"field": "shop_name", "signs": ["𠮷", "😀"]}
