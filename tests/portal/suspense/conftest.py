"""Money that did not fit its order, put aside as a notice or a question would."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from portal.audit.rules import Actor
from portal.ledger import queries as ledger
from portal.payments import operations as payments
from portal.payments.flows import Parties
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.suspense import queries
from portal.suspense.queries import CaseRow
from portal.suspense.rules import State
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Wallet
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet

SHOP = 482913057
AT = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
ONE, TWO = Actor("staff", 9001, "许航"), Actor("staff", 9002, "周宁")


@dataclass
class Aside:
    """Puts money aside and looks at what became of it."""

    db: Database
    staff_db: Database
    keyring: Keyring
    wallets: dict[Acquirer, ScriptedWallet]
    parties: Parties

    def order(self, amount: int = 2000, acquirer: Acquirer = Acquirer.WECHAT) -> str:
        return add_order(self.db, self.keyring, merchant_id=SHOP, amount=amount, now=AT, acquirer=acquirer)

    def answer(self, number: str | None, *, amount: int = 1980, **changes: object) -> PaymentAnswer:
        acquirer = Acquirer.WECHAT
        told = PaymentAnswer(
            acquirer,
            number,
            PaymentState.SUCCESS,
            f"WX{SHOP}",
            wallet=Wallet.WECHAT,
            transaction_id="T1",
            amount=amount,
            payer_amount=amount,
            paid_at=AT,
        )
        return replace(told, **changes)

    def put(self, answer: PaymentAnswer, reason: str = "wrong_amount") -> CaseRow:
        """The case of this money."""
        with self.db.transaction(merchant=SHOP) as session:
            payments.book_unexplained(session, merchant_id=SHOP, answer=answer, reason=reason, now=AT)
        return self.newest()

    def newest(self) -> CaseRow:
        with self.staff_db.transaction() as session:
            return max((row for row, _ in queries.cases(session, states=tuple(State))), key=lambda row: row.case_id)

    def says(self, answer: object, acquirer: Acquirer = Acquirer.WECHAT) -> None:
        """What the wallet answers when it is asked."""
        self.wallets[acquirer].script["ask_payment"] = answer

    def nets(self) -> dict[str, int]:
        """Debits less credits of every account that has not come to nothing, in fen."""
        with self.db.transaction(merchant=SHOP) as session:
            return {code: found.net for code, found in ledger.balances(session, SHOP).items() if found.net}


@pytest.fixture
def aside(db: Database, staff_db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> Aside:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    return Aside(db, staff_db, keyring, wallets, Parties(staff_db, keyring, wallets, "http://127.0.0.1:8003"))


@pytest.fixture
def confirmed(aside: Aside) -> Callable[..., CaseRow]:
    """`confirmed(reason)`: money put aside that the wallet stands by."""

    def make(number: str | None = None, *, reason: str = "wrong_amount", **changes: object) -> CaseRow:
        answer = aside.answer(number or aside.order(), **changes)
        row = aside.put(answer, reason)
        aside.says(answer)
        return row

    return make
