"""Migrations are numbered, lead to the newest, and say what the models say."""

import re
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from portal.schema import METADATA
from tests.conftest import TestDatabase

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))


def test_each_file_begins_with_its_number_and_follows_the_one_before() -> None:
    for place, path in enumerate(VERSIONS, start=1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{place:04d}_")
        assert f'revision = "{place:04d}"' in text
        before = "None" if place == 1 else f'"{place - 1:04d}"'
        assert re.search(rf"^down_revision = {before}$", text, re.MULTILINE)


def test_the_head_file_names_the_newest_so_that_two_branches_meet_in_git() -> None:
    head = (ROOT / "migrations" / ".current-head").read_text(encoding="utf-8").strip()
    assert head == VERSIONS[-1].name[:4]


def test_the_database_is_what_the_models_say(database: TestDatabase) -> None:
    engine = sa.create_engine(database.owner)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert [difference for difference in found if "procrastinate" not in str(difference)] == []
