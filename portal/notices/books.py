"""Three figures by which anybody sees that the ledger is well: it clears, it is in time, it is complete; and how much
money waits in suspense for somebody to look at, how long the longest of it and how far the relay is behind, for alerts.

Clearing: what still lies on accounts that must come to nothing again. Timeliness: which part of a day's payments was
booked within a minute. Completeness: which part of them is booked at all. (After the data-quality figures Stripe
publishes for its ledger: "Ledger: Stripe's system for tracking and validating money movement".)
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.events import queries as feed
from portal.events.operations import RELAY
from portal.ledger import queries as ledger
from portal.ledger.rules import SUSPENSE, refund_in_flight
from portal.payments import queries as payments
from portal.suspense import queries as suspense
from portal.wallets.port import Acquirer

_LOOKED_AT = timedelta(days=1)
_IN_TIME = timedelta(minutes=1)
MUST_DRAIN = (SUSPENSE, *(refund_in_flight(acquirer) for acquirer in Acquirer))


def measured(session: Session, *, now: datetime) -> list[str]:
    """The lines for Prometheus. Needs the wide sight of `portal_staff`. Amounts in fen; of no payments all are good."""
    left = ledger.not_drained(session)
    kept = payments.bookkeeping(session, since=now - _LOOKED_AT, within=_IN_TIME)
    aside = suspense.standing(session)
    open_fen = [(code, abs(left[code].net) if code in left else 0) for code in MUST_DRAIN]
    return [
        "# TYPE yima_ledger_clearing_open_fen gauge",
        *(f'yima_ledger_clearing_open_fen{{account="{code}"}} {fen}' for code, fen in open_fen),
        "# TYPE yima_ledger_timeliness_ratio gauge",
        f"yima_ledger_timeliness_ratio {_part(kept.in_time, kept.paid)}",
        "# TYPE yima_ledger_completeness_ratio gauge",
        f"yima_ledger_completeness_ratio {_part(kept.booked, kept.paid)}",
        "# TYPE yima_suspense_cases gauge",
        f'yima_suspense_cases{{state="open"}} {aside.count - aside.proposed}',
        f'yima_suspense_cases{{state="proposed"}} {aside.proposed}',
        "# TYPE yima_suspense_oldest_seconds gauge",
        f"yima_suspense_oldest_seconds {_seconds(aside.oldest, now)}",
        "# TYPE yima_relay_behind_seconds gauge",
        f"yima_relay_behind_seconds {_seconds(feed.oldest_not_carried(session, relay=RELAY), now)}",
    ]


def _seconds(since: datetime | None, now: datetime) -> int:
    return max(0, int((now - since).total_seconds())) if since is not None else 0


def _part(some: int, whole: int) -> str:
    """Rounded down: nothing short of everything is ever called 1."""
    millionths = some * 1_000_000 // whole if whole else 1_000_000
    return f"{millionths / 1_000_000:.6f}"
