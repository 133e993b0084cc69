"""Three that tell: a scripted wallet, and WeChat Pay and JD over their real protocols, signed by ourselves."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.notices.flows import settle
from portal.notices.flows.receiving import Budget
from portal.notices.rules import subject_of
from portal.payments import queries as payments
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.values.day import in_shanghai
from portal.wallets.jdpay import crypto
from portal.wallets.port import (
    Acquirer,
    Contract,
    Notice,
    PaymentAnswer,
    PaymentState,
    RefundAnswer,
    RefundState,
    WalletPort,
)
from portal.wallets.registry import connectors
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.factories.wallets import ScriptedWallet
from tests.portal.wallets.conftest import (  # noqa: F401 - fixtures are found by their names here
    SP_MCHID,
    WechatSide,
    merchant_key,
    paid_order,
    sections,
    wechat_key,
    wechat_side,
)

SHOP, OTHER = 482913057, 482913058
# As the merchants' factory seals them into each contract with JD.
JD_DES_KEY, JD_MD5_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "k"


class StandsByIt:
    """A connector whose questions are answered with what it told last, or with what a test puts into `says`."""

    def __init__(self, wallet: Any) -> None:
        self._wallet = wallet
        self._told: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wallet, name)

    def read_notice(self, **message: Any) -> Notice:
        notice: Notice = self._wallet.read_notice(**message)
        told = notice.payment or notice.refund
        if told is not None:
            self._told[subject_of(notice)] = told
        return notice

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        unpaid = PaymentAnswer(contract.acquirer, order_no, PaymentState.UNPAID, contract.sub_merchant_no)
        answer: PaymentAnswer = self._answer(order_no, unpaid)
        return answer

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        missing = RefundAnswer(contract.acquirer, refund_no, RefundState.MISSING, contract.sub_merchant_no)
        answer: RefundAnswer = self._answer(refund_no, missing)
        return answer

    def _answer(self, number: str, otherwise: object) -> Any:
        self.asked.append(number)
        answer = self.says.get(number, self._told.get(number, otherwise))
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass(frozen=True)
class Message:
    """A request as a wallet sends it."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, client: FlaskClient, **more: Any) -> TestResponse:
        return client.post(self.path, data=self.body, headers=dict(self.headers), **more)


class Teller(Protocol):
    """One wallet's way to tell. `telling` makes another notice of the same fact."""

    acquirer: Acquirer
    yes: tuple[int, bytes]
    path: str
    # Each telling of one fact is a notice of its own; JD's have no number, so there it is the same one again.
    numbered: bool

    def paid(
        self, number: str, *, amount: int = 1234, transaction: str = "T1", telling: int = 1, shop: int = SHOP
    ) -> Message: ...

    def refunded(self, number: str, *, amount: int, telling: int = 1, shop: int = SHOP) -> Message: ...


@dataclass
class Scripted:
    """Says what the port's words can say, without any protocol."""

    wallet: ScriptedWallet
    acquirer = Acquirer.WECHAT
    yes = (204, b"")
    path = "/notify/wechat"
    numbered = True

    def tell(self, notice: Notice) -> Message:
        body = f"{notice.notice_id} {notice.payment} {notice.refund}".encode()
        self.wallet.notices[body] = notice
        return Message(self.path, body)

    def answer(self, number: str | None, **changes: Any) -> PaymentAnswer:
        told = {
            "transaction_id": "T1",
            "amount": 1234,
            "payer_amount": 1234,
            "payer_id": "openid-1",
            "paid_at": now(),
            "sub_merchant_no": f"WX{SHOP}",
            "state": PaymentState.SUCCESS,
        }
        return PaymentAnswer(acquirer=self.acquirer, order_no=number, **{**told, **changes})

    def paid(
        self, number: str, *, amount: int = 1234, transaction: str = "T1", telling: int = 1, shop: int = SHOP
    ) -> Message:
        answer = self.answer(
            number, amount=amount, payer_amount=amount, transaction_id=transaction, sub_merchant_no=f"WX{shop}"
        )
        return self.tell(Notice(self.acquirer, f"N-{transaction}-{telling}", "TRANSACTION.SUCCESS", payment=answer))

    def refunded(self, number: str, *, amount: int, telling: int = 1, shop: int = SHOP) -> Message:
        answer = RefundAnswer(self.acquirer, number, RefundState.SUCCESS, f"WX{shop}", amount=amount)
        return self.tell(Notice(self.acquirer, f"R-{number}-{telling}", "REFUND.SUCCESS", refund=answer))


