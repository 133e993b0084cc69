"""Tell each merchant what the bills say of his day: he cannot read the bills themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.reconciliation.models import BankPayout, BillItem, DayStanding
from portal.reconciliation.queries import BatchKey, at_stake, merchant_sums, open_by_merchant
from portal.reconciliation.rules import UNSETTLED, BatchState
from portal.reconciliation.standings import PaidState, StandingState
from portal.wallets.bills import FundLine
from portal.wallets.port import Acquirer

_AT_ONCE = 1000
_JUDGED = (BatchState.BALANCED, BatchState.UNBALANCED, BatchState.CLOSED)


def tell_standings(
    session: Session, key: BatchKey, *, state: BatchState, merchants: Sequence[int], compared_at: datetime | None
) -> None:
    """Write each merchant's standing with one acquirer on one day, as his trade bill has it now."""
    sums = merchant_sums(session, key)
    open_now = open_by_merchant(session, key)
    rows = []
    for merchant_id in merchants:
        count, amount = open_now.get(merchant_id, (0, 0))
        told = {"open_items": 0, "open_amount": 0, "compared_at": None} | dict.fromkeys(_SUMS)
        if state in _JUDGED:
            lines, net, refunds, fee = sums.get(merchant_id, (0, 0, 0, 0))
            told = {"lines": lines, "gross": net + refunds, "refunds": refunds, "fee": fee, "compared_at": compared_at}
            told |= {"open_items": count, "open_amount": amount}
        rows.append(
            {
                "merchant_id": merchant_id,
                "day": key.day,
                "acquirer": key.acquirer,
                "bill_state": _standing(state, count),
                **told,
                # JD has no bill of what it paid out; WeChat Pay's comes a day later, see `tell_payouts`.
                "paid_state": PaidState.NOT_REPORTED if key.acquirer == Acquirer.JDPAY else PaidState.AWAITING_BILL,
            }
        )
    for begin in range(0, len(rows), _AT_ONCE):
        statement = insert(DayStanding).values(rows[begin : begin + _AT_ONCE])
        fresh = {name: statement.excluded[name] for name in ("bill_state", "open_items", "open_amount", *_SUMS)}
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[DayStanding.merchant_id, DayStanding.day, DayStanding.acquirer],
                set_={**fresh, "compared_at": statement.excluded.compared_at},
            )
        )


def tell_one(session: Session, item: BillItem) -> None:
    """After a decision about one difference: what is open for its merchant now. The sums stay the bill's."""
    if item.merchant_id is None:
        return
    mine = (BillItem.merchant_id == item.merchant_id, BillItem.acquirer == item.acquirer, BillItem.day == item.day)
    count, amount = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(at_stake()), 0)).where(
            *mine, BillItem.state.in_(UNSETTLED)
        )
    ).one()
    state = StandingState.DIFFERENCE if count else StandingState.MATCHED
    session.execute(
        sa.update(DayStanding)
        .where(
            DayStanding.merchant_id == item.merchant_id,
            DayStanding.acquirer == item.acquirer,
            DayStanding.day == item.day,
            DayStanding.gross.is_not(None),
        )
        .values(bill_state=state, open_items=count, open_amount=int(amount))
    )


def tell_payouts(
    session: Session, key: BatchKey, *, merchant_id: int, state: PaidState, payouts: Sequence[FundLine]
) -> None:
    """What left for a merchant's bank, by the fund bill of one day: paid for the day before.

    A bill that is not reported says the same of its own day, whose payouts would stand in tomorrow's.
    """
    mine = (BankPayout.merchant_id == merchant_id, BankPayout.acquirer == key.acquirer, BankPayout.day == key.day)
    session.execute(sa.delete(BankPayout).where(*mine))
    for line in payouts:
        session.add(
            BankPayout(
                merchant_id=merchant_id,
                acquirer=key.acquirer,
                day=key.day,
                flow_no=line.flow_no,
                at=line.at,
                amount=-line.amount,
                remark=line.remark[:200],
            )
        )
    paid = sum(-line.amount for line in payouts) if state is PaidState.REPORTED else None
    _tell_paid(session, merchant_id, key, back=1, state=state, paid=paid)
    if state is PaidState.NOT_REPORTED:
        _tell_paid(session, merchant_id, key, back=0, state=state, paid=None)


_SUMS = ("lines", "gross", "refunds", "fee")


def _tell_paid(
    session: Session, merchant_id: int, key: BatchKey, *, back: int, state: PaidState, paid: int | None
) -> None:
    day = key.day - timedelta(days=back)
    blank = {"bill_state": StandingState.AWAITING_BILL, "open_items": 0, "open_amount": 0}
    statement = insert(DayStanding).values(
        merchant_id=merchant_id, day=day, acquirer=key.acquirer, **blank, paid_state=state, paid=paid
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[DayStanding.merchant_id, DayStanding.day, DayStanding.acquirer],
            set_={"paid_state": state, "paid": paid},
        )
    )


def _standing(state: BatchState, open_items: int) -> StandingState:
    if state is BatchState.NOT_REPORTED:
        return StandingState.NOT_REPORTED
    if state not in _JUDGED:
        return StandingState.AWAITING_BILL
    return StandingState.DIFFERENCE if open_items else StandingState.MATCHED
