"""One shop with its owner, and nights in which its days are closed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.settlement import flows
from portal.settlement.queries import SheetRow
from portal.values.day import day_bounds
from portal.wallets.port import Acquirer, RefundState
from tests.conftest import TestDatabase
from tests.factories.payments import add_payment, add_refund
from tests.portal.stall import SHOP, owner, owners_browser, strangers_browser

__all__ = ["owner", "owners_browser", "strangers_browser"]

DAY = date(2026, 11, 20)
NIGHT = datetime(2026, 11, 20, 16, 5, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 2, 14, tzinfo=UTC)


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> Callable[..., str]:
    """`paid(1000)`: a payment at noon of DAY; `day=` for another day, `hour=` of the clock in Shanghai."""

    def make(amount: int, *, day: date = DAY, hour: int = 12, **more: object) -> str:
        at = day_bounds(day)[0] + timedelta(hours=hour)
        return add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=at, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def refunded(db: Database, keyring: Keyring) -> Callable[..., str]:
    """`refunded(number, 400)`: a refund that arrived at three in the afternoon of DAY."""

    def make(payment_no: str, amount: int, *, day: date = DAY, acquirer: Acquirer = Acquirer.WECHAT) -> str:
        at = day_bounds(day)[0] + timedelta(hours=15)
        return add_refund(
            db,
            keyring,
            merchant_id=SHOP,
            payment_no=payment_no,
            amount=amount,
            now=at,
            state=RefundState.SUCCESS,
            acquirer=acquirer,
        )

    return make


@pytest.fixture
def close(tools: Tools) -> Callable[..., list[SheetRow]]:
    """`close()`: the night after DAY; `close(nights=1)` the one after."""

    def run(*, nights: int = 0) -> list[SheetRow]:
        return flows.close_days(tools, now=NIGHT + timedelta(days=nights))

    return run


@pytest.fixture
def forge(database: TestDatabase) -> Callable[[str], None]:
    """`forge("DELETE FROM …")`, as the tables' owner, who can lift what forces row-level security on him too."""
    tables = ("day_sheets", "audit_entries", "transfers", "payments")

    def execute(statement: str) -> None:
        with psycopg.connect(database.owner) as connection:
            for table in tables:
                connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            assert connection.execute(statement).rowcount > 0
            for table in tables:
                connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

    return execute
