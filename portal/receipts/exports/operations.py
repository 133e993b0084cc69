"""Ask for a file, note how far it is, finish it, let it go."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.plumbing.jobs import defer
from portal.receipts.exports.models import Export
from portal.receipts.exports.queries import of_form
from portal.receipts.exports.rules import LIFE, TRIES_MOST, UNDER_WAY, Form, Period, State, Subject

BUILD = "receipts.export"
EXPIRE = "receipts.expire_export"


def ask(
    session: Session,
    *,
    merchant_id: int,
    subject: Subject,
    form: Form,
    chosen: Period,
    words: dict[str, dict[str, str]],
    form_key: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Ask for a file and answer its number; the same form twice is one file. `words` are the asker's language."""
    export_id: int | None = session.scalar(
        insert(Export)
        .values(
            merchant_id=merchant_id,
            subject=subject,
            form=form,
            first_day=chosen.first,
            last_day=chosen.last,
            state=State.QUEUED,
            done=0,
            tries=0,
            parts=[],
            size=0,
            form_key=form_key,
            asked_by=actor.user_id,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Export.merchant_id, Export.form_key])
        .returning(Export.export_id)
    )
    if export_id is None:
        asked = of_form(session, merchant_id, form_key)
        return asked.export_id if asked else 0
    facts = {"subject": subject, "form": form, "first": str(chosen.first), "last": str(chosen.last)}
    act = Act(now, actor, "receipts.exported", str(export_id), facts=facts)
    record(session, act, merchant_id=merchant_id)
    defer(session, BUILD, lock=f"export:{merchant_id}", merchant_id=merchant_id, export_id=export_id, words=words)
    return export_id


def begin(session: Session, *, merchant_id: int, export_id: int) -> int | None:
    """Begin a run and answer its number; None when there is nothing to do or it was tried too often."""
    row = session.scalar(
        sa.select(Export)
        .where(Export.merchant_id == merchant_id, Export.export_id == export_id, Export.state.in_(sorted(UNDER_WAY)))
        .with_for_update()
    )
    if row is None:
        return None
    if row.tries >= TRIES_MOST:
        row.state = State.FAILED
        return None
    row.state, row.tries, row.done = State.RUNNING, row.tries + 1, 0
    return row.tries


def note_progress(session: Session, *, merchant_id: int, export_id: int, run: int, done: int, total: int) -> bool:
    """Write down how far this run is; False when another run has overtaken it."""
    return _change(session, merchant_id, export_id, run, done=done, total=total)


def finish(
    session: Session, *, merchant_id: int, export_id: int, run: int, parts: list[str], size: int, now: datetime
) -> bool:
    """The file is there, for `LIFE`; False when another run has overtaken this one."""
    done = _change(
        session, merchant_id, export_id, run,
        state=State.READY, done=Export.total, parts=parts, size=size, finished_at=now, expires_at=now + LIFE,
    )  # fmt: skip
    if done:
        defer(session, EXPIRE, at=now + LIFE, merchant_id=merchant_id, export_id=export_id)
    return done


def fail(session: Session, *, merchant_id: int, export_id: int, run: int) -> None:
    """After the last try the owner is told; before it the file stays under way."""
    if run >= TRIES_MOST:
        _change(session, merchant_id, export_id, run, state=State.FAILED)


def expire(session: Session, *, merchant_id: int, export_id: int, now: datetime) -> list[str]:
    """Let a file go whose time is over; answers its parts, to be deleted (again, if that broke off)."""
    row = session.scalar(
        sa.select(Export)
        .where(Export.merchant_id == merchant_id, Export.export_id == export_id, Export.expires_at <= now)
        .with_for_update()
    )
    if row is None:
        return []
    row.state = State.EXPIRED
    return list(row.parts)


def _change(session: Session, merchant_id: int, export_id: int, run: int, **values: object) -> bool:
    mine = (
        Export.merchant_id == merchant_id,
        Export.export_id == export_id,
        Export.tries == run,
        Export.state == State.RUNNING,
    )
    done = session.execute(sa.update(Export).where(*mine).values(**values).returning(Export.export_id))
    return done.first() is not None
