"""What the owner reads when nothing is printed."""

import pytest

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.refusals import sentence
from tests.portal.codes.plates.faces import a_face


def test_it_names_the_characters_and_the_field() -> None:
    with pytest.raises(PlateUnfit) as refusal:
        a_face(shop_name="𠮷野家")
    assert sentence(refusal.value) == "店名里的这些字印不出来：𠮷。请换成常用字。"


def test_it_names_the_limit() -> None:
    with pytest.raises(PlateUnfit) as refusal:
        a_face(place="市" * 41)
    assert sentence(refusal.value) == "摊位最多 40 个字，请缩短后再打印。"


@pytest.mark.parametrize("reason", ["name_missing", "code", "url", "theme", "locale", "format", "crowded", "proof"])
def test_every_reason_has_a_sentence_that_says_what_to_do(reason: str) -> None:
    assert "请" in sentence(PlateUnfit(reason))
