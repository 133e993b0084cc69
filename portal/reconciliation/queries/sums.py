"""Read what the bills add up to."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reconciliation.models import BillTotal
from portal.reconciliation.queries.bills import BatchKey, of


@dataclass(frozen=True)
class SumRow:
    """A day's sums for one acquirer and one payer's app."""

    acquirer: str
    wallet: str
    bill_lines: int
    bill_amount: int
    our_amount: int
    bill_fee: int
    our_fee: int
    matched: int

    @property
    def off_by(self) -> int:
        """The bill's amount less ours."""
        return self.bill_amount - self.our_amount


def sums(session: Session, day: date) -> list[SumRow]:
    """A day's sums by acquirer and payer's app."""
    amounts = (
        *(BillTotal.bill_lines, BillTotal.bill_amount, BillTotal.our_amount),
        *(BillTotal.bill_fee, BillTotal.our_fee, BillTotal.matched),
    )
    rows = session.execute(
        sa.select(BillTotal.acquirer, BillTotal.wallet, *(sa.func.sum(amount) for amount in amounts))
        .where(BillTotal.day == day)
        .group_by(BillTotal.acquirer, BillTotal.wallet)
        .order_by(BillTotal.acquirer.desc(), BillTotal.wallet.desc())
    )
    return [SumRow(row[0], row[1], *map(int, row[2:])) for row in rows]


def merchant_sums(session: Session, key: BatchKey) -> dict[int, tuple[int, int, int, int]]:
    """Lines, net amount, refunds and fee of each merchant in one bill, in fen."""
    columns = (BillTotal.bill_lines, BillTotal.bill_amount, BillTotal.bill_refunds, BillTotal.bill_fee)
    rows = session.execute(
        sa.select(BillTotal.merchant_id, *(sa.func.sum(column) for column in columns))
        .where(of(key, BillTotal))
        .group_by(BillTotal.merchant_id)
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows}
