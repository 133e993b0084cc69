"""Alembic's entry: numbered migrations, one transaction each, never waiting long for a lock."""

import sqlalchemy as sa
from alembic import context

from portal.config import owner_url
from portal.schema import METADATA

_LIMITS = "-c lock_timeout=5000 -c statement_timeout=60000"


def _migrate(connection: sa.Connection) -> None:
    context.configure(
        connection=connection, target_metadata=METADATA, transaction_per_migration=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


existing = context.config.attributes.get("connection")
if existing is not None:
    _migrate(existing)
else:
    engine = sa.create_engine(
        context.config.attributes.get("url") or owner_url(), connect_args={"options": _LIMITS}, poolclass=sa.NullPool
    )
    with engine.connect() as fresh:
        _migrate(fresh)
