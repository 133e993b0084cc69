"""One shop with its owner, and nights in which its days are closed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from portal.ledger import operations as ledger
from portal.ledger.rules import Move
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import METADATA, Database
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
def tell(staff_db: Database) -> Callable[..., None]:
    """`tell("wechat", paid=996)`: as reconciliation does, once its bills are compared."""

    def write(
        acquirer: str,
        *,
        bill: str = "matched",
        looking: int = 0,
        paid: int | None = None,
        paid_state: str = "awaiting_bill",
        day: date = DAY,
    ) -> None:
        sums = {"lines": 1, "gross": 1, "refunds": 0, "fee": 0} if bill in ("matched", "difference") else {}
        row = {
            "merchant_id": SHOP,
            "day": day,
            "acquirer": acquirer,
            "bill_state": bill,
            "open_items": 1 if looking else 0,
            "open_amount": looking,
            "compared_at": MORNING,
            "paid_state": "reported" if paid is not None else paid_state,
            "paid": paid,
        }
        with staff_db.transaction() as session:
            session.execute(sa.insert(METADATA.tables["day_standings"]).values({**row, **sums}))
            if paid:
                session.execute(
                    sa.insert(METADATA.tables["bank_payouts"]).values(
                        merchant_id=SHOP,
                        acquirer=acquirer,
                        day=day + timedelta(days=1),
                        flow_no="2211091200",
                        at=datetime(2026, 11, 21, 1, 12, tzinfo=UTC),
                        amount=paid,
                        remark="",
                    )
                )

    return write


@pytest.fixture
def post(staff_db: Database) -> Callable[..., None]:
    """`post("suspense", 35)`: a posting of DAY that moves money from this account to the first acquirer's clearing."""

    def write(credit: str, amount: int, *, debit: str = "clearing:wechat") -> None:
        move = Move("other", f"{debit}-{credit}", debit, credit, amount, DAY)
        with staff_db.transaction(merchant=SHOP) as session:
            ledger.post(session, merchant_id=SHOP, moves=[move], now=NIGHT)

    return write


@pytest.fixture
def told_elsewhere(forge: Callable[[str], None]) -> Callable[[], None]:
    """640 fen under another contract, told by the interconnect's stand-in on DAY: no posting of ours."""

    def write() -> None:
        forge(
            "INSERT INTO payments (merchant_id, payment_no, wallet, acquirer, sub_merchant_no, source, state, amount,"
            " promotions, fee, fee_returned, fee_rate_bp, refunded, refund_reserved, note, created_at, expires_at,"
            " transaction_no, paid_at, day_number, business_date)"
            " SELECT merchant_id, 'Y-elsewhere', wallet, acquirer, sub_merchant_no, 'interconnect', state, 640, '[]',"
            " 0, 0, 0, 0, 0, '', created_at, expires_at, 'T-elsewhere', paid_at, 3, business_date"
            " FROM payments LIMIT 1"
        )

    return write


@pytest.fixture
def forge(database: TestDatabase) -> Callable[[str], None]:
    """`forge("DELETE FROM …")`, as the tables' owner, who can lift what forces row-level security on him too."""
    tables = ("day_sheets", "audit_entries", "transfers", "payments", "shops")

    def execute(statement: str) -> None:
        with psycopg.connect(database.owner) as connection:
            for table in tables:
                connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            assert connection.execute(statement).rowcount > 0
            for table in tables:
                connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

    return execute
