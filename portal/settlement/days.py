"""A sealed day as it stands now: the sheet as it was sealed, and beside it what has been told since."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from portal.settlement import queries
from portal.settlement.queries import SheetRow
from portal.settlement.rules import BooksShrank, Earlier, missing_from, owed_by
from portal.settlement.stages import Stage, Stand, Standing, stand_of


@dataclass(frozen=True)
class Institution:
    """One acquirer: what it owes of the day (with what was booked later), and what the bills say of it. In fen."""

    acquirer: str
    owed: int
    standing: Standing

    @property
    def short(self) -> int | None:
        """What is owed and not paid, by the fund bill; None while nobody has told what was paid."""
        return None if self.standing.paid is None else self.owed - self.standing.paid


@dataclass(frozen=True)
class Day:
    """`since` is what was booked for the day after it was sealed; None where the ledger has lost what is sealed.

    `told_on` are the later days on whose sheets that stands already.
    """

    row: SheetRow
    since: Earlier | None
    told_on: tuple[date, ...]
    institutions: tuple[Institution, ...]
    stand: Stand


def day(session: Session, merchant_id: int, wanted: date) -> Day | None:
    """One sealed day, None when there is no sheet of it."""
    row = queries.sheet(session, merchant_id, wanted)
    if row is None:
        return None
    told = queries.standings(session, merchant_id, [wanted])[wanted]
    try:
        now = queries.books(session, merchant_id, [wanted]).get(wanted, [])
        since = Earlier(wanted, missing_from(row.figures.books, now))
    except BooksShrank:
        since = None
    owed = _owed(row, since)
    named = [acquirer for acquirer in ("wechat", "jdpay") if acquirer in owed]
    return Day(
        row,
        since,
        tuple(later.day for later in queries.told_later(session, merchant_id, [wanted])),
        tuple(Institution(one, owed[one], told.get(one, Standing(one))) for one in named),
        stand_of(owed, told) if since is not None else Stand(Stage.LOOKING),
    )


def stands(session: Session, merchant_id: int, rows: list[SheetRow]) -> dict[date, Stand]:
    """How each of these sheets stands by what was sealed and told since on later sheets; for lists."""
    told = queries.standings(session, merchant_id, [row.day for row in rows])
    late = queries.late_lines(session, merchant_id, [row.day for row in rows])
    return {row.day: stand_of(owed_by([*row.figures.lines, *late.get(row.day, [])]), told[row.day]) for row in rows}


def _owed(row: SheetRow, since: Earlier | None) -> dict[str, int]:
    return owed_by([*row.figures.lines, *(since.lines if since is not None else [])])
