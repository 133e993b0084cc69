"""When a day is closed, the JSON that is sealed of it, and its seal: pure, and the same on every machine."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from portal.settlement.rules import Earlier, Figures, Group, Line, Rebate
from portal.values.day import SHANGHAI, business_date, in_shanghai

# What stands before the first sheet of a merchant.
GENESIS = "0" * 64
FORM = 1
# The act that keeps each seal in the merchant's chain of acts.
ACT = "day.sealed"
# Five minutes for notices of the last minute; whatever comes later stands on the next sheet.
CLOSES_AT = time(0, 5)


def newest_closed(moment: datetime) -> date:
    """The last day whose books are closed at `moment`: yesterday in Beijing from five past midnight on."""
    gone = 1 if in_shanghai(moment).time() >= CLOSES_AT else 2
    return business_date(moment) - timedelta(days=gone)


def next_close(moment: datetime) -> datetime:
    """The next moment at which a day is closed, in UTC."""
    today = business_date(moment)
    at = datetime.combine(today, CLOSES_AT, SHANGHAI)
    if at <= moment:
        at = datetime.combine(today + timedelta(days=1), CLOSES_AT, SHANGHAI)
    return at.astimezone(UTC)


def days_to_seal(days: Iterable[date], *, last: date | None, until: date, late: bool) -> list[date]:
    """The days that get a sheet now, in order: each later than the last sheet that has postings, up to `until`.

    A day of which nothing is known gets none. Facts of sealed days never wait for the next day with postings: they
    get a sheet of `until`, unless that is sealed already; then the next one takes them.
    """
    wanted = sorted({day for day in days if day <= until and (last is None or day > last)})
    if late and not wanted and last is not None and until > last:
        return [until]
    return wanted


def as_json(figures: Figures) -> dict[str, Any]:
    """The figures as plain JSON: whole numbers and text, no fraction anywhere."""
    return {
        "form": FORM,
        "day": figures.day.isoformat(),
        "lines": [asdict(line) for line in figures.lines],
        "books": _books(figures.books),
        "rebate": asdict(figures.rebate),
        "hours": list(figures.hours),
        "earlier": [{"day": one.day.isoformat(), "books": _books(one.books)} for one in figures.earlier],
        "elsewhere": {"count": figures.elsewhere_count, "gross": figures.elsewhere_gross},
        "covered": figures.covered,
    }


def from_json(told: Mapping[str, Any]) -> Figures:
    """The figures of a kept sheet. Raises ValueError, KeyError or TypeError for what `as_json` never wrote."""
    if told["form"] != FORM:
        raise ValueError(f"a sheet of form {told['form']}")
    return Figures(
        day=date.fromisoformat(told["day"]),
        lines=tuple(Line(**line) for line in told["lines"]),
        books=_groups(told["books"]),
        rebate=Rebate(**told["rebate"]),
        hours=tuple(told["hours"]),
        earlier=tuple(Earlier(date.fromisoformat(one["day"]), _groups(one["books"])) for one in told["earlier"]),
        elsewhere_count=told["elsewhere"]["count"],
        elsewhere_gross=told["elsewhere"]["gross"],
        covered=told["covered"],
    )


def act_facts(*, position: int, seal: str) -> dict[str, Any]:
    """What the act says of a sheet."""
    return {"position": position, "seal": seal}


def seal_of(*, merchant_id: int, position: int, previous: str, sealed_at: datetime, figures: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a sheet and the seal before it, in hex."""
    moment = sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(canonical([merchant_id, position, previous, moment, figures])).hexdigest()


def canonical(value: object) -> bytes:
    """JSON in its one form: keys sorted, no spaces, UTF-8.

    Raises ValueError for a fraction: the database may write the same number another way.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    json.loads(text, parse_float=_no_fraction, parse_constant=_no_fraction)
    return text.encode()


def _books(groups: tuple[Group, ...]) -> list[list[str | int]]:
    return [[group.kind, group.debit, group.credit, group.count, group.amount] for group in groups]


def _groups(told: list[list[Any]]) -> tuple[Group, ...]:
    return tuple(Group(*one) for one in told)


def _no_fraction(text: str) -> float:
    raise ValueError(f"not a whole number: {text}")
