"""Every night each merchant's day is closed. Killed anywhere, it is run again and does no harm.

A day's figures are read at one moment, and sealed in a transaction of their own; whatever is booked between stands on
the next sheet. Each seal is also written to a file, so that a forged database has something to disagree with.
"""

import logging
import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from portal.ledger import queries as ledger
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer, is_waiting
from portal.plumbing.work import Tools
from portal.settlement import operations, queries
from portal.settlement.queries import Sealed, SheetRow, SheetUnreadable
from portal.settlement.rules import BooksShrank, Figures
from portal.settlement.sealing import newest_closed, next_close
from portal.values.day import business_date

log = logging.getLogger("portal.settlement")

NIGHTLY = "settlement.nightly"
SEALS_FOLDER = "seals"
# So long after a night that was cut short its seals are still written outside.
_MADE_UP_FOR = timedelta(days=7)


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
    _write_outside(tools, now=now)
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


def _write_outside(tools: Tools, *, now: datetime) -> None:
    """A line for each seal, in a file of the night it was written: also for those of a night that was cut short."""
    with tools.database.transaction() as session:
        rows = queries.sealed_since(session, now - _MADE_UP_FOR)
    folder = tools.settings.data_dir / SEALS_FOLDER
    there = {line for path in folder.glob("*.txt") for line in path.read_text(encoding="ascii").splitlines(True)}
    missing = [line for line in map(line_of, rows) if line not in there]
    if not missing:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _append(folder / f"{business_date(now).isoformat()}.txt", missing)


def line_of(row: Sealed | SheetRow) -> str:
    """Merchant, place in its chain, day and seal, as they stand in the file."""
    return f"{row.merchant_id} {row.position} {row.day.isoformat()} {row.seal}\n"


def _append(path: Path, lines: Sequence[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
