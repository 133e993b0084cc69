"""What payments earn and refunds take back, for any amounts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rebates.rules import LEASE_SLICE, earned, lease_to_take, taken_back, why_not_counted

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def test_one_per_cent_of_sixty_yuan_is_sixty_fen() -> None:
    assert earned(amount=60_00, rate_bp=100) == 60


def test_half_a_fen_rounds_up() -> None:
    assert (earned(amount=49, rate_bp=100), earned(amount=50, rate_bp=100)) == (0, 1)


@given(
    amount=st.integers(1, 9_999_999_99),
    rate_bp=st.integers(1, 10_000),
    parts=st.lists(st.integers(1, 5_000_000), max_size=50),
)
def test_what_is_kept_is_the_rate_of_what_was_not_refunded(amount: int, rate_bp: int, parts: list[int]) -> None:
    accrued = int(earned(amount=amount, rate_bp=rate_bp))
    refunded = back = 0
    for part in parts:
        part = min(part, amount - refunded)
        refunded += part
        back += taken_back(accrued=accrued, already_back=back, refunded_in_all=refunded, amount=amount)
        assert 0 <= back <= accrued
        # Half a fen from rounding what was earned, half a fen from rounding what was taken back.
        assert abs((accrued - back) * 10_000 - rate_bp * (amount - refunded)) <= 10_000
    if refunded == amount:
        assert back == accrued


@given(need=st.integers(1, 20_000), left=st.integers(0, 20_000))
def test_a_lease_covers_the_need_within_the_budget_or_takes_nothing(need: int, left: int) -> None:
    taken = lease_to_take(need=need, left_of_budget=left)
    assert taken == 0 if need > left else need <= taken <= left
    assert taken in (0, need, left, LEASE_SLICE)


@pytest.mark.parametrize(
    ("paid_at", "restricted_since", "reward", "reason"),
    [
        (NOON, None, 1, None),
        (NOON - 2 * DAY, None, 1, "not_started"),
        (NOON + DAY, None, 1, "programme_over"),
        (NOON, NOON, 1, "restricted"),
        (NOON, NOON + DAY, 1, None),
        (NOON, None, 0, "too_small"),
    ],
)
def test_it_gives_the_reason_for_nothing(
    paid_at: datetime, restricted_since: datetime | None, reward: int, reason: str | None
) -> None:
    why = why_not_counted(
        starts_at=NOON - DAY, ends_at=NOON + DAY, paid_at=paid_at, restricted_since=restricted_since, reward=reward
    )
    assert why == reason
