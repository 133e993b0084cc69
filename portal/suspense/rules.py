"""Money put aside: what may become of a case, and what exactly two people agree to."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """A case's life. Without anybody deciding it may end as `booked` (its payment was booked after all) or `returned`
    (a second payment of one order went back to its payer, `returning` while that is under way)."""

    OPEN = "open"
    PROPOSED = "proposed"
    RETURNING = "returning"
    RETURNED = "returned"
    BOOKED = "booked"
    RELEASED = "released"
    GIVEN_BACK = "given_back"
    IGNORED = "ignored"


class Fact(StrEnum):
    """What can happen to a case."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    RELEASED = "released"
    GIVEN_BACK = "given_back"
    IGNORED = "ignored"
    BOOKED = "booked"
    GOES_BACK = "goes_back"
    WENT_BACK = "went_back"
    STAYED = "stayed"


class Way(StrEnum):
    """What can be done: the merchant gets it, the payer gets it back, or it was never there."""

    RELEASE = "release"
    GIVE_BACK = "give_back"
    IGNORE = "ignore"


_NOTHING: dict[Fact, State | None] = dict.fromkeys(Fact)
_BY_ITSELF: dict[Fact, State | None] = {
    Fact.BOOKED: State.BOOKED,
    Fact.GOES_BACK: State.RETURNING,
    Fact.WENT_BACK: State.RETURNED,
}
# Complete over State × Fact; None means the fact changes nothing (a late or repeated word).
TRANSITIONS: dict[State, dict[Fact, State | None]] = {
    State.OPEN: {**_NOTHING, **_BY_ITSELF, Fact.PROPOSED: State.PROPOSED},
    State.PROPOSED: {
        **_NOTHING,
        **_BY_ITSELF,
        Fact.DECLINED: State.OPEN,
        Fact.RELEASED: State.RELEASED,
        Fact.GIVEN_BACK: State.GIVEN_BACK,
        Fact.IGNORED: State.IGNORED,
    },
    State.RETURNING: {**_NOTHING, Fact.WENT_BACK: State.RETURNED, Fact.STAYED: State.OPEN},
    State.RETURNED: _NOTHING,
    State.BOOKED: _NOTHING,
    State.RELEASED: _NOTHING,
    State.GIVEN_BACK: _NOTHING,
    # Money that was not there may come after all: then its payment is booked like any other.
    State.IGNORED: {**_NOTHING, Fact.BOOKED: State.BOOKED},
}
FACT_OF = {Way.RELEASE: Fact.RELEASED, Way.GIVE_BACK: Fact.GIVEN_BACK, Way.IGNORE: Fact.IGNORED}
# Somebody must look.
UNSETTLED = (State.OPEN, State.PROPOSED)


def after(state: State, fact: Fact) -> State | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return TRANSITIONS[state][fact]


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 in hex of what is agreed to. The same content, whoever writes it down, has the same."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