@dataclass
class Wechat:
    """WeChat Pay APIv3, signed with a key of its own."""

    side: WechatSide
    acquirer = Acquirer.WECHAT
    yes = (204, b"")
    path = "/notify/wechat"
    numbered = True

    def tell(self, kind: str, plain: Mapping[str, Any], *, telling: object = 1, at: datetime | None = None) -> Message:
        body = self.side.notice(kind, dict(plain), id=f"EV-{telling}")
        return Message(self.path, body, self.side.headers(body, at=at or now()))

    def order(self, number: str, *, amount: int, transaction: str, shop: int = SHOP, **more: Any) -> dict[str, Any]:
        money = {"total": amount, "payer_total": amount, "currency": "CNY", "payer_currency": "CNY"}
        return paid_order(
            out_trade_no=number,
            transaction_id=transaction,
            sub_mchid=f"WX{shop}",
            amount=money,
            promotion_detail=[],
            success_time=in_shanghai(now()).isoformat(timespec="seconds"),
        ) | dict(more)

    def paid(
        self, number: str, *, amount: int = 1234, transaction: str = "T1", telling: int = 1, shop: int = SHOP
    ) -> Message:
        plain = self.order(number, amount=amount, transaction=transaction, shop=shop)
        return self.tell("TRANSACTION.SUCCESS", plain, telling=f"{transaction}-{telling}")

    def refunded(self, number: str, *, amount: int, telling: int = 1, shop: int = SHOP) -> Message:
        plain = {
            "sp_mchid": SP_MCHID,
            "sub_mchid": f"WX{shop}",
            "out_trade_no": "Y1",
            "transaction_id": "T1",
            "out_refund_no": number,
            "refund_id": "5030",
            "refund_status": "SUCCESS",
            "success_time": in_shanghai(now()).isoformat(timespec="seconds"),
            "user_received_account": "支付用户零钱",
            "amount": {"total": 1234, "refund": amount, "payer_total": 1234, "payer_refund": amount},
        }
        return self.tell("REFUND.SUCCESS", plain, telling=f"{number}-{telling}")


@dataclass
class Jd:
    """Aggregate pay V3.0, sealed and signed under the sub-merchant's own keys."""

    acquirer = Acquirer.JDPAY
    yes = (200, b"success")
    path = "/notify/jdpay"
    numbered = False

    def tell(self, fields: Mapping[str, Any], *, shop: int = SHOP, md5_key: str = JD_MD5_KEY) -> Message:
        told = {"merchantNo": f"JD{shop}", "resultCode": "SUCCESS", "version": "V3.0", **fields}
        envelope = {
            "success": True,
            "merchantNo": f"JD{shop}",
            "cipherJson": crypto.seal(told, JD_DES_KEY),
            "sign": crypto.sign(told, md5_key),
        }
        return Message(self.path, json.dumps(envelope).encode())

    def paid(
        self, number: str, *, amount: int = 1234, transaction: str = "T1", telling: int = 1, shop: int = SHOP
    ) -> Message:
        fields = {
            "outTradeNo": number,
            "tradeNo": transaction,
            "piType": "JDPAY",
            "payStatus": "FINISH",
            "piAmount": amount,
            "payFinishTime": in_shanghai(now()).strftime("%Y%m%d000000"),
            "productType": f"QR{telling}",
        }
        return self.tell(fields, shop=shop)

    def refunded(self, number: str, *, amount: int, telling: int = 1, shop: int = SHOP) -> Message:
        fields = {
            "outTradeNo": "Y1",
            "outRefundNo": number,
            "refundNo": "9",
            "amount": str(amount),
            "payStatus": "FINISH",
            "productType": f"QR{telling}",
        }
        return self.tell(fields, shop=shop)


@pytest.fixture(params=["scripted", "wechat", "jdpay"])
def teller(request: pytest.FixtureRequest) -> Teller:
    """Each test that asks for this runs for all three."""
    made: Teller = request.getfixturevalue(f"{request.param}_teller")
    return made


@pytest.fixture
def scripted_teller(app: Flask) -> Scripted:
    wallet = ScriptedWallet(Acquirer.WECHAT)
    app.extensions["wallets"] = {**app.extensions["wallets"], Acquirer.WECHAT: StandsByIt(wallet)}
    return Scripted(wallet)


