"""Read payments."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger import queries as ledger
from portal.payments.models import DayTotal, Payment
from portal.payments.rules import Availability, Source, State, availability
from portal.values.day import business_date


@dataclass(frozen=True)
class PaymentRow:
    """One payment. Amounts in fen."""

    merchant_id: int
    payment_no: str
    code_id: int | None
    share_token: str | None
    wallet: str
    acquirer: str
    sub_merchant_no: str
    source: str
    acquirer_order_no: str | None
    state: str
    amount: int
    payer_amount: int | None
    promotions: list[Any]
    fee: int
    fee_returned: int
    fee_rate_bp: int
    refunded: int
    refund_reserved: int
    note: str
    transaction_no: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    business_date: date | None
    day_number: int | None

    @property
    def availability(self) -> Availability:
        """Whether it can be refunded here."""
        return availability(
            source=self.source,
            paid=self.state == State.SUCCESS,
            amount=self.amount,
            refunded=self.refunded,
            reserved=self.refund_reserved,
        )

    @property
    def refundable(self) -> int:
        """What may still be refunded, in fen."""
        rest = self.amount - self.refunded - self.refund_reserved
        return rest if self.availability is Availability.AVAILABLE else 0

    @property
    def acquirers_number(self) -> str:
        """The order number under which the acquirer knows it: ours, or its own on a static code."""
        return self.acquirer_order_no or self.payment_no


@dataclass(frozen=True)
class DayRow:
    """A day's sums in fen."""

    business_date: date
    count: int
    received: int
    refunded: int


@dataclass(frozen=True)
class Bookkeeping:
    """How many payments there were, how many of them the ledger holds, and how many it held in time."""

    paid: int
    booked: int
    in_time: int


_COLUMNS = tuple(name for name in PaymentRow.__dataclass_fields__)


def payment(session: Session, merchant_id: int, payment_no: str) -> PaymentRow | None:
    """One payment of one merchant."""
    row = session.scalar(sa.select(Payment).where(Payment.merchant_id == merchant_id, Payment.payment_no == payment_no))
    return as_row(row) if row else None


def day(session: Session, merchant_id: int, business_date: date) -> DayRow:
    """The sums of one business day, zero when nothing happened."""
    row = session.get(DayTotal, (merchant_id, business_date))
    return DayRow(business_date, row.count, row.received, row.refunded) if row else DayRow(business_date, 0, 0, 0)


def as_row(row: Payment) -> PaymentRow:
    """A frozen copy of a payment's row."""
    return PaymentRow(**{name: getattr(row, name) for name in _COLUMNS})


def bookkeeping(session: Session, *, since: datetime, within: timedelta) -> Bookkeeping:
    """All merchants' payments paid since a moment, and their place in the ledger. Goes shop by shop, along the kept
    days and the indexes that begin with the merchant. Needs the wide sight of `portal_staff`."""
    days = sa.select(DayTotal.merchant_id).where(DayTotal.business_date >= business_date(since)).distinct().subquery()
    booked = ledger.booked_at("payment").subquery()
    row = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(booked.c.ref),
            sa.func.count().filter(booked.c.created_at <= Payment.paid_at + within),
        )
        .select_from(days)
        .join(Payment, Payment.merchant_id == days.c.merchant_id)
        .outerjoin(booked, sa.and_(booked.c.merchant_id == Payment.merchant_id, booked.c.ref == Payment.payment_no))
        .where(Payment.state == State.SUCCESS, Payment.paid_at >= since, Payment.source != Source.INTERCONNECT)
    ).one()
    return Bookkeeping(*row)
