"""Our own books of the days around a bill, streamed out of the database: payments and refunds with their postings.

What transfers because of a bill have changed stands beside what was booked first (see `postings.py`).
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from portal.ledger import queries as ledger
from portal.payments.models import Payment
from portal.payments.rules import Source, State
from portal.reconciliation.agreeing import LineSort
from portal.reconciliation.models import BillItem, BillResolution
from portal.reconciliation.postings import CORRECTIONS
from portal.reconciliation.rules import Difference
from portal.refunds.models import Refund
from portal.values.day import SHANGHAI, day_bounds
from portal.wallets.port import Acquirer

# A payment stands in the bill of its own day, at midnight perhaps of the next; a refund may have been under way long.
_PAYMENT_DAYS = 3
_REFUND_DAYS = 60
# Our state of a number that only a bill and our transfers know.
BOOKED_BY_BILL = "corrected"


def export(session: Session, *, acquirer: Acquirer, day: date, into: Path) -> None:
    """Write our side of the days around `day` to a CSV file, streamed by the server (columns: comparing.OURS).

    Amount and fee are the ledger's; where the ledger has nothing, nothing is written there. Needs `portal_staff`.
    """
    dialect = postgresql.dialect()
    chosen = sa.union_all(_payments(acquirer, day), _refunds(acquirer, day), _booked_by_bill(acquirer, day))
    text = chosen.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    # Written out before the transaction begins: an idle one is ended by the server.
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    raw = session.connection().connection.driver_connection
    if raw is None:
        raise RuntimeError("no connection")
    with into.open("wb") as file, raw.cursor().copy(f"COPY ({text}) TO STDOUT (FORMAT csv)") as copy:
        for piece in copy:
            file.write(piece)


def _payments(acquirer: Acquirer, day: date) -> sa.Select[Any]:
    booked = ledger.booked("payment").subquery("booked")
    kept = ledger.booked("fee").subquery("kept")
    more = _corrections(acquirer).subquery("more")
    begins, ends = day_bounds(day)
    around = timedelta(days=_PAYMENT_DAYS)
    moment = sa.func.coalesce(Payment.paid_at, Payment.created_at)
    number = sa.func.coalesce(Payment.acquirer_order_no, Payment.payment_no)
    matching = sa.and_(booked.c.merchant_id == Payment.merchant_id, booked.c.ref == Payment.payment_no)
    keeping = sa.and_(kept.c.merchant_id == Payment.merchant_id, kept.c.ref == Payment.payment_no)
    return (
        sa.select(
            sa.literal("payment"),
            number,
            Payment.sub_merchant_no,
            Payment.merchant_id,
            Payment.payment_no,
            Payment.transaction_no,
            Payment.wallet,
            Payment.state,
            booked.c.amount,
            _microseconds(moment),
            Payment.business_date,
            kept.c.amount,
            more.c.amount,
            more.c.fee,
        )
        .outerjoin(booked, matching)
        .outerjoin(kept, keeping)
        .outerjoin(more, _of(more, LineSort.PAYMENT, Payment.merchant_id, number))
        .where(
            Payment.acquirer == acquirer,
            Payment.source != Source.INTERCONNECT,
            moment >= begins - around,
            moment < ends + around,
            sa.or_(Payment.state == State.SUCCESS, ~_paid_out_of_suspense()),
        )
    )


def _paid_out_of_suspense() -> sa.Exists:
    """An order that was never paid itself, whose money came out of suspense as a receipt of its own: one line there, so
    one side here, the receipt's."""
    released = aliased(Payment)
    return sa.exists().where(
        released.merchant_id == Payment.merchant_id,
        released.acquirer_order_no == Payment.payment_no,
        released.source == Source.SUSPENSE,
    )


