"""The rules of the database: who owns a table, what its keys begin with, and what the database itself refuses."""

from datetime import UTC, date, datetime

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from portal.schema import METADATA
from tests.conftest import TestDatabase

MERCHANT_TABLES = sorted(t.name for t in METADATA.tables.values() if t.info.get("owner") == "merchant")
APPEND_ONLY = sorted(
    t.name for t in METADATA.tables.values() if t.info.get("append_only") and t.info.get("owner") == "merchant"
)
OWNERS = {"merchant", "person", "lookup", "platform"}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("table", METADATA.tables.values(), ids=lambda table: table.name)
def test_every_table_names_its_owner(table: sa.Table) -> None:
    assert table.info.get("owner") in OWNERS, f"{table.name}: info['owner'] must be one of {sorted(OWNERS)}"


@pytest.mark.parametrize("name", MERCHANT_TABLES)
def test_a_merchants_table_can_be_spread_by_merchant(name: str) -> None:
    table = METADATA.tables[name]
    assert next(iter(table.primary_key.columns)).name == "merchant_id", "merchant_id must come first in the primary key"
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            assert "merchant_id" in constraint.columns, f"{constraint.name} leaves merchant_id out"
        if isinstance(constraint, sa.ForeignKeyConstraint):
            assert constraint.column_keys[0] == "merchant_id", f"{constraint.name} must begin with merchant_id"
    for index in table.indexes:
        if index.unique:
            assert "merchant_id" in index.columns, f"{index.name} leaves merchant_id out"


@pytest.mark.parametrize("name", MERCHANT_TABLES)
def test_row_level_security_is_forced(module_database: TestDatabase, name: str) -> None:
    with psycopg.connect(module_database.owner) as connection:
        row = connection.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", (name,)
        ).fetchone()
    assert row == (True, True)


def test_no_table_has_a_trigger_of_ours(module_database: TestDatabase) -> None:
    with psycopg.connect(module_database.owner) as connection:
        rows = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgrelid::regclass::text NOT LIKE 'procrastinate%'"
        ).fetchall()
    assert rows == []


@pytest.mark.parametrize("name", MERCHANT_TABLES)
def test_without_a_scope_the_app_sees_no_row_and_with_one_only_its_own(
    module_database: TestDatabase, name: str
) -> None:
    with psycopg.connect(module_database.app) as connection:
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)  # noqa: S608 - our own names
    policies = _policies(module_database, name)
    assert set(policies) == {"own_rows", "all_rows", "read_all_rows"}
    assert "app.merchant_id" in policies["own_rows"]


