"""When bills are asked for, how far back, and how long a difference may rest."""

from datetime import date, datetime, time, timedelta

from portal.values.day import SHANGHAI, business_date, in_shanghai

# Bills are made in the morning and can be fetched from ten (WeChat Pay partner docs 4013080602). Five minutes' grace.
READY_AT = time(10, 5)
ASK_AGAIN = timedelta(minutes=30)
# WeChat Pay keeps bills for three months; what is still open after one is no longer a matter for a nightly job.
DAYS_BACK = 30
HOLD_DAYS = 7


def newest_ready(moment: datetime) -> date:
    """The newest day whose bills can be fetched: yesterday from five past ten, before that the day before."""
    local = in_shanghai(moment)
    return local.date() - timedelta(days=1 if local.time() >= READY_AT else 2)


def next_run(moment: datetime, *, waiting: bool) -> datetime:
    """When to look again: in half an hour while the newest day's bills are not all there, else when new ones are."""
    local = in_shanghai(moment)
    today = datetime.combine(local.date(), READY_AT, SHANGHAI)
    tomorrow = datetime.combine(local.date() + timedelta(days=1), READY_AT, SHANGHAI)
    coming = today if local < today else tomorrow
    return min(local + ASK_AGAIN, coming) if waiting else coming


def hold_until(moment: datetime) -> date:
    """The last day on which a difference put on hold at `moment` may rest."""
    return business_date(moment) + timedelta(days=HOLD_DAYS)
