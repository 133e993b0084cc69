"""A durable PostgreSQL of its own, migrated, with merchants who wait for money. Gone after the run."""

import base64
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from portal.codes.models import Code
from portal.config import Secrets
from portal.merchants.contracts import seal_keys
from portal.merchants.models import ContractLookup, Merchant, MerchantContract, Shop
from portal.payments.models import Payment
from portal.payments.rules import ORDER_LIFE, State
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.schema_upgrade import upgrade
from portal.values.references import Kind, mint

DATABASE = "bench"
AMOUNT = 1234
FEE_RATE_BP = 38


@dataclass(frozen=True)
class Stand:
    """Where a bench works. `url` is the address of the role that serves merchants, under row-level security."""

    postgres: EmbeddedPostgres
    database: str
    url: str
    keyring: Keyring


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
        yield Stand(server, DATABASE, urls["DATABASE_URL"], _keyring())
    finally:
        server.stop()
        remove_cluster(folder)
        shutil.rmtree(folder)


def add_merchants(database: Database, keyring: Keyring, merchant_ids: Sequence[int], *, now: datetime) -> None:
    """Active merchants with a contract `WX<id>` and one code each."""
    for merchant_id in merchant_ids:
        number = sub_merchant_no(merchant_id)
        with database.transaction(merchant=merchant_id) as session:
            session.add(Merchant(merchant_id=merchant_id, status="active", name=f"摊位 {merchant_id}", created_at=now))
            session.flush()
            session.add(Shop(merchant_id=merchant_id, shop_id=1, name="摊位", address="城东菜市场", created_at=now))
            session.add(ContractLookup(acquirer="wechat", sub_merchant_no=number, merchant_id=merchant_id))
            session.add(
                MerchantContract(
                    merchant_id=merchant_id,
                    acquirer="wechat",
                    sub_merchant_no=number,
                    keys_sealed=seal_keys(keyring, merchant_id=merchant_id, acquirer="wechat", keys={}),
                    fee_rate_bp=FEE_RATE_BP,
                    opened_at=now,
                )
            )
            session.flush()
            session.add(
                Code(
                    merchant_id=merchant_id,
                    code_id=1,
                    shop_id=1,
                    kind="portal",
                    state="active",
                    name="柜台",
                    number=f"{merchant_id:09d}",
                    printed_url="http://127.0.0.1/c/",
                    created_at=now,
                    changed_at=now,
                )
            )


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


def _keyring() -> Keyring:
    return Keyring(
        Secrets(
            secret_key=secrets.token_hex(32),
            reference_key=secrets.token_bytes(32),
            blind_index_key=secrets.token_bytes(32),
            field_keys={"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
            field_key="k1",
        )
    )
