"""The one place that reads the clock. Rules and operations are handed `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
