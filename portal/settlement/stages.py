"""How a sealed sheet stands against the acquirers' bills: pure, and never matched by silence. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.settlement.rules import ACQUIRERS


class Bill(StrEnum):
    """What one acquirer's bill of the day says; `not_reported` is neither a match nor a difference."""

    AWAITED = "awaiting_bill"
    NOT_REPORTED = "not_reported"
    MATCHED = "matched"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Payout:
    """One transfer to the merchant's bank, as the acquirer's fund bill tells it."""

    flow_no: str
    at: datetime
    amount: int


@dataclass(frozen=True)
class Standing:
    """What reconciliation found of one acquirer's day. `looking` is the sum of what is still being looked at.

    `paid` is None where nobody has told us: `paid_awaited` when that bill is still to come, else it never will.
    """

    acquirer: str
    bill: Bill = Bill.AWAITED
    looking: int = 0
    judged_at: datetime | None = None
    paid: int | None = None
    paid_awaited: bool = True
    payouts: tuple[Payout, ...] = ()


class Stage(StrEnum):
    """How a sealed sheet stands. `bill_matched`: the bills agree, but what was paid out is not (yet) reported.

    `unreported`: an acquirer gives us no bill, and everything that was reported agrees.
    """

    WAITING = "waiting"
    LOOKING = "looking"
    UNREPORTED = "unreported"
    BILL_MATCHED = "bill_matched"
    MATCHED = "matched"


@dataclass(frozen=True)
class Stand:
    """The whole sheet's stage, the fen that are looked at, and the moment of the last judgement."""

    stage: Stage
    looking: int = 0
    judged_at: datetime | None = None


def stand_of(owed: Mapping[str, int], standings: Mapping[str, Standing]) -> Stand:
    """Matched only when every bill agrees and every fen owed is reported as paid out; the least settled decides.

    `owed` is what each acquirer owes of the day as the ledger has it now, late facts included.
    """
    named = [acquirer for acquirer in ACQUIRERS if acquirer in owed or acquirer in standings]
    mine = [(owed.get(acquirer), standings.get(acquirer, Standing(acquirer))) for acquirer in named]
    stages = {_stage(due, one) for due, one in mine} - {None}
    looking = sum(_looked_at(due or 0, one) for due, one in mine)
    judged = max((one.judged_at for _, one in mine if one.judged_at is not None), default=None)
    order = (Stage.LOOKING, Stage.WAITING, Stage.UNREPORTED, Stage.BILL_MATCHED, Stage.MATCHED)
    stage = next((stage for stage in order if stage in stages), Stage.WAITING)
    return Stand(stage, looking, judged)


def _stage(due: int | None, one: Standing) -> Stage | None:
    """None for an acquirer that gives no bill and that we know nothing of that day: nothing can be said, or missed."""
    if one.bill is Bill.NOT_REPORTED:
        return None if due is None else Stage.UNREPORTED
    if one.bill is Bill.AWAITED:
        return Stage.WAITING
    if one.bill is Bill.DIFFERENCE or _looked_at(due or 0, one):
        return Stage.LOOKING
    return Stage.BILL_MATCHED if one.paid is None and due else Stage.MATCHED


def _looked_at(due: int, one: Standing) -> int:
    return one.looking + (abs(due - one.paid) if one.paid is not None else 0)
