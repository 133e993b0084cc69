"""What `doctor` looks at: one finding each, said in a line. It changes nothing but a probe in the store."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from portal.events import queries as feed
from portal.events.operations import RELAY
from portal.ledger import queries as ledger
from portal.ledger.rules import SUSPENSE
from portal.notices import queries as notices
from portal.plumbing import jobs, schema_upgrade
from portal.plumbing.db import Database
from portal.plumbing.pages import yuan
from portal.plumbing.storage import documents
from portal.plumbing.work import Tools
from portal.refunds import queries as refunds
from portal.schema import METADATA

_ROLES = ("portal_app", "portal_owner", "portal_ro", "portal_staff")
_SKEW_WARN, _SKEW_FAIL = 2.0, 60.0
_RELAY_WARN, _RELAY_FAIL = timedelta(minutes=1), timedelta(minutes=15)
_IN_FLIGHT_MOST = timedelta(days=1)


class Level(StrEnum):
    """`warn` wants a look today, `fail` before anything is served."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: Level
    name: str
    says: str


@dataclass(frozen=True)
class Patient:
    """What is examined: both connections (`app`, and `portal_staff` among the tools), keys and documents."""

    app: Database
    tools: Tools
    secret_files: tuple[Path, ...]
    now: datetime
    real_now: datetime


Said = tuple[Level, str]


def examine(patient: Patient) -> list[Finding]:
    """Every finding, in the order in which they are worth reading. A look that cannot be taken is a `fail`."""
    return [Finding(*_looked(look, patient, name)) for name, look in _LOOKS.items()]


def _looked(look: Callable[[Patient], Said], patient: Patient, name: str) -> tuple[Level, str, str]:
    try:
        level, says = look(patient)
    except (SQLAlchemyError, OSError) as trouble:
        return Level.FAIL, name, f"cannot be examined ({type(trouble).__name__})"
    return level, name, says


def _durability(patient: Patient) -> Said:
    names = ("fsync", "synchronous_commit", "full_page_writes")
    with patient.app.transaction() as session:
        found = {name: session.scalar(sa.text("SELECT current_setting(:name)"), {"name": name}) for name in names}
    off = [f"{name} = {value}" for name, value in found.items() if value not in ("on", "remote_apply")]
    return (Level.FAIL, ", ".join(off)) if off else (Level.OK, "what is committed is on the disk")


def _migrations(patient: Patient) -> Said:
    there, newest = schema_upgrade.current_revision(patient.app.engine), schema_upgrade.newest_revision()
    return (Level.OK, there) if there == newest else (Level.FAIL, f"{there or 'nothing'} is there, {newest} is wanted")


def _roles(patient: Patient) -> Said:
    with patient.app.transaction() as session:
        rows = session.execute(
            sa.text("SELECT rolname, rolsuper OR rolbypassrls AS passes FROM pg_roles WHERE rolname = ANY(:names)"),
            {"names": list(_ROLES)},
        )
        mighty: dict[str, bool] = {row.rolname: row.passes for row in rows}
        user = session.scalar(sa.text("SELECT current_user"))
        owner = user == "portal_owner" or (
            "portal_owner" in mighty
            and session.scalar(sa.text("SELECT pg_has_role(current_user, 'portal_owner', 'MEMBER')"))
        )
    with patient.tools.database.transaction() as session:
        staff = session.scalar(sa.text("SELECT current_user"))
    wrong = [f"{name} is missing" for name in _ROLES if name not in mighty]
    wrong += [f"{name} may pass row-level security" for name in _ROLES if mighty.get(name)]
    wrong += [f"merchants are served by {user}"] if user != "portal_app" else []
    wrong += [f"staff are served by {staff}"] if staff != "portal_staff" else []
    wrong += [f"{user} may act as portal_owner"] if owner else []
    return (Level.FAIL, ", ".join(wrong)) if wrong else (Level.OK, "four roles, none of them above the rows' rules")


def _rows(patient: Patient) -> Said:
    owned = sorted(table.name for table in METADATA.tables.values() if table.info.get("owner") == "merchant")
    with patient.app.transaction() as session:
        forced = set(
            session.scalars(
                sa.text(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                    " AND relrowsecurity AND relforcerowsecurity"
                )
            )
        )
    bare = [name for name in owned if name not in forced]
    if bare:
        return Level.FAIL, f"not forced on {', '.join(bare)}"
    return Level.OK, f"forced on all {len(owned)} tables of merchants"


