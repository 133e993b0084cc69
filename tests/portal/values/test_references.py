from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.values.errors import InvalidReference
from portal.values.references import (
    CODE_ALPHABET,
    CODE_LENGTH,
    REFERENCE_LENGTH,
    Kind,
    check_character,
    merchant_of,
    mint,
    new_code,
    read_code,
    spoken_code,
)

KEY = b"a key of this test"
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KINDS = st.sampled_from(Kind)
MERCHANTS = st.integers(0, 2**40 - 1)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
STEMS = st.text(CODE_ALPHABET, min_size=CODE_LENGTH - 1, max_size=CODE_LENGTH - 1)


@given(KINDS, MERCHANTS, MOMENTS)
def test_a_reference_tells_its_merchant(kind: Kind, merchant_id: int, now: datetime) -> None:
    reference = mint(kind, merchant_id, key=KEY, now=now)
    assert merchant_of(reference, kind=kind, key=KEY) == merchant_id
    assert len(reference) == REFERENCE_LENGTH == 30
    assert reference.isascii()
    assert reference.isalnum()
    assert reference == reference.upper()


@given(KINDS, MERCHANTS, MOMENTS)
def test_a_reference_of_one_kind_is_none_of_another(kind: Kind, merchant_id: int, now: datetime) -> None:
    reference = mint(kind, merchant_id, key=KEY, now=now)
    for other in set(Kind) - {kind}:
        for forged in (reference, other + reference[1:]):
            with pytest.raises(InvalidReference):
                merchant_of(forged, kind=other, key=KEY)


@given(KINDS, MERCHANTS, MOMENTS)
def test_no_sign_of_a_reference_can_be_changed(kind: Kind, merchant_id: int, now: datetime) -> None:
    reference = mint(kind, merchant_id, key=KEY, now=now)
    for place in range(1, REFERENCE_LENGTH):
        for sign in SIGNS:
            if sign != reference[place]:
                with pytest.raises(InvalidReference):
                    merchant_of(reference[:place] + sign + reference[place + 1 :], kind=kind, key=KEY)


@given(KINDS, MERCHANTS, MOMENTS)
def test_a_reference_of_another_installation_is_refused(kind: Kind, merchant_id: int, now: datetime) -> None:
    with pytest.raises(InvalidReference, match="seal"):
        merchant_of(mint(kind, merchant_id, key=b"another key", now=now), kind=kind, key=KEY)


@given(st.text(max_size=40), KINDS)
def test_any_text_is_refused_and_nothing_else_happens(text: str, kind: Kind) -> None:
    with pytest.raises(InvalidReference):
        merchant_of(text, kind=kind, key=KEY)


def test_two_references_of_one_moment_differ() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert len({mint(Kind.ORDER, 1, key=KEY, now=now) for _ in range(20)}) > 15


def test_a_new_code_reads_back_however_it_is_written() -> None:
    for _ in range(100):
        code = new_code()
        spoken = spoken_code(code)
        for text in (code, code.lower(), spoken, f" {spoken} ", spoken.replace("-", " ")):
            assert read_code(text) == code


@given(STEMS)
def test_the_check_character_finds_every_single_slip(stem: str) -> None:
    code = stem + check_character(stem)
    for place, right in enumerate(code):
        for wrong in CODE_ALPHABET:
            if wrong != right:
                with pytest.raises(InvalidReference, match="check"):
                    read_code(code[:place] + wrong + code[place + 1 :])


@given(STEMS)
def test_the_check_character_finds_every_swap_of_neighbours(stem: str) -> None:
    code = stem + check_character(stem)
    for place in range(CODE_LENGTH - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        if swapped != code:
            with pytest.raises(InvalidReference, match="check"):
                read_code(swapped)


@pytest.mark.parametrize("text", ["", "7KQ42MHD", "7KQ42MHDWW", "7KQ42MHD0", "OKQ42MHDW", "一KQ42MHDW", "7KQ4/2MHD"])
def test_what_cannot_be_a_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="shape"):
        read_code(text)


def test_a_code_is_spoken_in_groups() -> None:
    assert spoken_code("7KQ42MHDW") == "7KQ4-2MHD-W"
