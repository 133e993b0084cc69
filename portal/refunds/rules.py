"""What a refund may become, and when one may be asked for."""

from datetime import datetime, timedelta
from enum import StrEnum

from portal.values.errors import Refused
from portal.values.money import Fen, share

# WeChat Pay partner docs 4013080625: within 365 days of the payment, in at most 50 parts.
REFUND_WINDOW = timedelta(days=365)
MOST_PARTS = 50
REASON_MOST = 40
# Seconds until the wallet is asked (again) about a refund that is under way or unknown. The first is longer than a
# web request may talk to a wallet, so the worker never asks while that one is still waiting for its answer.
ASK_AGAIN = (5, 5, 15, 60, 60, 60, 60, 60, 300, 600, 1200, 1800)
ASK_AGAIN_LATER = 3600


class State(StrEnum):
    """A refund's life. `unknown` is a state: the wallet was asked and nobody knows what it did."""

    REQUESTED = "requested"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    DECLINED = "declined"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    SUCCESS = "success"
    ABNORMAL = "abnormal"
    CLOSED = "closed"


class Fact(StrEnum):
    """What can happen to a refund."""

    HELD = "held"
    APPROVED = "approved"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    ARRIVED = "arrived"
    STUCK = "stuck"
    CAME_TO_NOTHING = "came_to_nothing"


_ANSWERS: dict[Fact, State | None] = {
    Fact.ACCEPTED: State.PROCESSING,
    Fact.NO_ANSWER: State.UNKNOWN,
    Fact.REFUSED: State.CLOSED,
    Fact.ARRIVED: State.SUCCESS,
    Fact.STUCK: State.ABNORMAL,
    Fact.CAME_TO_NOTHING: State.CLOSED,
}
_NO_APPROVAL: dict[Fact, State | None] = {Fact.HELD: None, Fact.APPROVED: None, Fact.DECLINED: None}
_NO_ANSWERS: dict[Fact, State | None] = dict.fromkeys(_ANSWERS)

# Complete over State × Fact; None means the fact changes nothing (a late or repeated word).
TRANSITIONS: dict[State, dict[Fact, State | None]] = {
    State.REQUESTED: {**_NO_APPROVAL, **_ANSWERS, Fact.HELD: State.PENDING_APPROVAL},
    State.PENDING_APPROVAL: {
        **_NO_ANSWERS,
        Fact.HELD: None,
        Fact.APPROVED: State.APPROVED,
        Fact.DECLINED: State.DECLINED,
    },
    State.APPROVED: {**_NO_APPROVAL, **_ANSWERS},
    State.DECLINED: {**_NO_APPROVAL, **_NO_ANSWERS},
    # Accepted is known for sure: a refusal of the same request, sent once more, no longer says anything.
    State.PROCESSING: {**_NO_APPROVAL, **_ANSWERS, Fact.ACCEPTED: None, Fact.NO_ANSWER: None, Fact.REFUSED: None},
    State.UNKNOWN: {**_NO_APPROVAL, **_ANSWERS, Fact.NO_ANSWER: None},
    State.SUCCESS: {**_NO_APPROVAL, **_NO_ANSWERS},
    # WeChat's abnormal refund may still arrive after it was handled by hand; it never comes to nothing by itself.
    State.ABNORMAL: {**_NO_APPROVAL, **_NO_ANSWERS, Fact.ARRIVED: State.SUCCESS, Fact.CAME_TO_NOTHING: State.CLOSED},
    State.CLOSED: {**_NO_APPROVAL, **_NO_ANSWERS},
}


OVER = frozenset({State.SUCCESS, State.CLOSED, State.DECLINED})
# Not yet at the end, and the wallet's to move.
UNDER_WAY = frozenset({State.REQUESTED, State.APPROVED, State.PROCESSING, State.UNKNOWN})


def after(state: State, fact: Fact) -> State | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return TRANSITIONS[state][fact]


def check_window(*, paid_at: datetime, parts: int, now: datetime) -> None:
    """Raises Refused(`too_old`) after 365 days and Refused(`too_many_parts`) for the 51st part."""
    if now > paid_at + REFUND_WINDOW:
        raise Refused("too_old")
    if parts >= MOST_PARTS:
        raise Refused("too_many_parts")


def fee_back(*, fee: int, fee_returned: int, amount: int, order_amount: int) -> Fen:
    """The fee in fen that comes back with a refund: pro rata, half up, never more than was taken."""
    return Fen(min(int(share(fee, amount, order_amount)), fee - fee_returned))


def payer_gets(*, amount: int, payer_amount: int, order_amount: int) -> Fen:
    """What of `amount` fen goes back to the payer; the rest goes back to whoever gave the discount.

    Source: WeChat Pay partner docs 4013080625: refund × payer_total / total, rounded half up.
    """
    return share(amount, payer_amount, order_amount)


def seconds_until_asked_again(times_asked: int) -> int:
    """How long to wait before asking the wallet once more."""
    return ASK_AGAIN[times_asked] if times_asked < len(ASK_AGAIN) else ASK_AGAIN_LATER
