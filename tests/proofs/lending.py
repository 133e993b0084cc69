"""One PostgreSQL for all runs, and databases that are emptied and used again: making one costs more than most tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from deploy.roles import SUPERUSER
from portal.plumbing.schema_upgrade import upgrade
from tests.conftest import TEMPLATE

# Rows that the migrations wrote, and the shape of everything: a database in which these have changed is not used again.
_KEPT = ("alembic_version", "fee_terms")
_SHAPE = """
SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM fee_terms t),
    (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_class),
    (SELECT count(*) FROM pg_class WHERE relforcerowsecurity), (SELECT count(*) FROM pg_trigger),
    (SELECT md5(string_agg(prosrc, ',' ORDER BY oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
_ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


class Lent:
    """The one server in the place of a run's own. Nobody who was lent it starts or stops it.

    `migrated`: the run's migrations are those of the template that is there already.
    """

    def __init__(self, server: EmbeddedPostgres, *, migrated: bool) -> None:
        self._server, self.migrated = server, migrated
        self._in_use: dict[str, str] = {}
        self._empty: list[str] = []
        self._shape: object = None

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    def urls(self, database: str) -> dict[str, str]:
        """As the server's own, whichever database stands behind the name."""
        return self._server.urls(self._in_use.get(database, database))

    def create_database(self, name: str, *, template: str | None = None) -> None:
        if template is None:
            if not self.migrated:
                self._server.create_database(name)
        elif self._empty:
            self._in_use[name] = self._empty.pop()
        else:
            self._server.create_database(name, template=template)
            self._in_use[name] = name

    def drop_database(self, name: str) -> None:
        real = self._in_use.pop(name, name)
        if self._emptied(real):
            self._empty.append(real)
        else:
            self._server.drop_database(real)

    def _emptied(self, real: str) -> bool:
        with psycopg.connect(self._server.url(SUPERUSER, real), autocommit=True) as connection:
            connection.execute(_ALONE, (real,))
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)"
            names = [sql.Identifier(name) for (name,) in connection.execute(tables, (list(_KEPT),))]
            each = [sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name.as_string(), name) for name in names]
            full = connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()
            connection.execute("SET session_replication_role = replica")
            for (name,) in full:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(name)))
            connection.execute("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")
            shape = connection.execute(_SHAPE).fetchone()
        self._shape = self._shape or shape
        return shape == self._shape


@contextmanager
def server_to_lend() -> Iterator[EmbeddedPostgres]:
    """A server without fsync that holds one migrated template."""
    folder = Path(tempfile.mkdtemp(prefix="yima-mutants-"))
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        server.create_database(TEMPLATE)
        upgrade(server.urls(TEMPLATE)["DATABASE_OWNER_URL"])
        yield server
    finally:
        server.stop()
        remove_cluster(folder)
        shutil.rmtree(folder)
