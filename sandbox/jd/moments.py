"""Moments as JD writes them: `yyyyMMddHHmmss` in Beijing time."""

from datetime import date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
_FORMAT = "%Y%m%d%H%M%S"


def written(moment: float) -> str:
    """Unix seconds as `20261121123109`."""
    return datetime.fromtimestamp(moment, BEIJING).strftime(_FORMAT)


def read(text: str) -> float:
    """`20261121123109` as unix seconds. Raises ValueError."""
    if len(text) != 14 or not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return datetime.strptime(text, _FORMAT).replace(tzinfo=BEIJING).timestamp()


def day_bounds(day: date) -> tuple[float, float]:
    """First moment of a Beijing day and of the next one, unix seconds."""
    start = datetime(day.year, day.month, day.day, tzinfo=BEIJING)
    return start.timestamp(), (start + timedelta(days=1)).timestamp()


def iso(moment: float) -> str:
    """Unix seconds as RFC 3339 in Beijing time, for the books."""
    return datetime.fromtimestamp(moment, BEIJING).isoformat(timespec="seconds")


def spaced(moment: float) -> str:
    """Unix seconds as `2026-11-21 12:31:09` in Beijing time, for bills."""
    return datetime.fromtimestamp(moment, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
