"""Payers as JSON: the same words for scripts at `/payers` and for the phone's own."""

import sqlite3
from dataclasses import asdict
from typing import Any

from sandbox.payers import history, quotas, reductions, subsidies
from sandbox.payers.accounts import Account, Card, account


def told_account(connection: sqlite3.Connection, payer: str, wallet: str, now: float) -> dict[str, Any]:
    """One wallet: level, sources with what they may still pay today, and the reductions in force. All fen."""
    holder = account(connection, payer, wallet)
    rules = reductions.rules(connection, payer, wallet)
    upcoming = next((rule for rule in rules if rule.upcoming), None)
    standing = next((rule for rule in rules if not rule.upcoming), None)
    return {
        "payer": payer,
        "wallet": wallet,
        "level": holder.level,
        "balance": holder.balance,
        "source": holder.source,
        "source_name": holder.source_name(holder.source),
        "left_today": _left(connection, holder, holder.source, now),
        "cards": [_card(connection, holder, card, now) for card in holder.in_use],
        "next_reduction": upcoming.amount if upcoming else 0,
        "reduction": {
            "amount": standing.amount,
            "minimum": standing.minimum,
            "name": standing.name,
            "funder": standing.funder,
        }
        if standing
        else None,
    }


def told_card(card: Card) -> dict[str, Any]:
    """A card, without its quota."""
    return {**asdict(card), "name": card.name}


def told_subsidies(connection: sqlite3.Connection, payer: str) -> dict[str, Any]:
    """What was granted for which deed, and the sums, in fen."""
    return {
        "payer": payer,
        "granted": subsidies.total(connection, payer),
        "most": subsidies.MOST,
        "deeds": [asdict(one) for one in subsidies.every(connection, payer)],
    }


def told_history(connection: sqlite3.Connection, payer: str, wallet: str, count: int) -> list[dict[str, Any]]:
    """Payments, refunds and subsidies, newest first."""
    return [asdict(entry) for entry in history.entries(connection, payer, wallet, count)]


def _card(connection: sqlite3.Connection, holder: Account, card: Card, now: float) -> dict[str, Any]:
    return {**told_card(card), "pays": card.id == holder.source, "left_today": _left(connection, holder, card.id, now)}


def _left(connection: sqlite3.Connection, holder: Account, source: str, now: float) -> dict[str, int | None]:
    left = quotas.left(connection, payer=holder.payer, wallet=holder.wallet, source=source, grade=holder.level, now=now)
    return {"any_code": left.level, "static_code": left.static}
