"""Read exports, and read what goes into one: by a cursor on the server, so a million rows pass through in handfuls."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from portal.receipts.exports.models import Export
from portal.receipts.exports.rules import Kind, Period, Subject
from portal.values.day import day_bounds

HANDFUL = 5_000
_BEIJING = "to_char({} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS')"


@dataclass(frozen=True)
class ExportRow:
    """One export. `size` in bytes."""

    merchant_id: int
    export_id: int
    subject: str
    form: str
    first_day: date
    last_day: date
    state: str
    done: int
    total: int | None
    tries: int
    parts: list[str]
    size: int
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Column:
    """One column of a file: its name among our words, how it is written, and what it is in the database."""

    name: str
    kind: Kind
    source: str


# What one side gave, from the promotions of a payment.
_GIVEN_BY = (
    "CASE WHEN p.promotions = '[]' THEN 0 ELSE (SELECT coalesce(sum((part->>'amount')::bigint), 0)::bigint"
    " FROM jsonb_array_elements(p.promotions) AS part WHERE part->>'paid_by' = '{}') END"
)
_BY_WALLET, _BY_MERCHANT = _GIVEN_BY.format("wallet"), _GIVEN_BY.format("merchant")
_PAYER = "coalesce(p.payer_amount, p.amount)"
_OTHERS = f"greatest(p.amount - {_PAYER} - {_BY_WALLET} - {_BY_MERCHANT}, 0)"

COLUMNS = {
    Subject.RECEIPTS: (
        Column("paid_at", Kind.OWN, _BEIJING.format("p.paid_at")),
        Column("day_number", Kind.NUMBER, "p.day_number"),
        Column("receipt_no", Kind.OWN, "p.payment_no"),
        Column("transaction_no", Kind.TEXT, "p.transaction_no"),
        Column("wallet", Kind.WALLET, "p.wallet"),
        Column("acquirer", Kind.WALLET, "p.acquirer"),
        Column("source", Kind.SOURCE, "p.source"),
        Column("amount", Kind.MONEY, "p.amount"),
        Column("payer_amount", Kind.MONEY, _PAYER),
        Column("by_wallet", Kind.MONEY, _BY_WALLET),
        Column("by_merchant", Kind.MONEY, _BY_MERCHANT),
        Column("by_others", Kind.MONEY, _OTHERS),
        Column("fee", Kind.MONEY, "p.fee"),
        Column("fee_returned", Kind.MONEY, "p.fee_returned"),
        Column("refunded", Kind.MONEY, "p.refunded"),
        Column("refunding", Kind.MONEY, "p.refund_reserved"),
        Column("net", Kind.MONEY, "p.amount - p.fee - p.refunded + p.fee_returned"),
        Column("note", Kind.TEXT, "p.note"),
    ),
    Subject.REFUNDS: (
        Column("asked_at", Kind.OWN, _BEIJING.format("r.created_at")),
        Column("arrived_at", Kind.OWN, _BEIJING.format("r.arrived_at")),
        Column("refund_no", Kind.OWN, "r.refund_no"),
        Column("wallet_refund_no", Kind.TEXT, "r.wallet_refund_no"),
        Column("receipt_no", Kind.OWN, "r.payment_no"),
        Column("transaction_no", Kind.TEXT, "p.transaction_no"),
        Column("wallet", Kind.WALLET, "p.wallet"),
        Column("acquirer", Kind.WALLET, "p.acquirer"),
        Column("state", Kind.STATE, "r.state"),
        Column("refund_amount", Kind.MONEY, "r.amount"),
        Column("to_payer", Kind.MONEY, "r.payer_amount"),
        Column("taken_back", Kind.MONEY, "r.amount - r.payer_amount"),
        Column("reason", Kind.TEXT, "r.reason"),
    ),
}
_FROM = {
    Subject.RECEIPTS: (
        "FROM payments AS p WHERE p.merchant_id = %(merchant)s AND p.state = 'success'"
        " AND p.paid_at >= %(start)s AND p.paid_at < %(end)s",
        "ORDER BY p.paid_at, p.payment_no",
    ),
    Subject.REFUNDS: (
        "FROM refunds AS r JOIN payments AS p ON p.merchant_id = r.merchant_id AND p.payment_no = r.payment_no"
        " WHERE r.merchant_id = %(merchant)s AND r.created_at >= %(start)s AND r.created_at < %(end)s",
        "ORDER BY r.created_at, r.refund_no",
    ),
}


def export(session: Session, merchant_id: int, export_id: int) -> ExportRow | None:
    """One export of one merchant."""
    row = session.scalar(sa.select(Export).where(Export.merchant_id == merchant_id, Export.export_id == export_id))
    return _as_row(row) if row else None


def of_form(session: Session, merchant_id: int, form_key: str) -> ExportRow | None:
    """The export that a form with this key has asked for already."""
    row = session.scalar(sa.select(Export).where(Export.merchant_id == merchant_id, Export.form_key == form_key))
    return _as_row(row) if row else None


def newest(session: Session, merchant_id: int, *, most: int) -> list[ExportRow]:
    """The merchant's last exports, newest first."""
    rows = session.scalars(
        sa.select(Export).where(Export.merchant_id == merchant_id).order_by(Export.export_id.desc()).limit(most)
    )
    return [_as_row(row) for row in rows]


def settle_down(session: Session) -> None:
    """Make this transaction, which has read nothing yet, one long look at one moment. It may take its time."""
    session.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    session.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))


def count(session: Session, merchant_id: int, subject: Subject, chosen: Period) -> int:
    """How many lines the file will have."""
    with driver(session).cursor() as cursor:
        cursor.execute(sql.SQL(f"SELECT count(*) {_FROM[subject][0]}"), values(merchant_id, chosen))
        return int(cursor.fetchone()[0])


def lines(session: Session, merchant_id: int, subject: Subject, chosen: Period) -> Iterator[list[tuple[Any, ...]]]:
    """The lines in handfuls, oldest first, each with the values of COLUMNS[subject]: amounts in fen, times as text."""
    with driver(session).cursor(name="export") as cursor:
        cursor.execute(chosen_lines(subject, COLUMNS[subject]), values(merchant_id, chosen))
        while handful := cursor.fetchmany(HANDFUL):
            yield handful


def chosen_lines(subject: Subject, columns: tuple[Column, ...]) -> sql.SQL:
    """The query of all lines in their order, each column under its own name; to be given `values`."""
    where, order = _FROM[subject]
    return sql.SQL(f"SELECT {', '.join(f'{column.source} AS {column.name}' for column in columns)} {where} {order}")


def driver(session: Session) -> Any:
    """The session's connection as psycopg knows it, for what SQLAlchemy has no words for."""
    return session.connection().connection.driver_connection


def values(merchant_id: int, chosen: Period) -> dict[str, Any]:
    """What the queries of this module are given."""
    return {"merchant": merchant_id, "start": day_bounds(chosen.first)[0], "end": day_bounds(chosen.last)[1]}


def _as_row(row: Export) -> ExportRow:
    return ExportRow(**{name: getattr(row, name) for name in ExportRow.__dataclass_fields__})
