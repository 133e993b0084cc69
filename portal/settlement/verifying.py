"""Check sealed sheets: each against its seal, its place, the chain of acts, the files outside, and the ledger."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import queries as audit
from portal.settlement import queries
from portal.settlement.models import DaySheet
from portal.settlement.queries import SheetUnreadable
from portal.settlement.rules import BooksShrank, missing_from
from portal.settlement.sealing import ACT, GENESIS, act_facts, as_json, from_json, seal_of

_ACTS_MOST = 1_000_000


@dataclass(frozen=True)
class Wrong:
    """What does not hold of one merchant's sheets, and where first."""

    merchant_id: int
    day: date | None
    what: str


def merchants(session: Session) -> list[int]:
    """Every merchant that has a sheet, or an act that says he had one. Needs the wide sight of `portal_staff`."""
    with_sheets = set(session.scalars(sa.select(DaySheet.merchant_id).distinct()))
    return sorted(with_sheets | {merchant_id for merchant_id in audit.chains(session) if merchant_id})


def first_wrong(session: Session, merchant_id: int) -> Wrong | None:
    """The first sheet that is not as it was sealed: changed, out of place, gone, or sealed without an act."""
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    acts = {
        entry.act.subject: entry.act.facts
        for entry in audit.entries(session, merchant_id, only=(ACT,), most=_ACTS_MOST)
    }
    position, previous, last = 1, GENESIS, None
    wanted = sa.select(DaySheet).where(DaySheet.merchant_id == merchant_id).order_by(DaySheet.position)
    with closing(session.scalars(wanted.execution_options(yield_per=100))) as rows:
        for row in rows:
            what = _wrong(row, position, previous, last) or _wrong_act(row, acts.pop(row.day.isoformat(), None))
            if what:
                return Wrong(merchant_id, row.day, what)
            position, previous, last = position + 1, row.seal, row.day
    if acts:
        return Wrong(merchant_id, date.fromisoformat(min(acts)), "the act is there and the sheet is gone")
    return None


def against_ledger(session: Session, merchant_id: int) -> list[Wrong]:
    """The days of which a sheet says what the ledger does not, or does not any more."""
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    wrong = []
    try:
        sealed = queries.every_record(session, merchant_id)
    except SheetUnreadable as unreadable:
        return [Wrong(merchant_id, None, f"{unreadable} cannot be read")]
    now = queries.books(session, merchant_id, sealed)
    for day in sorted(sealed):
        try:
            missing_from(sealed[day], now.get(day, []))
        except BooksShrank as lost:
            wrong.append(Wrong(merchant_id, day, str(lost)))
    return wrong


def against_files(session: Session, folder: Path) -> list[Wrong]:
    """The seals that were written outside the database and are not in it."""
    wrong = []
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="ascii").splitlines():
            merchant, position, day, seal = line.split(" ")
            row = session.get(DaySheet, (int(merchant), date.fromisoformat(day)))
            if row is None or (str(row.position), row.seal) != (position, seal):
                wrong.append(Wrong(int(merchant), date.fromisoformat(day), f"{path.name} has another seal"))
    return wrong


def _wrong(row: DaySheet, position: int, previous: str, last: date | None) -> str:
    if (row.position, row.previous) != (position, previous) or (last is not None and row.day <= last):
        return "it is not the next of its chain"
    try:
        figures = from_json(row.figures)
        expected = seal_of(
            merchant_id=row.merchant_id,
            position=position,
            previous=previous,
            sealed_at=row.sealed_at,
            figures=row.figures,
        )
    except (ValueError, KeyError, TypeError):
        return "it cannot be read"
    beside = (row.day, row.earlier_days) == (figures.day, [one.day for one in figures.earlier])
    if expected != row.seal or not beside or as_json(figures) != row.figures:
        return "it is not what was sealed"
    return ""


def _wrong_act(row: DaySheet, facts: object) -> str:
    return "" if facts == act_facts(position=row.position, seal=row.seal) else "the chain of acts has another seal"