@pytest.mark.parametrize("role", ["app", "staff"])
@pytest.mark.parametrize("name", APPEND_ONLY)
def test_what_is_append_only_can_be_neither_changed_nor_deleted(
    module_database: TestDatabase, name: str, role: str
) -> None:
    for deed in (f"UPDATE {name} SET merchant_id = merchant_id", f"DELETE FROM {name}", f"TRUNCATE {name}"):  # noqa: S608
        with (
            psycopg.connect(getattr(module_database, role)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(deed)


@pytest.mark.parametrize("name", MERCHANT_TABLES)
def test_nobody_who_serves_requests_may_delete_from_a_merchants_table(module_database: TestDatabase, name: str) -> None:
    with (
        psycopg.connect(module_database.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"DELETE FROM {name}")  # noqa: S608 - our own names


def test_the_app_cannot_see_staff(module_database: TestDatabase) -> None:
    with psycopg.connect(module_database.staff) as connection:
        connection.execute(
            "INSERT INTO users (kind, staff_role, phone_blind, phone_sealed, phone_tail, name, password_hash, locale,"
            " created_at) VALUES ('staff', 'admin', 'b', 's', '0000', '林岚', 'h', 'zh', now())"
        )
    with psycopg.connect(module_database.app) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_the_app_cannot_write_into_another_merchants_scope(module_database: TestDatabase) -> None:
    with psycopg.connect(module_database.app) as connection:
        connection.execute("SELECT set_config('app.merchant_id', '1', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO event_heads (merchant_id, seq) VALUES (2, 1)")


PAYMENT = {
    "merchant_id": 1,
    "payment_no": "Y1",
    "wallet": "wechat",
    "acquirer": "wechat",
    "sub_merchant_no": "WX1",
    "state": "created",
    "amount": 100,
    "promotions": [],
    "fee": 0,
    "fee_returned": 0,
    "fee_rate_bp": 38,
    "refunded": 0,
    "refund_reserved": 0,
    "note": "",
    "created_at": NOW,
    "expires_at": NOW,
}
PAID = {**PAYMENT, "state": "success", "transaction_no": "T1", "paid_at": NOW, "day_number": 1, "payer_amount": 100}
TRANSFER = {
    "merchant_id": 1,
    "kind": "payment",
    "ref": "Y1",
    "debit": "clearing:wechat",
    "credit": "merchant_payable",
    "amount": 100,
    "business_date": date(2026, 11, 22),
    "created_at": NOW,
}
ACCOUNT = {"merchant_id": 1, "code": "clearing:wechat", "debits": 0, "credits": 0}

BROKEN = {
    "an amount of nothing": ("payments", {**PAYMENT, "amount": 0}),
    "a negative amount": ("payments", {**PAYMENT, "amount": -1}),
    "more refunded than paid": ("payments", {**PAID, "refunded": 60, "refund_reserved": 41}),
    "a refund of what was not paid": ("payments", {**PAYMENT, "refund_reserved": 1}),
    "a success without its transaction": ("payments", {**PAID, "transaction_no": None}),
    "a payer who paid more than the order": ("payments", {**PAID, "payer_amount": 101}),
    "more fee returned than taken": ("payments", {**PAID, "fee": 1, "fee_returned": 2}),
    "a state nobody knows": ("payments", {**PAYMENT, "state": "paidish"}),
    "a wallet nobody knows": ("payments", {**PAYMENT, "wallet": "alipay"}),
    "a transfer of nothing": ("transfers", {**TRANSFER, "amount": 0}),
    "a transfer to itself": ("transfers", {**TRANSFER, "credit": "clearing:wechat"}),
    "a transfer between accounts that are not there": ("transfers", TRANSFER),
    "a refund in flight overdrawn": ("accounts", {**ACCOUNT, "code": "refund_in_flight:wechat", "debits": 1}),
    "a negative sum": ("accounts", {**ACCOUNT, "debits": -1}),
    "more rebate used than leased": (
        "rebate_leases",
        {"merchant_id": 1, "programme_id": 1, "leased": 10, "used": 11},
    ),
    "a programme over its budget": (
        "rebate_programmes",
        {
            "programme_id": 9,
            "name": "x",
            "rate_bp": 100,
            "budget": 10,
            "leased": 11,
            "starts_at": NOW,
            "ends_at": NOW,
        },
    ),
    "a restriction without a reason": (
        "restrictions",
        {
            "merchant_id": 1,
            "restriction_id": 1,
            "function": "receive",
            "reason": "",
            "way_out": "call us first",
            "since": NOW,
            "lift_reason": "",
        },
    ),
    "a merchant of unknown status": (
        "merchants",
        {"merchant_id": 2, "status": "odd", "name": "x", "created_at": NOW},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_database_refuses(module_database: TestDatabase, what: str) -> None:
    name, row = BROKEN[what]
    engine = sa.create_engine(module_database.staff)
    try:
        with engine.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(sa.insert(METADATA.tables[name]).values(**row))
    finally:
        engine.dispose()


def test_the_same_business_fact_is_posted_once(database: TestDatabase) -> None:
    engine = sa.create_engine(database.staff)
    try:
        with engine.begin() as connection:
            for code in ("clearing:wechat", "merchant_payable"):
                connection.execute(sa.insert(METADATA.tables["accounts"]).values(**{**ACCOUNT, "code": code}))
            connection.execute(sa.insert(METADATA.tables["transfers"]).values(**TRANSFER))
        with engine.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(sa.insert(METADATA.tables["transfers"]).values(**TRANSFER))
    finally:
        engine.dispose()


def test_only_the_owner_may_change_the_schema(module_database: TestDatabase) -> None:
    engine = sa.create_engine(module_database.staff)
    try:
        with engine.connect() as connection, pytest.raises(ProgrammingError):
            connection.execute(sa.text("ALTER TABLE payments DISABLE ROW LEVEL SECURITY"))
    finally:
        engine.dispose()


def test_every_constraint_the_models_name_is_in_the_database(module_database: TestDatabase) -> None:
    declared = {
        str(constraint.name)
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if constraint.name
    }
    with psycopg.connect(module_database.owner) as connection:
        present = {row[0] for row in connection.execute("SELECT conname FROM pg_constraint")}
    # PostgreSQL keeps 63 signs of a name.
    assert {name[:63] for name in declared} <= present


def _policies(database: TestDatabase, table: str) -> dict[str, str]:
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT policyname, coalesce(qual, '') FROM pg_policies WHERE tablename = %s", (table,)
        )
        return dict(rows.fetchall())
