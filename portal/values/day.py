"""The business day: Asia/Shanghai, midnight to midnight. Moments are stored in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def business_date(moment: datetime) -> date:
    """The day, in Shanghai, on which `moment` (any zone, never naive) falls."""
    return in_shanghai(moment).date()


def in_shanghai(moment: datetime) -> datetime:
    """`moment` as the clock on a Chinese wall shows it. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no business day")
    return moment.astimezone(SHANGHAI)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of `day` and of the day after it, in UTC."""
    start = datetime.combine(day, time(), SHANGHAI)
    return start.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
