"""One shop, its yesterday, and the wallets' bills of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.reconciliation import flows, queries
from portal.reconciliation.queries import BatchRow, ItemRow
from portal.wallets.bills import BillAnswer, BillKind, BillState
from portal.wallets.port import Acquirer
from tests.factories.bills import Line
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_payment
from tests.factories.wallets import ScriptedWallet

SHOP = 482913057
DAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WX, JD = f"WX{SHOP}", f"JD{SHOP}"


@pytest.fixture(autouse=True)
def shop(db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> None:
    """Both bills are empty unless a test says more."""
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    for wallet in wallets.values():
        wallet.script["fetch_bill"] = BillAnswer(BillState.EMPTY)


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> Callable[..., Line]:
    """`paid(1000)`: a payment of ours, and the line that a right bill has of it."""

    def make(amount: int, *, at: datetime = AT, acquirer: Acquirer = Acquirer.WECHAT) -> Line:
        number = add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=at, acquirer=acquirer)
        return Line(number, amount, at, WX if acquirer is Acquirer.WECHAT else JD)

    return make


@pytest.fixture
def reconcile(tools: Tools, wallets: dict[Acquirer, ScriptedWallet]) -> Callable[..., dict[str, BatchRow]]:
    """`reconcile(wechat_bill(…))`: WeChat's bill (and JD's) come, and the day is compared; rows by acquirer."""

    def run(wechat: object = None, jd: object = None, *, day: date = DAY) -> dict[str, BatchRow]:
        for acquirer, told in ((Acquirer.WECHAT, wechat), (Acquirer.JDPAY, jd)):
            if told is not None:
                wallets[acquirer].script["fetch_bill"] = told
        rows = flows.reconcile(tools, day, now=MORNING)
        return {row.key.acquirer: row for row in rows if row.key.kind == BillKind.TRADES}

    return run


@pytest.fixture
def differences(staff_db: Database) -> Callable[..., list[ItemRow]]:
    """Every difference written down for a day."""

    def read(day: date = DAY, *, only_open: bool = True) -> list[ItemRow]:
        with staff_db.transaction() as session:
            return queries.items(session, day, only_open=only_open)

    return read