def _ledger_rights(patient: Patient) -> Said:
    kept = sorted(table.name for table in METADATA.tables.values() if table.info.get("append_only"))
    loose = []
    for database in (patient.app, patient.tools.database):
        with database.transaction() as session:
            loose += [
                f"{session.scalar(sa.text('SELECT current_user'))} may {right} {name}"
                for name in kept
                for right in ("UPDATE", "DELETE", "TRUNCATE")
                if session.scalar(sa.text("SELECT has_table_privilege(:name, :right)"), {"name": name, "right": right})
            ]
    return (Level.FAIL, ", ".join(loose)) if loose else (Level.OK, f"{', '.join(kept)} only grow")


def _clock(patient: Patient) -> Said:
    with patient.app.transaction() as session:
        there = session.scalar(sa.text("SELECT clock_timestamp()"))
    skew = abs((there - patient.real_now).total_seconds()) if there else _SKEW_FAIL
    level = Level.FAIL if skew >= _SKEW_FAIL else Level.WARN if skew >= _SKEW_WARN else Level.OK
    return level, f"{skew:.1f} s between this machine and the database"


def _secrets(patient: Patient) -> Said:
    open_to_others = [
        f"{path.name} has mode {stat.S_IMODE(path.stat().st_mode):04o}"
        for path in patient.secret_files
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_others:
        return Level.FAIL, ", ".join(open_to_others)
    return Level.OK, f"{', '.join(path.name for path in patient.secret_files)} are the portal's alone"


def _wallets(patient: Patient) -> Said:
    names = sorted(str(acquirer) for acquirer in patient.tools.wallets)
    return (Level.OK, ", ".join(names)) if names else (Level.FAIL, "none is set up")


def _storage(patient: Patient) -> Said:
    store, probe = documents(patient.tools.settings, patient.tools.keyring), b"doctor"
    name = store.put(probe, owner="doctor")
    same = store.get(name) == probe
    store.delete(name)
    return (Level.OK, "written, read and deleted") if same else (Level.FAIL, "what was written is not what was read")


def _worker(patient: Patient) -> Said:
    with patient.tools.database.transaction() as session:
        silent = jobs.seconds_since_heartbeat(session)
    if silent is None or silent > jobs.STALLED_SECONDS:
        return Level.FAIL, "none is at work" if silent is None else f"silent for {silent:.0f} s"
    return Level.OK, f"last sign of life {silent:.0f} s ago"


def _relay(patient: Patient) -> Said:
    with patient.tools.database.transaction() as session:
        oldest = feed.oldest_not_carried(session, relay=RELAY)
    if oldest is None:
        return Level.OK, "abreast of every merchant's feed"
    late = max(patient.now - oldest, timedelta())
    level = Level.FAIL if late >= _RELAY_FAIL else Level.WARN if late >= _RELAY_WARN else Level.OK
    return level, f"{late.total_seconds():.0f} s behind"


def _accounts(patient: Patient) -> Said:
    with patient.tools.database.transaction() as session:
        left = ledger.not_drained(session).get(SUSPENSE)
        old = refunds.open_since_before(session, patient.now - _IN_FLIGHT_MOST)
    said = [f"¥{yuan(abs(left.net))} in suspense"] if left else []
    said += [f"{old} refunds in flight for more than a day"] if old else []
    return (Level.WARN, ", ".join(said)) if said else (Level.OK, "nothing in suspense, no refund in flight for a day")


def _notices(patient: Patient) -> Said:
    with patient.tools.database.transaction() as session:
        found = notices.unsettled(session)
    said = ", ".join(f"{number} {state}" for state, number in found.items())
    return (Level.WARN if any(found.values()) else Level.OK), said


_LOOKS: dict[str, Callable[[Patient], Said]] = {
    "durability": _durability,
    "migrations": _migrations,
    "roles": _roles,
    "row-level security": _rows,
    "append-only": _ledger_rights,
    "clock": _clock,
    "secrets": _secrets,
    "wallets": _wallets,
    "storage": _storage,
    "worker": _worker,
    "relay": _relay,
    "accounts": _accounts,
    "notices": _notices,
}
