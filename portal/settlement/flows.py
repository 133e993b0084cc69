"""Every night each merchant's day is closed. Killed anywhere, it is run again and does no harm.

A day's figures are read at one moment, and sealed in a transaction of their own; whatever is booked between stands on
the next sheet. Each seal is also written to a file, so that a forged database has something to disagree with.
"""

import logging
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from portal.config import Settings
from portal.ledger import queries as ledger
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer, is_waiting
from portal.plumbing.work import Tools
from portal.settlement import operations, queries
from portal.settlement.queries import SheetRow, SheetUnreadable
from portal.settlement.rules import BooksShrank, Figures
from portal.settlement.sealing import newest_closed, next_close
from portal.values.day import business_date

log = logging.getLogger("portal.settlement")

NIGHTLY = "settlement.nightly"
SEALS_FOLDER = "seals"


def nightly(tools: Tools) -> None:
    """Close every merchant's days up to the last that is over, and then itself again: tomorrow."""
    moment = clock_now()
    close_days(tools, now=moment)
    with tools.database.transaction() as session:
        if not is_waiting(session, NIGHTLY):
            # From when it began: a run that came a moment too early is followed by the one at its time.
            defer(session, NIGHTLY, lock=NIGHTLY, at=next_close(moment))


def close_days(tools: Tools, *, now: datetime) -> list[SheetRow]:
    """Seal what is to be sealed of every merchant; answers the new sheets.

    One merchant's trouble is told in the log and holds up nobody else.
    """
    with tools.database.transaction() as session:
        merchants = ledger.merchants_with_postings(session)
    sealed: list[SheetRow] = []
    for merchant_id in merchants:
        try:
            sealed += close(tools, merchant_id, until=newest_closed(now), now=now)
        except (BooksShrank, SheetUnreadable) as lost:
            log.error("no day of merchant %s is sealed: sheets and ledger disagree (%s)", merchant_id, lost)
    _write_outside(tools.settings, sealed, now=now)
    return sealed


def close(tools: Tools, merchant_id: int, *, until: date, now: datetime) -> list[SheetRow]:
    """Seal one merchant's days up to `until`; answers the new sheets. Raises BooksShrank, SheetUnreadable."""
    rows = []
    for figures in _read(tools, merchant_id, until):
        with tools.database.transaction(merchant=merchant_id) as session:
            row = operations.seal(session, merchant_id=merchant_id, figures=figures, now=now)
        if row is None:
            # Somebody else seals these days just now.
            break
        rows.append(row)
    return rows


def _read(tools: Tools, merchant_id: int, until: date) -> Sequence[Figures]:
    with tools.database.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(sa.text("SET LOCAL statement_timeout = 0"))
        return queries.to_be_sealed(session, merchant_id, until=until)


def _write_outside(settings: Settings, rows: Sequence[SheetRow], *, now: datetime) -> None:
    """A line for each seal, in a file of the night it was made."""
    if not rows:
        return
    folder = settings.data_dir / SEALS_FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _append(folder / f"{business_date(now).isoformat()}.txt", [line_of(row) for row in rows])


def line_of(row: SheetRow) -> str:
    """Merchant, place in its chain, day and seal, as they stand in the file."""
    return f"{row.merchant_id} {row.position} {row.day.isoformat()} {row.seal}\n"


def _append(path: Path, lines: Sequence[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
