"""Cutting names into lines."""

from hypothesis import given
from hypothesis import strategies as st

from portal.codes.plates.lines import balance
from tests.portal.codes.plates.faces import LONG_NAME


def _em(text: str) -> float:
    return sum(1.0 if sign >= "\u2e80" else 0.55 for sign in text)


def test_it_makes_lines_of_near_equal_length_with_the_long_one_in_the_middle() -> None:
    assert balance(LONG_NAME, 3, _em) == ["城东农贸市场老周家", "手工石磨豆腐豆花豆皮", "香干批发零售一号店"]


def test_it_prefers_to_cut_before_a_bracket() -> None:
    assert balance("老周手工豆腐（城东店）", 2, _em) == ["老周手工豆腐", "（城东店）"]


def test_it_prefers_to_cut_at_a_space_and_swallows_it() -> None:
    assert balance("老周手工豆腐 城东菜市场店", 2, _em) == ["老周手工豆腐", "城东菜市场店"]


def test_it_keeps_words_and_numbers_whole() -> None:
    lines = balance("Zhou's Tofu & Soymilk 24h 豆浆店", 3, _em)
    assert lines == ["Zhou's Tofu", "& Soymilk", "24h 豆浆店"]


def test_it_never_begins_a_line_with_closing_punctuation() -> None:
    lines = balance("豆腐、豆花、豆皮、香干", 2, _em)
    assert lines is not None
    assert not any(line[0] in "、）" for line in lines)


def test_it_says_when_there_are_too_few_places_to_cut() -> None:
    assert balance("Supercalifragilistic", 2, _em) is None
    assert balance("Supercalifragilistic", 2, _em, whole_words=False) == ["Supercalif", "ragilistic"]


@given(st.text(alphabet="老周豆腐店一号AB7 ", min_size=1, max_size=60).map(str.strip).filter(bool), st.integers(1, 5))
def test_it_loses_nothing_but_spaces(name: str, count: int) -> None:
    lines = balance(name, count, _em)
    if lines is not None:
        assert len(lines) == count
        assert "".join(lines).replace(" ", "") == name.replace(" ", "")