@pytest.fixture
def real_wallets(app: Flask, sections: dict[str, Any]) -> Mapping[Acquirer, WalletPort]:  # noqa: F811
    found: Any = {acquirer: StandsByIt(wallet) for acquirer, wallet in connectors(sections).items()}
    app.extensions["wallets"] = found
    return found  # type: ignore[no-any-return]


@pytest.fixture
def wechat_teller(real_wallets: object, wechat_side: WechatSide) -> Wechat:  # noqa: F811
    return Wechat(wechat_side)


@pytest.fixture
def jdpay_teller(real_wallets: object) -> Jd:
    return Jd()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the wallet is still asked within the request must not depend on how busy this machine is."""
    monkeypatch.setattr(Budget, "leaves_time_to_ask", True)


@pytest.fixture(autouse=True)
def shops(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    add_merchant(db, keyring, merchant_id=OTHER, name="老周豆腐", code="8KQ42MHDU")


@dataclass
class Books:
    """What the portal has written, as a test wants to see it."""

    database: TestDatabase
    db: Database
    keyring: Keyring

    def order(self, acquirer: Acquirer, *, amount: int = 1234, shop: int = SHOP) -> str:
        """A fresh order nobody has paid."""
        return add_order(self.db, self.keyring, merchant_id=shop, amount=amount, now=now(), acquirer=acquirer)

    def inbox(self) -> list[tuple[int, str, str]]:
        """Merchant, state and reason of every notice kept, in the order they came."""
        with psycopg.connect(self.database.staff) as connection:
            return connection.execute(
                "SELECT merchant_id, state, reason FROM inbox_notices ORDER BY received_at, notice_id"
            ).fetchall()

    def nets(self, shop: int = SHOP) -> dict[str, int]:
        """Debits less credits of every account that has moved, in fen."""
        with self.db.transaction(merchant=shop) as session:
            return {code: found.net for code, found in ledger.balances(session, shop).items() if found.net}

    def kinds(self, shop: int = SHOP) -> list[str]:
        """The feed, without the orders' own creation."""
        with self.db.transaction(merchant=shop) as session:
            kinds = [each.kind for each in feed.since(session, shop, after=0)]
        return [kind for kind in kinds if kind != "payment.created"]

    def payment(self, number: str, shop: int = SHOP) -> PaymentRow:
        with self.db.transaction(merchant=shop) as session:
            row = payments.payment(session, shop, number)
        assert row is not None
        return row

    def asked_later(self) -> list[tuple[str, int]]:
        """Notices that a worker is to ask about, with the rung of the ladder."""
        with psycopg.connect(self.database.staff) as connection:
            return connection.execute(
                "SELECT args->>'notice_id', (args->>'rung')::int FROM procrastinate_jobs"
                " WHERE task_name = 'notices.settle' AND status = 'todo' ORDER BY id"
            ).fetchall()

    def assert_untouched(self) -> None:
        """Nothing was kept, nothing moved, nothing happened."""
        assert (self.inbox(), self.nets(), self.kinds()) == ([], {}, [])


@pytest.fixture
def stands(app: Flask) -> Callable[[Teller], StandsByIt]:
    """The wallet behind a teller: what it is asked, and what it says then."""

    def behind(teller: Teller) -> StandsByIt:
        found: StandsByIt = app.extensions["wallets"][teller.acquirer]
        return found

    return behind


@pytest.fixture
def worker(app: Flask, tools: Tools, database: TestDatabase) -> Callable[[], int]:
    """Run every job about notices that is queued now, whatever it waits for; answers how many there were."""

    def work() -> int:
        with psycopg.connect(database.staff) as connection:
            rows = connection.execute(
                "DELETE FROM procrastinate_jobs WHERE task_name = 'notices.settle' RETURNING args"
            ).fetchall()
        for (arguments,) in rows:
            settle(replace(tools, wallets=app.extensions["wallets"]), **arguments)
        return len(rows)

    return work


@pytest.fixture
def books(database: TestDatabase, db: Database, keyring: Keyring) -> Books:
    return Books(database, db, keyring)


def answer_of(response: TestResponse) -> tuple[int, bytes]:
    """Status and body; a wallet is never sent a cookie nor to another address."""
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    return response.status_code, response.data
