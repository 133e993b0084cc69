"""A deployment in the middle: the schema goes first and only ever grows, so the code before it goes on working."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
from alembic import command

from deploy.postgres import EmbeddedPostgres
from portal.plumbing import schema_upgrade

# From here on the schema only grows. What came before was never served by two releases at once (migration 0005 asked
# for something of linked codes that the code before it did not write).
FIRST = 5
NEWEST = int(schema_upgrade.newest_revision())
# What a release forbids on tables that were there before it, and why the code before it never does that.
NARROWER = {
    "ck_inbox_notices_about_known": "the column is new, its default is known",
    "ck_refunds_decisions_have_a_time": "the release before led nobody to these two states",
    "uq_refunds_second_payment": "holds only where the new column is filled",
    "uq_accounts_merchant_id_code_currency": "the primary key says as much already",
    "fk_transfers_merchant_id_debit_currency_accounts": "stands for the one without the currency, whose default is CNY",
    "fk_transfers_merchant_id_credit_currency_accounts": "stands for the one without the currency",
    "ck_bill_items_way_known": "the column is new, its default is known",
}


@dataclass
class Schema:
    """What older code relies on: columns with type, whether a row may leave one out, functions, constraints."""

    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    may_be_left_out: set[tuple[str, str]] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    constraints: set[tuple[str, str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def schemas(postgres: EmbeddedPostgres) -> Iterator[dict[int, Schema]]:
    """The schema after each migration."""
    name = "deployment"
    postgres.create_database(name)
    owner = postgres.urls(name)["DATABASE_OWNER_URL"]
    found = {}
    for number in range(FIRST, NEWEST + 1):
        command.upgrade(schema_upgrade._config(owner), f"{number:04d}")
        found[number] = read(owner)
    yield found
    postgres.drop_database(name)


def read(owner: str) -> Schema:
    schema = Schema()
    with psycopg.connect(owner) as connection:
        for table, column, kind, nullable, default, identity in connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%'"
        ):
            schema.columns[table, column] = kind
            if nullable == "YES" or default is not None or identity == "YES":
                schema.may_be_left_out.add((table, column))
        rows = connection.execute(
            "SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ') ' || pg_get_function_result(oid)"
            " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'procrastinate%'"
        )
        schema.functions = {row[0] for row in rows}
        schema.constraints = set(
            connection.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conrelid <> 0 AND contype <> 'n'"
                " AND conrelid::regclass::text NOT LIKE 'procrastinate%'"
            ).fetchall()
        )
    return schema


def tables(schema: Schema) -> set[str]:
    return {table for table, _ in schema.columns}


@pytest.mark.parametrize("number", range(FIRST + 1, NEWEST + 1))
def test_the_code_before_a_migration_still_finds_all_it_reads(schemas: dict[int, Schema], number: int) -> None:
    before, after = schemas[number - 1], schemas[number]
    gone = {place: kind for place, kind in before.columns.items() if after.columns.get(place) != kind}
    assert gone == {}, "a column may only go, or change its type, one release after nobody reads it any more"
    assert before.functions <= after.functions


@pytest.mark.parametrize("number", range(FIRST + 1, NEWEST + 1))
def test_the_code_before_a_migration_may_leave_out_what_it_does_not_know(
    schemas: dict[int, Schema], number: int
) -> None:
    before, after = schemas[number - 1], schemas[number]
    added = {place for place in after.columns if place[0] in tables(before) and place not in before.columns}
    assert added <= after.may_be_left_out
    narrowed = {place for place in before.may_be_left_out if place not in after.may_be_left_out}
    assert narrowed == set()


@pytest.mark.parametrize("number", range(FIRST + 1, NEWEST + 1))
def test_whatever_a_migration_forbids_on_older_tables_has_its_reason_written_down(
    schemas: dict[int, Schema], number: int
) -> None:
    before, after = schemas[number - 1], schemas[number]
    fresh = {name for table, name in after.constraints - before.constraints if table in tables(before)}
    assert fresh - set(NARROWER) == set()
