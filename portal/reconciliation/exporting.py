"""Our own books of the days around a bill, streamed out of the database: payments and refunds with their postings."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from portal.ledger import queries as ledger
from portal.payments.models import Payment
from portal.payments.rules import Source
from portal.refunds.models import Refund
from portal.values.day import SHANGHAI, day_bounds
from portal.wallets.port import Acquirer

# A payment stands in the bill of its own day, at midnight perhaps of the next; a refund may have been under way long.
_PAYMENT_DAYS = 3
_REFUND_DAYS = 60


def export(session: Session, *, acquirer: Acquirer, day: date, into: Path) -> None:
    """Write our side of the days around `day` to a CSV file, streamed by the server (columns: comparing.OURS).

    The amount is the ledger's; where the ledger has nothing, nothing is written there. Needs `portal_staff`.
    """
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    dialect = postgresql.dialect()
    chosen = sa.union_all(_payments(acquirer, day), _refunds(acquirer, day))
    text = chosen.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    raw = session.connection().connection.driver_connection
    if raw is None:
        raise RuntimeError("no connection")
    with into.open("wb") as file, raw.cursor().copy(f"COPY ({text}) TO STDOUT (FORMAT csv)") as copy:
        for piece in copy:
            file.write(piece)


def _payments(acquirer: Acquirer, day: date) -> sa.Select[Any]:
    booked = ledger.booked("payment").subquery("booked")
    begins, ends = day_bounds(day)
    around = timedelta(days=_PAYMENT_DAYS)
    moment = sa.func.coalesce(Payment.paid_at, Payment.created_at)
    number = sa.func.coalesce(Payment.acquirer_order_no, Payment.payment_no)
    matching = sa.and_(booked.c.merchant_id == Payment.merchant_id, booked.c.ref == Payment.payment_no)
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
        )
        .outerjoin(booked, matching)
        .where(
            Payment.acquirer == acquirer,
            Payment.source != Source.INTERCONNECT,
            moment >= begins - around,
            moment < ends + around,
        )
    )


def _refunds(acquirer: Acquirer, day: date) -> sa.Select[Any]:
    booked = ledger.booked("refund_requested").subquery("reserved")
    begins, ends = day_bounds(day)
    taken = sa.func.coalesce(Refund.accepted_at, Refund.arrived_at)
    moment = taken if acquirer is Acquirer.WECHAT else Refund.arrived_at
    matching = sa.and_(booked.c.merchant_id == Refund.merchant_id, booked.c.ref == Refund.refund_no)
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
        )
        .join(Payment, paid)
        .outerjoin(booked, matching)
        .where(
            Payment.acquirer == acquirer,
            Refund.created_at >= begins - timedelta(days=_REFUND_DAYS),
            Refund.created_at < ends + timedelta(days=_PAYMENT_DAYS),
        )
    )


def _microseconds(moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.extract("epoch", moment) * 1_000_000, sa.BigInteger)
