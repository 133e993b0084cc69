"""Run the numbered migrations."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(owner_url: str) -> None:
    """Bring the schema at `owner_url` to the newest version; nothing happens when it is there already."""
    command.upgrade(_config(owner_url), "head")


def newest_revision() -> str:
    """The revision the code expects."""
    return ScriptDirectory.from_config(_config("")).get_current_head() or ""


def current_revision(engine: sa.Engine) -> str:
    """The revision the database has, empty before the first migration."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def _config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = owner_url
    return config
