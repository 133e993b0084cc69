"""Write payments: create the order, note what the wallet said, book what arrived."""

from portal.payments.operations.booking import (
    CURRENCY,
    PAID_VALUES,
    Outcome,
    Taken,
    book,
    book_unexplained,
    kept_answer,
    paid_values,
    take,
)
from portal.payments.operations.born import book_released, book_reported, book_static
from portal.payments.operations.noting import WalletNote, note_wallet
from portal.payments.operations.ordering import create_order, note_closed, note_failed, note_opened
from portal.payments.operations.refunding import lock, release_refund, reserve_refund, settle_refund

__all__ = [
    "CURRENCY",
    "PAID_VALUES",
    "Outcome",
    "Taken",
    "WalletNote",
    "book",
    "book_released",
    "book_reported",
    "book_static",
    "book_unexplained",
    "create_order",
    "kept_answer",
    "lock",
    "note_closed",
    "note_failed",
    "note_opened",
    "note_wallet",
    "paid_values",
    "release_refund",
    "reserve_refund",
    "settle_refund",
    "take",
]
