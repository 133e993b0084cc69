"""Post transfers: one statement, so a payment costs one round trip, not one per account."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger.rules import Move

# Accounts are touched in the order of their codes, so two postings never wait for each other in a circle.
_POST = sa.text(
    """
    WITH posted AS (
        INSERT INTO transfers (merchant_id, kind, ref, debit, credit, amount, business_date, created_at)
        SELECT :merchant_id, m.kind, m.ref, m.debit, m.credit, m.amount, m.business_date, :now
        FROM unnest(
            CAST(:kinds AS text[]), CAST(:refs AS text[]), CAST(:debits AS text[]), CAST(:credits AS text[]),
            CAST(:amounts AS bigint[]), CAST(:dates AS date[])
        ) AS m(kind, ref, debit, credit, amount, business_date)
        RETURNING debit, credit, amount
    ), moved AS (
        SELECT side.code, sum(side.debit) AS debits, sum(side.credit) AS credits
        FROM (
            SELECT debit AS code, amount AS debit, 0 AS credit FROM posted
            UNION ALL
            SELECT credit, 0, amount FROM posted
        ) AS side
        GROUP BY side.code
    )
    INSERT INTO accounts (merchant_id, code, debits, credits)
    SELECT :merchant_id, code, debits, credits FROM moved ORDER BY code
    ON CONFLICT (merchant_id, code)
    DO UPDATE SET debits = accounts.debits + excluded.debits, credits = accounts.credits + excluded.credits
    """
)


def post(session: Session, *, merchant_id: int, moves: Sequence[Move], now: datetime) -> None:
    """Write `moves` and the accounts they change. A repeated kind and ref raises IntegrityError: nothing is doubled."""
    if not moves:
        return
    session.execute(
        _POST,
        {
            "merchant_id": merchant_id,
            "now": now,
            "kinds": [move.kind for move in moves],
            "refs": [move.ref for move in moves],
            "debits": [move.debit for move in moves],
            "credits": [move.credit for move in moves],
            "amounts": [move.amount for move in moves],
            "dates": [move.business_date for move in moves],
        },
    )
