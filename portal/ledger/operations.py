"""Post transfers: one statement, so a payment costs one round trip, not one per account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger.rules import Move

# The function's text stands in migration 0007: who posts inside another function of the database calls it there.
_POST = sa.text(
    "SELECT ledger_post(:merchant, :kinds, :refs, :debits, :credits, :amounts, :dates, :now, :unless_there)"
)


def post(session: Session, *, merchant_id: int, moves: Sequence[Move], now: datetime) -> None:
    """Write `moves` and the accounts they change. A repeated kind and ref raises IntegrityError: nothing is doubled."""
    if moves:
        session.execute(_POST, {**columns(moves), "merchant": merchant_id, "now": now, "unless_there": False})


def post_once(session: Session, *, merchant_id: int, move: Move, now: datetime) -> bool:
    """Write one move unless one of its kind and ref is there already. False when it was; the transaction lives on."""
    values = {**columns([move]), "merchant": merchant_id, "now": now, "unless_there": True}
    return bool(session.execute(_POST, values).scalar_one())


def columns(moves: Sequence[Move]) -> dict[str, list[Any]]:
    """Moves as the arrays that `ledger_post` takes, one for each column."""
    return {
        "kinds": [move.kind for move in moves],
        "refs": [move.ref for move in moves],
        "debits": [move.debit for move in moves],
        "credits": [move.credit for move in moves],
        "amounts": [int(move.amount) for move in moves],
        "dates": [move.business_date for move in moves],
    }
