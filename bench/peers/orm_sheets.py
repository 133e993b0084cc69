"""Exports as an application with an ORM writes them: `csv.DictWriter`, and XlsxWriter in constant memory.

Rows come in partitions (SQLAlchemy docs, "Fetching large result sets with yield_per"). The workbook follows
XlsxWriter's own advice ("Working with memory and performance"): `constant_memory`, rows written in order, and the
methods for one type rather than `write()`.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import xlsxwriter
from sqlalchemy.orm import Session

from portal.payments.models import Payment
from portal.values.day import day_bounds, in_shanghai

Words = Mapping[str, Mapping[str, str]]
_YIELD_PER = 5_000
_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
_MONEY = (
    *("amount", "payer_amount", "by_wallet", "by_merchant", "by_others"),
    *("fee", "fee_returned", "refunded", "refunding", "net"),
)


def write_csv(session: Session, target: Path, merchant_id: int, first: date, last: date, words: Words) -> None:
    """One receipt a line, amounts in yuan, times by the clock in Beijing."""
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(words["headings"]))
        writer.writerow(dict(words["headings"]))
        for payment in _payments(session, merchant_id, first, last):
            row = _row(payment, words)
            for name in _MONEY:
                row[name] = f"{row[name] / 100:.2f}"
            if len(row["transaction_no"]) >= 12 and row["transaction_no"].isdigit():
                row["transaction_no"] = "'" + row["transaction_no"]
            writer.writerow(row)


def write_xlsx(session: Session, target: Path, merchant_id: int, first: date, last: date, words: Words) -> None:
    """The same as one sheet: text as text, amounts as numbers with two decimals."""
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(words["file"]["sheet"])
        bold, two_decimals = book.add_format({"bold": True}), book.add_format({"num_format": "0.00"})
        sheet.freeze_panes(1, 0)
        for place, heading in enumerate(words["headings"].values()):
            sheet.write_string(0, place, heading, bold)
        names = list(words["headings"])
        for line, payment in enumerate(_payments(session, merchant_id, first, last), start=1):
            row = _row(payment, words)
            for place, name in enumerate(names):
                if name in _MONEY:
                    sheet.write_number(line, place, row[name] / 100, two_decimals)
                elif name == "day_number":
                    sheet.write_number(line, place, row[name])
                elif row[name]:
                    sheet.write_string(line, place, row[name])


def _payments(session: Session, merchant_id: int, first: date, last: date) -> Iterator[Payment]:
    chosen = (
        sa.select(Payment)
        .where(
            Payment.merchant_id == merchant_id,
            Payment.state == "success",
            Payment.paid_at >= day_bounds(first)[0],
            Payment.paid_at < day_bounds(last)[1],
        )
        .order_by(Payment.paid_at, Payment.payment_no)
        .execution_options(yield_per=_YIELD_PER)
    )
    yield from session.scalars(chosen)


def _row(payment: Payment, words: Words) -> dict[str, Any]:
    """Amounts in fen."""
    paid_at = payment.paid_at
    if paid_at is None:
        raise ValueError("not paid")
    payer = payment.amount if payment.payer_amount is None else payment.payer_amount
    wallet = sum(part["amount"] for part in payment.promotions if part["paid_by"] == "wallet")
    merchant = sum(part["amount"] for part in payment.promotions if part["paid_by"] == "merchant")
    return {
        "paid_at": f"{in_shanghai(paid_at):%Y-%m-%d %H:%M:%S}",
        "day_number": payment.day_number,
        "receipt_no": _plain(payment.payment_no),
        "transaction_no": _plain(payment.transaction_no or ""),
        "wallet": words["wallet"][payment.wallet],
        "acquirer": words["wallet"][payment.acquirer],
        "source": words["source"][payment.source],
        "amount": payment.amount,
        "payer_amount": payer,
        "by_wallet": wallet,
        "by_merchant": merchant,
        "by_others": max(payment.amount - payer - wallet - merchant, 0),
        "fee": payment.fee,
        "fee_returned": payment.fee_returned,
        "refunded": payment.refunded,
        "refunding": payment.refund_reserved,
        "net": payment.amount - payment.fee - payment.refunded + payment.fee_returned,
        "note": _plain(payment.note),
    }


def _plain(text: str) -> str:
    """What would be run as a formula is text instead (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
