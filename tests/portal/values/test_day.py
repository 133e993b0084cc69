from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.values.day import business_date, day_bounds, in_shanghai

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS)
def test_every_moment_lies_within_its_own_day(moment: datetime) -> None:
    start, end = day_bounds(business_date(moment))
    assert start <= moment < end
    assert end - start == timedelta(days=1)


@given(MOMENTS, st.integers(-12, 14))
def test_the_zone_a_moment_is_written_in_does_not_matter(moment: datetime, hours: int) -> None:
    assert business_date(moment.astimezone(timezone(timedelta(hours=hours)))) == business_date(moment)


def test_the_day_changes_at_midnight_in_shanghai() -> None:
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert business_date(midnight) == date(2026, 11, 22)
    assert business_date(midnight - timedelta(microseconds=1)) == date(2026, 11, 21)
    assert in_shanghai(midnight).hour == 0


def test_the_year_changes_there_too() -> None:
    assert business_date(datetime(2026, 12, 31, 16, tzinfo=UTC)) == date(2027, 1, 1)


def test_a_naive_time_has_no_day() -> None:
    with pytest.raises(ValueError, match="naive"):
        business_date(datetime(2026, 11, 22))  # noqa: DTZ001 - the very thing refused
