"""What the console reads beyond one slice. Needs the wide sight of `portal_staff`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.merchants.models import Application, WalletApplication
from portal.merchants.queries import ApplicationRow, WalletApplicationRow
from portal.merchants.queries.application import read, read_wallet_application
from portal.merchants.rules import State
from portal.staff.rules import PATIENCE, document_subject
from portal.values.day import business_date, day_bounds

Key = tuple[int, int]


@dataclass(frozen=True)
class Waiting:
    """The queue in figures: how many wait, how many too long, and since when the first one."""

    count: int
    late: int
    since: datetime | None


@dataclass(frozen=True)
class Decided:
    """What one person decided today."""

    approved: int
    returned: int


@dataclass(frozen=True)
class Place:
    """Where an application stands in the queue, and which come before and after it."""

    number: int
    count: int
    before: Key | None
    after: Key | None


def waiting(session: Session, *, now: datetime) -> Waiting:
    """The queue in figures."""
    late = sa.func.count().filter(Application.submitted_at < now - PATIENCE)
    row = session.execute(
        sa.select(sa.func.count(), late, sa.func.min(Application.submitted_at)).where(
            Application.state == State.SUBMITTED
        )
    ).one()
    return Waiting(*row)


def decided_today(session: Session, user_id: int, *, now: datetime) -> Decided:
    """What a person decided since midnight in Shanghai."""
    start, _end = day_bounds(business_date(now))
    rows = session.execute(
        sa.select(Application.state, sa.func.count())
        .where(Application.decided_by == user_id, Application.decided_at >= start)
        .group_by(Application.state)
    )
    counts = dict(rows.all())
    # One that was sent back and has been taken up again is a draft or handed in by now.
    back = sum(count for state, count in counts.items() if state != State.APPROVED)
    return Decided(counts.get(State.APPROVED, 0), back)


def whole(session: Session, keys: Iterable[Key]) -> dict[Key, ApplicationRow]:
    """Several applications with both halves of their answers."""
    pair = sa.tuple_(Application.merchant_id, Application.application_id)
    rows = session.scalars(sa.select(Application).where(pair.in_(list(keys))))
    return {(row.merchant_id, row.application_id): read(row) for row in rows}


def standings(session: Session, merchant_ids: Iterable[int]) -> dict[int, dict[str, WalletApplicationRow]]:
    """For several merchants, by acquirer, how the newest application sent there stands."""
    rows = session.scalars(
        sa.select(WalletApplication)
        .where(WalletApplication.merchant_id.in_(list(merchant_ids)))
        .order_by(WalletApplication.application_id)
    )
    found: dict[int, dict[str, WalletApplicationRow]] = {}
    for row in rows:
        found.setdefault(row.merchant_id, {})[row.acquirer] = read_wallet_application(row)
    return found


def place(session: Session, row: ApplicationRow) -> Place:
    """Where an application that waits stands among those that wait, the longest waiting first."""
    order = sa.tuple_(Application.submitted_at, Application.merchant_id)
    here = sa.tuple_(sa.literal(row.submitted_at), sa.literal(row.merchant_id))
    wait = Application.state == State.SUBMITTED
    keys = sa.select(Application.merchant_id, Application.application_id).where(wait)
    before = session.execute(
        keys.where(order < here).order_by(Application.submitted_at.desc(), Application.merchant_id.desc()).limit(1)
    ).first()
    after = session.execute(
        keys.where(order > here).order_by(Application.submitted_at, Application.merchant_id).limit(1)
    ).first()
    counts = sa.select(sa.func.count().filter(order < here), sa.func.count()).select_from(Application).where(wait)
    ahead, count = session.execute(counts).one()
    return Place(ahead + 1, count, _key(before), _key(after))


def seen_documents(
    session: Session, *, merchant_id: int, application_id: int, documents: Iterable[str], user_id: int
) -> set[str]:
    """Which pictures of an application this person has opened already."""
    subjects = {document_subject(application_id, document): document for document in documents}
    rows = session.scalars(
        sa.select(AuditEntry.subject)
        .where(
            AuditEntry.merchant_id == merchant_id,
            AuditEntry.action == "document.viewed",
            AuditEntry.actor_id == user_id,
            AuditEntry.subject.in_(list(subjects)),
        )
        .distinct()
    )
    return {subjects[subject] for subject in rows}


def regions(session: Session, state: State) -> list[str]:
    """The division codes of the cities that applications in a state come from."""
    code = Application.plain["region_code"].astext
    return list(
        session.scalars(sa.select(code).where(Application.state == state, code != "").distinct().order_by(code))
    )


def _key(row: sa.Row[int, int] | None) -> Key | None:
    return (row[0], row[1]) if row else None
