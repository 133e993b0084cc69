"""Read balances, and check that the cached ones are the sum of their transfers."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger.models import Account, Transfer
from portal.ledger.rules import SUSPENSE, refund_in_flight


@dataclass(frozen=True)
class Balance:
    """Sums of one account in fen; `net` is debits minus credits."""

    code: str
    debits: int
    credits: int

    @property
    def net(self) -> int:
        """Debits minus credits, in fen."""
        return self.debits - self.credits


@dataclass(frozen=True)
class PostedTransfer:
    """One posted transfer."""

    kind: str
    ref: str
    debit: str
    credit: str
    amount: int


def balances(session: Session, merchant_id: int) -> dict[str, Balance]:
    """Every account of the merchant by its code."""
    rows = session.scalars(sa.select(Account).where(Account.merchant_id == merchant_id))
    return {row.code: Balance(row.code, row.debits, row.credits) for row in rows}


def transfers(session: Session, merchant_id: int) -> list[PostedTransfer]:
    """All transfers of the merchant in the order they were posted."""
    rows = session.scalars(
        sa.select(Transfer).where(Transfer.merchant_id == merchant_id).order_by(Transfer.transfer_id)
    )
    return [PostedTransfer(row.kind, row.ref, row.debit, row.credit, row.amount) for row in rows]


def booked(kind: str) -> sa.Select[int, str, int]:
    """Merchant, reference and amount (fen) of every transfer of one kind, to join with what it was booked for."""
    return sa.select(Transfer.merchant_id, Transfer.ref, Transfer.amount).where(Transfer.kind == kind)


def booked_at(kind: str) -> sa.Select[int, str, datetime]:
    """Merchant, reference and moment of every transfer of one kind, to join with what it was booked for."""
    return sa.select(Transfer.merchant_id, Transfer.ref, Transfer.created_at).where(Transfer.kind == kind)


def not_drained(session: Session) -> dict[str, Balance]:
    """The accounts that must come to nothing again, added up over all merchants whose own has not; by code."""
    rows = session.execute(
        sa.select(Account.code, sa.func.sum(Account.debits), sa.func.sum(Account.credits))
        .where(
            sa.or_(Account.code == SUSPENSE, Account.code.startswith(refund_in_flight(""), autoescape=True)),
            Account.debits != Account.credits,
        )
        .group_by(Account.code)
    )
    return {code: Balance(code, int(debits), int(credits)) for code, debits, credits in rows}


def accounts_that_disagree(session: Session) -> list[tuple[int, str]]:
    """Merchant and account whose cached sums are not the sum of their transfers; empty when the ledger holds.

    Reads everything the session may see, in one snapshot; the rest of the transaction may take its time.
    """
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    sides = sa.union_all(
        sa.select(Transfer.merchant_id, Transfer.debit.label("code"), Transfer.amount, sa.literal(0).label("credit")),
        sa.select(Transfer.merchant_id, Transfer.credit, sa.literal(0), Transfer.amount),
    ).subquery()
    summed = (
        sa.select(
            sides.c.merchant_id,
            sides.c.code,
            sa.func.sum(sides.c.amount).label("debits"),
            sa.func.sum(sides.c.credit).label("credits"),
        )
        .group_by(sides.c.merchant_id, sides.c.code)
        .subquery()
    )
    joined = sa.select(
        sa.func.coalesce(Account.merchant_id, summed.c.merchant_id), sa.func.coalesce(Account.code, summed.c.code)
    ).select_from(
        sa.join(
            Account,
            summed,
            sa.and_(Account.merchant_id == summed.c.merchant_id, Account.code == summed.c.code),
            full=True,
        )
    )
    wrong = joined.where(
        sa.or_(
            sa.func.coalesce(Account.debits, 0) != sa.func.coalesce(summed.c.debits, 0),
            sa.func.coalesce(Account.credits, 0) != sa.func.coalesce(summed.c.credits, 0),
        )
    )
    return [(merchant, code) for merchant, code in session.execute(wrong)]


def postings_of(merchant_id: int) -> sa.Select[date, str, str, str, str, int]:
    """Day, kind, reference, both accounts and amount (fen) of every transfer of one merchant, to be grouped by day."""
    columns = (Transfer.kind, Transfer.ref, Transfer.debit, Transfer.credit, Transfer.amount)
    return sa.select(Transfer.business_date, *columns).where(Transfer.merchant_id == merchant_id)


def counted_by_day(session: Session, merchant_id: int, *, until: date) -> dict[date, int]:
    """How many transfers a merchant has on each business day up to `until`; along an index, no row is looked at."""
    counted = (
        sa.select(Transfer.business_date, sa.func.count())
        .where(Transfer.merchant_id == merchant_id, Transfer.business_date <= until)
        .group_by(Transfer.business_date)
        .order_by(Transfer.business_date)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def merchants_with_postings(session: Session) -> list[int]:
    """Every merchant that has an account. Needs the wide sight of `portal_staff`."""
    return list(session.scalars(sa.select(Account.merchant_id).distinct().order_by(Account.merchant_id)))
