"""Post transfers: one statement, so a payment costs one round trip, not one per account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger.rules import Move

# Accounts are locked in the order of their codes, so two postings never wait for each other in a circle. Those that
# are there are updated, only new ones inserted: an upsert's proposed row alone would have to pass the accounts' CHECKs,
# and a debit without the credit it answers does not.
_POST = """
    WITH posted AS (
        INSERT INTO transfers (merchant_id, kind, ref, debit, credit, amount, business_date, created_at)
        SELECT :merchant_id, m.kind, m.ref, m.debit, m.credit, m.amount, m.business_date, :now
        FROM unnest(
            CAST(:kinds AS text[]), CAST(:refs AS text[]), CAST(:debits AS text[]), CAST(:credits AS text[]),
            CAST(:amounts AS bigint[]), CAST(:dates AS date[])
        ) AS m(kind, ref, debit, credit, amount, business_date)
        {repeated}
        RETURNING debit, credit, amount
    ), moved AS (
        SELECT side.code, sum(side.debit) AS debits, sum(side.credit) AS credits
        FROM (
            SELECT debit AS code, amount AS debit, 0 AS credit FROM posted
            UNION ALL
            SELECT credit, 0, amount FROM posted
        ) AS side
        GROUP BY side.code
    ), locked AS (
        SELECT code FROM accounts
        WHERE merchant_id = :merchant_id AND code IN (SELECT code FROM moved)
        ORDER BY code
        FOR NO KEY UPDATE
    ), changed AS (
        UPDATE accounts SET debits = accounts.debits + moved.debits, credits = accounts.credits + moved.credits
        FROM moved JOIN locked USING (code)
        WHERE accounts.merchant_id = :merchant_id AND accounts.code = moved.code
        RETURNING accounts.code
    ), opened AS (
        INSERT INTO accounts (merchant_id, code, debits, credits)
        SELECT :merchant_id, code, debits, credits FROM moved
        WHERE code NOT IN (SELECT code FROM changed)
        ORDER BY code
        ON CONFLICT (merchant_id, code)
        DO UPDATE SET debits = accounts.debits + excluded.debits, credits = accounts.credits + excluded.credits
    )
    SELECT count(*) FROM posted
    """
_POST_OR_FAIL = sa.text(_POST.format(repeated=""))
_POST_UNLESS_THERE = sa.text(_POST.format(repeated="ON CONFLICT (merchant_id, kind, ref) DO NOTHING"))


def post(session: Session, *, merchant_id: int, moves: Sequence[Move], now: datetime) -> None:
    """Write `moves` and the accounts they change. A repeated kind and ref raises IntegrityError: nothing is doubled."""
    if moves:
        session.execute(_POST_OR_FAIL, _values(merchant_id, moves, now))


def post_once(session: Session, *, merchant_id: int, move: Move, now: datetime) -> bool:
    """Write one move unless one of its kind and ref is there already. False when it was; the transaction lives on."""
    return bool(session.execute(_POST_UNLESS_THERE, _values(merchant_id, [move], now)).scalar_one())


def _values(merchant_id: int, moves: Sequence[Move], now: datetime) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "now": now,
        "kinds": [move.kind for move in moves],
        "refs": [move.ref for move in moves],
        "debits": [move.debit for move in moves],
        "credits": [move.credit for move in moves],
        "amounts": [int(move.amount) for move in moves],
        "dates": [move.business_date for move in moves],
    }
