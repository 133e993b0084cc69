from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.values.errors import InvalidAmount
from portal.values.money import BASIS_POINTS, MAX_ORDER_FEN, Fen, fee_of, parse_yuan, share

REASONS = {"missing", "not_a_number", "too_precise", "zero", "too_large"}
AMOUNTS = st.integers(min_value=1, max_value=MAX_ORDER_FEN)
_WIDE = str.maketrans("0123456789.,", "０１２３４５６７８９．，")


def reason(text: str, **limits: int) -> str:
    with pytest.raises(InvalidAmount) as found:
        parse_yuan(text, **limits)
    return found.value.reason


@given(AMOUNTS)
def test_what_is_written_as_yuan_is_read_back_to_the_fen(fen: int) -> None:
    plain, grouped = f"{fen // 100}.{fen % 100:02d}", f"{fen // 100:,}.{fen % 100:02d}"
    for text in (plain, grouped, plain.translate(_WIDE), f" ¥{plain} ", f"￥ {grouped}元", plain + "000"):
        assert parse_yuan(text) == fen


@given(AMOUNTS, st.integers(min_value=1, max_value=9), st.integers(min_value=3, max_value=12))
def test_a_part_of_a_fen_is_refused_and_never_rounded(fen: int, digit: int, place: int) -> None:
    assert reason(f"{fen // 100}.{fen % 100:02d}{'0' * (place - 3)}{digit}") == "too_precise"


@given(st.text(max_size=20))
def test_any_text_is_an_amount_within_the_limits_or_refused_with_a_reason(text: str) -> None:
    try:
        found: int | str = parse_yuan(text)
    except InvalidAmount as problem:
        found = problem.reason
    assert found in REASONS or (isinstance(found, Fen) and 0 < found <= MAX_ORDER_FEN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing"),
        ("  ", "missing"),
        ("¥", "missing"),
        ("元", "missing"),
        ("0", "zero"),
        ("0.00", "zero"),
        ("０", "zero"),
        ("-5", "not_a_number"),
        ("－5", "not_a_number"),
        ("+5", "not_a_number"),
        ("1e9", "not_a_number"),
        (".5", "not_a_number"),
        ("1.2.3", "not_a_number"),
        ("NaN", "not_a_number"),
        ("五块", "not_a_number"),
        ("🍊5", "not_a_number"),
        ("5 0", "not_a_number"),
        ("1元2", "not_a_number"),
        ("1¥2", "not_a_number"),
        ("5²", "not_a_number"),
        ("②", "not_a_number"),
        ("٥", "not_a_number"),
        ("0.001", "too_precise"),
        ("1000000000", "too_large"),
        ("9999999999999", "not_a_number"),
    ],
)
def test_it_says_what_is_wrong_with_an_amount(text: str, why: str) -> None:
    assert reason(text) == why


@pytest.mark.parametrize("text", ["12,50", "1,2", "12,5", "1234,567", ",5", "1,,000", "0,5", "12，50"])
def test_a_decimal_comma_never_becomes_a_hundred_times_as_much(text: str) -> None:
    assert reason(text) == "not_a_number"


def test_the_limit_itself_may_be_paid_and_not_a_fen_more() -> None:
    assert parse_yuan("5.00", most=500) == 500
    assert reason("5.01", most=500) == "too_large"


@pytest.mark.parametrize("value", [1.0, 1.5, True, False, Decimal(1), "1", None, Fraction(1)])
def test_fen_are_whole_numbers_and_nothing_else(value: object) -> None:
    with pytest.raises(InvalidAmount):
        Fen(value)  # type: ignore[arg-type]
    with pytest.raises(InvalidAmount):
        Fen(1) + value  # type: ignore[operator]
    with pytest.raises(InvalidAmount):
        Fen(1) - value  # type: ignore[operator]


@given(st.integers(), st.integers())
def test_fen_add_subtract_and_turn_to_fen(one: int, other: int) -> None:
    assert Fen(one) + other == one + other
    assert Fen(one) - Fen(other) == one - other
    assert -Fen(one) == -one
    assert all(type(result) is Fen for result in (Fen(one) + other, Fen(one) - other, -Fen(one)))


@given(AMOUNTS)
def test_yuan_have_two_decimals_and_no_rounding(fen: int) -> None:
    assert Fen(fen).yuan * 100 == fen
    assert Fen(fen).yuan.as_tuple().exponent == -2


@given(st.integers(0, 10**30), st.integers(0, 10**30), st.integers(1, 10**30))
def test_a_share_is_exact_and_rounded_half_up(amount: int, part: int, whole: int) -> None:
    exact = Fraction(amount * part, whole)
    error = int(share(amount, part, whole)) - exact
    assert -Fraction(1, 2) < error <= Fraction(1, 2)


@pytest.mark.parametrize(("amount", "part", "whole"), [(1, 1, 0), (1, 1, -1), (-1, 1, 1), (1, -1, 1)])
def test_there_is_no_share_of_less_than_nothing(amount: int, part: int, whole: int) -> None:
    with pytest.raises(InvalidAmount):
        share(amount, part, whole)


@given(AMOUNTS, st.integers(0, BASIS_POINTS))
def test_a_fee_is_never_more_than_the_amount(amount: int, rate: int) -> None:
    assert 0 <= fee_of(amount, rate) <= amount


@pytest.mark.parametrize(
    ("amount", "rate", "fee"), [(1234, 38, 5), (500, 38, 2), (131, 38, 0), (132, 38, 1), (10_000, 0, 0)]
)
def test_the_fee_of_an_amount(amount: int, rate: int, fee: int) -> None:
    assert fee_of(amount, rate) == fee