def _refunds(acquirer: Acquirer, day: date) -> sa.Select[Any]:
    booked = ledger.booked("refund_requested").subquery("reserved")
    back = ledger.booked("fee_returned").subquery("back")
    more = _corrections(acquirer).subquery("more")
    begins, ends = day_bounds(day)
    taken = sa.func.coalesce(Refund.accepted_at, Refund.arrived_at)
    moment = taken if acquirer is Acquirer.WECHAT else Refund.arrived_at
    matching = sa.and_(booked.c.merchant_id == Refund.merchant_id, booked.c.ref == Refund.refund_no)
    giving = sa.and_(back.c.merchant_id == Refund.merchant_id, back.c.ref == Refund.refund_no)
    paid = sa.and_(Payment.merchant_id == Refund.merchant_id, Payment.payment_no == Refund.payment_no)
    return (
        sa.select(
            sa.literal("refund"),
            Refund.refund_no,
            Payment.sub_merchant_no,
            Refund.merchant_id,
            Refund.payment_no,
            Refund.wallet_refund_no,
            Payment.wallet,
            Refund.state,
            -booked.c.amount,
            _microseconds(sa.func.coalesce(moment, Refund.created_at)),
            sa.cast(sa.func.timezone(str(SHANGHAI), moment), sa.Date),
            -back.c.amount,
            more.c.amount,
            more.c.fee,
        )
        .join(Payment, paid)
        .outerjoin(booked, matching)
        .outerjoin(back, giving)
        .outerjoin(more, _of(more, LineSort.REFUND, Refund.merchant_id, Refund.refund_no))
        .where(
            Payment.acquirer == acquirer,
            Refund.created_at >= begins - timedelta(days=_REFUND_DAYS),
            Refund.created_at < ends + timedelta(days=_PAYMENT_DAYS),
        )
    )


def _booked_by_bill(acquirer: Acquirer, day: date) -> sa.Select[Any]:
    """Refunds that were never asked for here, booked because a bill has them. No bill has to have them.

    A payment that only a bill knew is a payment like any other once it is booked.
    """
    more = _corrections(acquirer).subquery("more")
    around = timedelta(days=_REFUND_DAYS)
    numbers = (
        sa.select(BillItem.merchant_id, BillItem.sort, BillItem.number, BillItem.merchant_no)
        .add_columns(sa.func.max(BillItem.order_no).label("order_no"), sa.func.max(BillItem.wallet).label("wallet"))
        .add_columns(sa.func.min(BillItem.at).label("at"))
        .where(
            BillItem.acquirer == acquirer,
            BillItem.difference == Difference.CHANNEL_ONLY,
            BillItem.sort == LineSort.REFUND,
            BillItem.day.between(day - around, day + around),
        )
        .group_by(BillItem.merchant_id, BillItem.sort, BillItem.number, BillItem.merchant_no)
        .subquery("numbers")
    )
    matching = sa.and_(
        *(more.c[name] == numbers.c[name] for name in ("merchant_id", "sort", "number")),
    )
    return sa.select(
        numbers.c.sort,
        numbers.c.number,
        numbers.c.merchant_no,
        numbers.c.merchant_id,
        numbers.c.order_no,
        sa.literal(""),
        numbers.c.wallet,
        sa.literal(BOOKED_BY_BILL),
        sa.null(),
        _microseconds(numbers.c.at),
        sa.null(),
        sa.null(),
        more.c.amount,
        more.c.fee,
    ).join(more, matching)


def _corrections(acquirer: Acquirer) -> sa.Select[int, str, str, Any, Any]:
    """What transfers because of a bill add to each number. There are few: each was agreed to by two of staff."""
    parts = [
        sa.select(moved.c.merchant_id, moved.c.ref, (sign * moved.c.amount).label("amount"), sa.literal(0).label("fee"))
        if column == "amount"
        else sa.select(moved.c.merchant_id, moved.c.ref, sa.literal(0), sign * moved.c.amount)
        for kind, (column, sign) in CORRECTIONS.items()
        for moved in [ledger.booked(kind).subquery(kind)]
    ]
    moves = sa.union_all(*parts).subquery("moves")
    matching = sa.and_(
        moves.c.merchant_id == BillResolution.merchant_id, moves.c.ref == BillResolution.payload["ref"].astext
    )
    return (
        sa.select(
            BillResolution.merchant_id,
            BillItem.sort,
            BillItem.number,
            sa.func.sum(moves.c.amount).label("amount"),
            sa.func.sum(moves.c.fee).label("fee"),
        )
        .join(BillItem, BillItem.item_id == BillResolution.item_id)
        .join(moves, matching)
        .where(BillResolution.state == "booked", BillItem.acquirer == acquirer)
        .group_by(BillResolution.merchant_id, BillItem.sort, BillItem.number)
    )


def _of(more: sa.Subquery, sort: LineSort, merchant_id: Any, number: Any) -> sa.ColumnElement[bool]:
    return sa.and_(more.c.merchant_id == merchant_id, more.c.sort == sort.value, more.c.number == number)


def _microseconds(moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.extract("epoch", moment) * 1_000_000, sa.BigInteger)
