"""A durable PostgreSQL of its own, migrated, with merchants who wait for money. Gone after the run."""

import base64
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from deploy.roles import SUPERUSER
from portal.codes.models import Code
from portal.config import Secrets, Settings
from portal.identity.models import User, UserMerchant
from portal.identity.operations import sign_in as open_session
from portal.identity.rules import phone_place
from portal.merchants.contracts import seal_keys
from portal.merchants.models import ContractLookup, Member, Merchant, MerchantContract, Shop
from portal.payments.models import Payment
from portal.payments.rules import ORDER_LIFE, State
from portal.plumbing.crypto import Keyring, hash_password
from portal.plumbing.db import Base, Database
from portal.plumbing.schema_upgrade import upgrade
from portal.values.references import Kind, mint

DATABASE = "bench"
AMOUNT = 1234
FEE_RATE_BP = 38
_AT_ONCE = 1_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Stand:
    """Where a bench works. `url` is the address of the role that serves merchants, under row-level security."""

    postgres: EmbeddedPostgres
    database: str
    url: str
    keyring: Keyring
    settings: Settings


@contextmanager
def stand() -> Iterator[Stand]:
    """Everything as in production: fsync on, four roles, row-level security forced."""
    folder = Path(tempfile.mkdtemp(prefix="yima-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        server.create_database(DATABASE)
        urls = server.urls(DATABASE)
        upgrade(urls["DATABASE_OWNER_URL"])
        kept = secrets_for_one_run()
        settings = Settings(
            portal_url="http://127.0.0.1:8000",
            data_dir=folder / "data",
            database_url=urls["DATABASE_URL"],
            database_staff_url=urls["DATABASE_STAFF_URL"],
            database_direct_url=urls["DATABASE_DIRECT_URL"],
            secrets=kept,
            wallets={},
        )
        yield Stand(server, DATABASE, urls["DATABASE_URL"], Keyring(kept), settings)
    finally:
        server.stop()
        remove_cluster(folder)
        shutil.rmtree(folder)


def add_merchants(place: Stand, merchant_ids: Sequence[int], *, now: datetime, database: str = DATABASE) -> None:
    """Active merchants with a contract `WX<id>` and one code each."""
    whole = Database(place.postgres.url(SUPERUSER, database), pool_size=1)
    with whole.transaction() as session:
        for model, row_of in _MERCHANT_TABLES:
            for at in range(0, len(merchant_ids), _AT_ONCE):
                rows = [
                    {"merchant_id": merchant_id, **row_of(place, merchant_id, now)}
                    for merchant_id in merchant_ids[at : at + _AT_ONCE]
                ]
                session.execute(sa.insert(model), rows)
    whole.close()


def _contract(place: Stand, merchant_id: int, now: datetime) -> Row:
    return {
        "acquirer": "wechat",
        "sub_merchant_no": sub_merchant_no(merchant_id),
        "keys_sealed": seal_keys(place.keyring, merchant_id=merchant_id, acquirer="wechat", keys={}),
        "fee_rate_bp": FEE_RATE_BP,
        "opened_at": now,
    }


def _code(_: Stand, merchant_id: int, now: datetime) -> Row:
    return {
        "code_id": 1,
        "shop_id": 1,
        "kind": "portal",
        "state": "active",
        "name": "柜台",
        "number": f"{merchant_id:09d}",
        "printed_url": "http://127.0.0.1/c/",
        "created_at": now,
        "changed_at": now,
    }


_MERCHANT_TABLES: Sequence[tuple[type[Base], Callable[[Stand, int, datetime], Row]]] = (
    (Merchant, lambda _, number, now: {"status": "active", "name": f"摊位 {number}", "created_at": now}),
    (Shop, lambda _, number, now: {"shop_id": 1, "name": "摊位", "address": "城东菜市场", "created_at": now}),
    (ContractLookup, lambda _, number, now: {"acquirer": "wechat", "sub_merchant_no": sub_merchant_no(number)}),
    (MerchantContract, _contract),
    (Code, _code),
)


def add_owner(place: Stand, merchant_id: int) -> int:
    """The owner of a merchant; answers his number."""
    now, phone = datetime.now(UTC), f"+861380000{merchant_id:04d}"
    whole = Database(place.postgres.url(SUPERUSER, place.database), pool_size=1)
    blind = place.keyring.blind(phone, kind="phone")
    with whole.transaction() as session:
        user = User(
            kind="merchant",
            phone_blind=blind,
            phone_sealed=place.keyring.seal(phone, place=phone_place(blind)),
            phone_tail=phone[-4:],
            name="老板",
            password_hash=hash_password(secrets.token_hex(16)),
            locale="zh",
            created_at=now,
        )
        session.add(user)
        session.flush()
        number = user.user_id
        session.add(UserMerchant(user_id=number, merchant_id=merchant_id))
        session.add(Member(merchant_id=merchant_id, user_id=number, role="owner", name="老板", joined_at=now))
    whole.close()
    return number


def sign_in(browser: FlaskClient, database: Database, user_id: int, merchant_id: int) -> None:
    """Give a browser the session of somebody who has signed in."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        token = open_session(session, user_id=user_id, staff=False, merchant_id=merchant_id, browser="bench", now=now)
    with browser.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True


def add_orders(database: Database, keyring: Keyring, merchant_ids: Sequence[int], count: int) -> list[tuple[int, str]]:
    """`count` orders of AMOUNT fen that are being paid, taking the merchants in turn: (merchant, number)."""
    now = datetime.now(UTC)
    orders = [
        (merchant_id, mint(Kind.ORDER, merchant_id, key=keyring.reference_key, now=now + timedelta(milliseconds=turn)))
        for turn, merchant_id in zip(range(count), _in_turn(merchant_ids), strict=False)
    ]
    for merchant_id in merchant_ids:
        rows = [_order(owner, number, now) for owner, number in orders if owner == merchant_id]
        if rows:
            with database.transaction(merchant=merchant_id) as session:
                session.execute(sa.insert(Payment), rows)
    return orders


def sub_merchant_no(merchant_id: int) -> str:
    """The merchant's number at the wallet."""
    return f"WX{merchant_id}"


def _order(merchant_id: int, number: str, now: datetime) -> dict[str, object]:
    return {
        "merchant_id": merchant_id,
        "payment_no": number,
        "code_id": 1,
        "wallet": "wechat",
        "acquirer": "wechat",
        "sub_merchant_no": sub_merchant_no(merchant_id),
        "state": State.PAYING,
        "amount": AMOUNT,
        "promotions": [],
        "fee": 0,
        "fee_returned": 0,
        "fee_rate_bp": FEE_RATE_BP,
        "refunded": 0,
        "refund_reserved": 0,
        "note": "",
        "form_key": number,
        "created_at": now,
        "expires_at": now + ORDER_LIFE,
    }


def _in_turn(merchant_ids: Sequence[int]) -> Iterator[int]:
    while True:
        yield from merchant_ids


def secrets_for_one_run() -> Secrets:
    """Fresh keys."""
    return Secrets(
        secret_key=secrets.token_hex(32),
        reference_key=secrets.token_bytes(32),
        blind_index_key=secrets.token_bytes(32),
        field_keys={"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
        field_key="k1",
    )
