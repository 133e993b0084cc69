"""What a refund may become, and when one may be asked for."""

from datetime import datetime, timedelta
from enum import StrEnum

from portal.values.errors import Refused
from portal.values.money import Fen, share
from portal.wallets.port import Acquirer

# WeChat Pay partner docs 4013080625: within 365 days of the payment, in at most 50 parts.
REFUND_WINDOW = timedelta(days=365)
MOST_PARTS = 50
REASON_MOST = 40
# A clerk refunds up to this many fen of one payment without asking, where the owner has set nothing else.
CLERK_LIMIT = 20_000
CLERK_LIMIT_MOST = 5_000_000
# Who may decide about a clerk's refund above it.
DECIDERS = frozenset({"owner", "manager"})
# Wallets that refund by their own transaction's number. JD (V3.0 and V2.0) is told the order's number alone: asked to
# refund a second payment of an order, it could give back the first.
REFUNDS_BY_TRANSACTION = frozenset({Acquirer.WECHAT})
# Wallets that pay a stuck refund to the merchant's bank account when asked (WeChat Pay partner docs 4013080627).
SENDS_ON = frozenset({Acquirer.WECHAT})
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
    """What can happen to a refund.

    `sent_on`: the wallet pays a stuck refund to the merchant's bank account instead. `late_arrival`: the wallet says
    arrived of a refund that had come to nothing here.
    """

    HELD = "held"
    APPROVED = "approved"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    ARRIVED = "arrived"
    STUCK = "stuck"
    CAME_TO_NOTHING = "came_to_nothing"
    SENT_ON = "sent_on"
    LATE_ARRIVAL = "late_arrival"


_ANSWERS: dict[Fact, State | None] = {
    Fact.ACCEPTED: State.PROCESSING,
    Fact.NO_ANSWER: State.UNKNOWN,
    Fact.REFUSED: State.CLOSED,
    Fact.ARRIVED: State.SUCCESS,
    Fact.STUCK: State.ABNORMAL,
    Fact.CAME_TO_NOTHING: State.CLOSED,
}
_NOTHING: dict[Fact, State | None] = dict.fromkeys(Fact)

# Complete over State × Fact; None means the fact changes nothing (a late or repeated word).
TRANSITIONS: dict[State, dict[Fact, State | None]] = {
    State.REQUESTED: {**_NOTHING, **_ANSWERS, Fact.HELD: State.PENDING_APPROVAL},
    # Nobody has asked a wallet: whatever one says of it is not about this refund.
    State.PENDING_APPROVAL: {**_NOTHING, Fact.APPROVED: State.APPROVED, Fact.DECLINED: State.DECLINED},
    State.APPROVED: {**_NOTHING, **_ANSWERS},
    State.DECLINED: _NOTHING,
    # Accepted is known for sure: a refusal of the same request, sent once more, no longer says anything.
    State.PROCESSING: {**_NOTHING, **_ANSWERS, Fact.ACCEPTED: None, Fact.NO_ANSWER: None, Fact.REFUSED: None},
    State.UNKNOWN: {**_NOTHING, **_ANSWERS, Fact.NO_ANSWER: None},
    State.SUCCESS: _NOTHING,
    # WeChat's abnormal refund may still arrive after it was handled by hand; it never comes to nothing by itself.
    State.ABNORMAL: {
        **_NOTHING,
        Fact.ARRIVED: State.SUCCESS,
        Fact.CAME_TO_NOTHING: State.CLOSED,
        Fact.SENT_ON: State.PROCESSING,
    },
    # Given up here, and the money went back after all: by a fact of its own, booked again by new transfers.
    State.CLOSED: {**_NOTHING, Fact.LATE_ARRIVAL: State.SUCCESS},
}


OVER = frozenset({State.SUCCESS, State.CLOSED, State.DECLINED})
# Not yet at the end, and the wallet's to move.
UNDER_WAY = frozenset({State.REQUESTED, State.APPROVED, State.PROCESSING, State.UNKNOWN})
# What the wallet is asked about: a stuck one too, which may be put right at the wallet without us.
ASKED_ABOUT = UNDER_WAY | {State.ABNORMAL}


def after(state: State, fact: Fact) -> State | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return TRANSITIONS[state][fact]


def said_arrived(state: State) -> Fact:
    """Which fact a wallet's word "arrived" is to a refund in `state`."""
    return Fact.LATE_ARRIVAL if state is State.CLOSED else Fact.ARRIVED


def needs_approval(*, role: str, amount: int, by_himself: int, limit: int) -> bool:
    """Whether somebody else has to agree first: a clerk's refund of `amount` fen, with the `by_himself` fen of the same
    payment that he has refunded without asking, is above the limit. In parts is no way around it."""
    return role not in DECIDERS and by_himself + amount > limit


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


def seconds_until_asked_again(state: State, times_asked: int) -> int:
    """How long to wait before asking the wallet once more. What is stuck is stuck for hours."""
    if state is State.ABNORMAL:
        return ASK_AGAIN_LATER
    return ASK_AGAIN[times_asked] if times_asked < len(ASK_AGAIN) else ASK_AGAIN_LATER
