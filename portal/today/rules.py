"""The day's figures: what is added up, and what it is compared with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

FIRST_HOUR = 6
LAST_HOUR = 20
SHOWN_WALLETS = ("wechat", "jdpay")


@dataclass(frozen=True)
class HourSum:
    """What one wallet's payers paid within one hour of a day, in fen."""

    wallet: str
    hour: int
    count: int
    received: int


@dataclass(frozen=True)
class Part:
    """One wallet's share of the day, in fen."""

    wallet: str
    count: int
    received: int


@dataclass(frozen=True)
class Chart:
    """Fen per hour of today and of the day compared with; `now` is the index of the running hour."""

    first_hour: int
    now: int
    today: list[int]
    before: list[int]


def week_before(day: date) -> date:
    """The day the owner compares with: markets live by the week."""
    return day - timedelta(days=7)


def split(hours: Sequence[HourSum]) -> list[Part]:
    """The day by wallet: both wallets always, an unknown one when it paid; the larger sum first."""
    seen = {hour.wallet for hour in hours}
    parts = [
        Part(
            wallet,
            sum(hour.count for hour in hours if hour.wallet == wallet),
            sum(hour.received for hour in hours if hour.wallet == wallet),
        )
        for wallet in (*SHOWN_WALLETS, *sorted(seen - set(SHOWN_WALLETS)))
    ]
    return sorted(parts, key=lambda part: -part.received)


def chart(today: Sequence[HourSum], before: Sequence[HourSum], *, hour: int) -> Chart:
    """Bars from six in the morning to nine at night, wider where somebody sold earlier or later. `hour` runs now."""
    busy = [entry.hour for entry in (*today, *before) if entry.received] + [hour]
    first, last = min(FIRST_HOUR, *busy), max(LAST_HOUR, *busy)
    return Chart(
        first,
        hour - first,
        [_in_hour(today, index) for index in range(first, last + 1)],
        [_in_hour(before, index) for index in range(first, last + 1)],
    )


def _in_hour(hours: Sequence[HourSum], hour: int) -> int:
    return sum(entry.received for entry in hours if entry.hour == hour)
