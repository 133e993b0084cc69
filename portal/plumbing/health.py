"""`/healthz`: the process lives. `/readyz`: it may be given work."""

import sqlalchemy as sa
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from portal.plumbing import schema_upgrade
from portal.plumbing.web import Audience, database, guard


def install(app: Flask) -> None:
    """Add both addresses."""

    @app.get("/healthz")
    @guard(Audience.EVERYONE)
    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok")

    @app.get("/readyz")
    @guard(Audience.EVERYONE)
    def readyz() -> ResponseReturnValue:
        problem = _problem()
        return (jsonify(status="ready"), 200) if problem is None else (jsonify(status="not ready", why=problem), 503)


def _problem() -> str | None:
    try:
        with database().transaction() as session:
            durable = session.execute(
                sa.text("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
            ).one()
        if tuple(durable) != ("on", "on"):
            return "durability is off"
        if schema_upgrade.current_revision(database().engine) != schema_upgrade.newest_revision():
            return "migrations are not at head"
    except SQLAlchemyError:
        return "the database does not answer"
    return None
