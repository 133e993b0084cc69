"""The four roles of the portal and its databases, made again at every start: a half-made cluster heals itself."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
OWNER, APP, STAFF, READ_ONLY = "portal_owner", "portal_app", "portal_staff", "portal_ro"
ROLES = (OWNER, APP, STAFF, READ_ONLY)
_ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"


def make_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Every role with its attributes and password, which travels as a SCRAM verifier: no log ever holds it in clear."""
    for role in ROLES:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        verb = "ALTER" if known else "CREATE"
        verifier = connection.pgconn.encrypt_password(passwords[role].encode(), role.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("{} ROLE {} " + _ATTRIBUTES + " PASSWORD {}").format(
                sql.SQL(verb), sql.Identifier(role), sql.Literal(verifier.decode())
            )
        )


def make_database(connection: psycopg.Connection, name: str, *, template: str | None = None) -> None:
    """A database that `portal_owner` owns and only the four roles may enter. Nobody may be connected to `template`."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
            )
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    guests = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, STAFF, READ_ONLY))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), guests))


def drop_database(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
