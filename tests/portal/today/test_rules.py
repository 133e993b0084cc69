from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from portal.today.rules import HourSum, chart, split, week_before

HOURS = st.lists(
    st.builds(
        HourSum,
        st.sampled_from(["wechat", "jdpay", "unknown"]),
        st.integers(0, 23),
        st.integers(1, 50),
        st.integers(1, 1_000_000),
    ),
    max_size=40,
)


def test_both_wallets_are_shown_even_when_nobody_paid() -> None:
    assert [(part.wallet, part.count, part.received) for part in split([])] == [("wechat", 0, 0), ("jdpay", 0, 0)]


def test_the_larger_wallet_comes_first_and_an_unknown_one_is_not_hidden() -> None:
    hours = [HourSum("wechat", 8, 1, 100), HourSum("jdpay", 9, 2, 300), HourSum("unknown", 9, 1, 200)]
    assert [part.wallet for part in split(hours)] == ["jdpay", "unknown", "wechat"]


@given(HOURS)
def test_the_parts_make_up_the_day(hours: list[HourSum]) -> None:
    parts = split(hours)
    assert sum(part.received for part in parts) == sum(hour.received for hour in hours)
    assert sum(part.count for part in parts) == sum(hour.count for hour in hours)


@given(HOURS, HOURS, st.integers(0, 23))
def test_no_hour_falls_out_of_the_chart(today: list[HourSum], before: list[HourSum], hour: int) -> None:
    drawn = chart(today, before, hour=hour)
    assert sum(drawn.today) == sum(entry.received for entry in today)
    assert sum(drawn.before) == sum(entry.received for entry in before)
    assert len(drawn.today) == len(drawn.before) >= 15
    assert drawn.first_hour + drawn.now == hour


def test_a_market_day_runs_from_six_to_nine() -> None:
    drawn = chart([HourSum("wechat", 8, 1, 100)], [], hour=14)
    assert (drawn.first_hour, drawn.now, len(drawn.today), drawn.today[2]) == (6, 8, 15, 100)


def test_a_night_stall_gets_its_night() -> None:
    drawn = chart([HourSum("wechat", 23, 1, 100), HourSum("wechat", 4, 1, 50)], [], hour=23)
    assert (drawn.first_hour, len(drawn.today)) == (4, 20)


def test_markets_compare_by_the_week() -> None:
    assert week_before(date(2026, 3, 1)) == date(2026, 2, 22)
