"""Three that tell: a scripted wallet, and WeChat Pay and JD over their real protocols, signed by ourselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import queries as payments
from portal.payments.queries import PaymentRow
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.day import in_shanghai
from portal.wallets.jdpay import crypto
from portal.wallets.port import Acquirer, Notice, PaymentAnswer, PaymentState, RefundAnswer, RefundState, WalletPort
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
    app.extensions["wallets"] = {**app.extensions["wallets"], Acquirer.WECHAT: wallet}
    return Scripted(wallet)


@pytest.fixture
def real_wallets(app: Flask, sections: dict[str, Any]) -> Mapping[Acquirer, WalletPort]:  # noqa: F811
    found = connectors(sections)
    app.extensions["wallets"] = found
    return found


@pytest.fixture
def wechat_teller(real_wallets: object, wechat_side: WechatSide) -> Wechat:  # noqa: F811
    return Wechat(wechat_side)


@pytest.fixture
def jdpay_teller(real_wallets: object) -> Jd:
    return Jd()


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

    def assert_untouched(self) -> None:
        """Nothing was kept, nothing moved, nothing happened."""
        assert (self.inbox(), self.nets(), self.kinds()) == ([], {}, [])


@pytest.fixture
def books(database: TestDatabase, db: Database, keyring: Keyring) -> Books:
    return Books(database, db, keyring)


def answer_of(response: TestResponse) -> tuple[int, bytes]:
    """Status and body; a wallet is never sent a cookie nor to another address."""
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    return response.status_code, response.data
