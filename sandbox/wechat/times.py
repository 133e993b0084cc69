"""RFC 3339 in Beijing time, as WeChat Pay writes it, and the days of its books."""

import secrets
from datetime import UTC, date, datetime, time, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))  # China has had no daylight saving time since 1991


def rfc3339(seconds: float) -> str:
    """Unix seconds as `2015-05-20T13:29:35+08:00`."""
    return datetime.fromtimestamp(int(seconds), BEIJING).isoformat()


def seconds_of(text: str) -> float:
    """Unix seconds of an RFC 3339 text with an offset. Raises ValueError for anything else."""
    if len(text) < 20 or text[10] != "T":
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC).timestamp()


def day_of(seconds: float) -> date:
    """The Beijing day of a moment."""
    return datetime.fromtimestamp(seconds, BEIJING).date()


def bill_time(seconds: float) -> str:
    """As bills write it: `2015-01-01 10:00:00`, Beijing time."""
    return f"{datetime.fromtimestamp(int(seconds), BEIJING):%Y-%m-%d %H:%M:%S}"


def day_bounds(day: date) -> tuple[float, float]:
    """First second of a Beijing day and of the next one."""
    start = datetime.combine(day, time(), BEIJING)
    return start.timestamp(), (start + timedelta(days=1)).timestamp()


def number_of_day(start: str, length: int, now: float) -> str:
    """A transaction or refund number: fixed digits, the Beijing day, then chance, `length` digits in all."""
    day = f"{datetime.fromtimestamp(now, BEIJING):%Y%m%d}"
    tail = length - len(start) - len(day)
    return f"{start}{day}{secrets.randbelow(10**tail):0{tail}d}"
