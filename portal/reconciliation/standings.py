"""What the bills say of one merchant's day: matched, looked at, awaited, and what really went to his bank.

Read by whoever serves the merchant himself; the bills and their differences are out of his sight.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reconciliation.models import BankPayout, DayStanding


class StandingState(StrEnum):
    """`not_reported`: this acquirer gives us no bill of the merchant; that is neither matched nor a difference."""

    AWAITING_BILL = "awaiting_bill"
    NOT_REPORTED = "not_reported"
    MATCHED = "matched"
    DIFFERENCE = "difference"


class PaidState(StrEnum):
    """Whether the acquirer tells us what it paid out: `not_reported` is not nothing."""

    AWAITING_BILL = "awaiting_bill"
    NOT_REPORTED = "not_reported"
    REPORTED = "reported"


@dataclass(frozen=True)
class Payout:
    """One withdrawal to the merchant's bank: `amount` in fen, `remark` in the acquirer's words."""

    flow_no: str
    at: datetime
    amount: int
    remark: str


@dataclass(frozen=True)
class Paid:
    """What one acquirer paid out for a day, in fen; `amount` is None unless `state` is `reported`.

    Acquirers pay on the next morning what came in by midnight, so this stands in the fund bill of the day after.
    """

    acquirer: str
    state: PaidState
    amount: int | None
    payouts: tuple[Payout, ...]


@dataclass(frozen=True)
class AcquirerStanding:
    """One acquirer's bill of a merchant's day. Sums are those of the bill in fen, None without one.

    `open_amount` is the sum of the open differences, each counted as it is; `fee` is net of what was given back.
    """

    acquirer: str
    state: StandingState
    lines: int | None
    gross: int | None
    refunds: int | None
    fee: int | None
    open_items: int
    open_amount: int
    compared_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """Where a merchant's day stands with all acquirers whose bills were asked for; empty before that."""

    acquirers: tuple[AcquirerStanding, ...]

    @property
    def state(self) -> StandingState:
        """The least settled of them: a difference, then what is awaited; `not_reported` only where all are."""
        states = {one.state for one in self.acquirers}
        order = (StandingState.DIFFERENCE, StandingState.AWAITING_BILL, StandingState.MATCHED)
        found = next((state for state in order if state in states), None)
        return found or (StandingState.NOT_REPORTED if states else StandingState.AWAITING_BILL)

    @property
    def looked_at(self) -> int:
        """The fen that are being looked at: the sum of the open differences."""
        return sum(one.open_amount for one in self.acquirers)

    @property
    def compared_at(self) -> datetime | None:
        """When the last of the bills was compared."""
        return max((one.compared_at for one in self.acquirers if one.compared_at is not None), default=None)


def standing_of_day(session: Session, *, merchant_id: int, day: date) -> Standing:
    """Where a merchant's day stands. Reads with the merchant's own scope."""
    rows = _rows(session, merchant_id, day)
    return Standing(
        tuple(
            AcquirerStanding(
                *(row.acquirer, StandingState(row.bill_state), row.lines, row.gross, row.refunds, row.fee),
                *(row.open_items, row.open_amount, row.compared_at),
            )
            for row in rows
        )
    )


def paid_of_day(session: Session, *, merchant_id: int, day: date) -> tuple[Paid, ...]:
    """What each acquirer paid to the merchant's bank for a day. Reads with the merchant's own scope."""
    following = day + timedelta(days=1)
    payouts: dict[str, list[Payout]] = {}
    for row in session.scalars(
        sa.select(BankPayout)
        .where(BankPayout.merchant_id == merchant_id, BankPayout.day == following)
        .order_by(BankPayout.acquirer, BankPayout.at, BankPayout.flow_no)
    ):
        payouts.setdefault(row.acquirer, []).append(Payout(row.flow_no, row.at, row.amount, row.remark))
    return tuple(
        Paid(row.acquirer, PaidState(row.paid_state), row.paid, tuple(payouts.get(row.acquirer, ())))
        for row in _rows(session, merchant_id, day)
    )


def _rows(session: Session, merchant_id: int, day: date) -> list[DayStanding]:
    wanted = sa.select(DayStanding).where(DayStanding.merchant_id == merchant_id, DayStanding.day == day)
    return list(session.scalars(wanted.order_by(DayStanding.acquirer.desc())))
