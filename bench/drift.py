"""The loader's rows beside those of the portal's own operations, for the same facts: every table, every column.

The orders are posted the real way in one database; what happened is read back from there, loaded by COPY into another,
and both are read out and compared line by line.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path

import psycopg
from sqlalchemy.orm import Session

from bench import facts, loading
from bench.facts import PaidOrder, Trade
from bench.sizes import sized
from bench.stand import FEE_RATE_BP, Stand, add_merchants, stand, sub_merchant_no
from deploy.roles import SUPERUSER
from portal.payments import operations
from portal.payments.operations import Outcome
from portal.payments.rules import Road
from portal.plumbing.db import Database
from portal.plumbing.schema_upgrade import upgrade
from portal.values.references import Kind, merchant_of
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Promotion, Wallet

POSTED, LOADED = "posted", "loaded"
COUNT = 100_000
MERCHANTS = 20
_AT_ONCE = 250
_OPENED = datetime(2026, 1, 1, tzinfo=UTC)
# Sorted by what names a row; the number of a transfer only says in which order they came.
_ORDERS = {
    "payments": "merchant_id, payment_no",
    "transfers": "merchant_id, kind, ref",
    "events": "merchant_id, seq",
    "event_heads": "merchant_id",
    "accounts": "merchant_id, code",
    "day_totals": "merchant_id, business_date",
}
_NUMBERED_BY_THE_SERVER = ("transfer_id",)


@cache
def once() -> None:
    """The comparison at its full size, once in a run however many benches ask for it; on a server of its own."""
    count = int(os.environ.get("BENCH_POSTED", sized(COUNT, least=400)))
    with stand() as place:
        rows = check(place, count)
    print(f"loader: {count:,} orders posted and loaded, {rows:,} rows equal in every column", flush=True)


def check(place: Stand, count: int) -> int:
    """Post `count` orders, load the same, compare; answers how many rows were compared. Raises AssertionError."""
    trade = Trade(range(1, MERCHANTS + 1), -(-count // MERCHANTS), date(2026, 11, 18), 3)
    for database in (POSTED, LOADED):
        place.postgres.create_database(database)
        upgrade(place.postgres.urls(database)["DATABASE_OWNER_URL"])
        add_merchants(place, trade.merchants, now=_OPENED, database=database)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.csv"
        facts.save(path, _posted(place, trade))
        loading.load(place, LOADED, path)
    compared = sum(_compare(place, table) for table in _ORDERS)
    for database in (POSTED, LOADED):
        place.postgres.drop_database(database)
    return compared


def _posted(place: Stand, trade: Trade) -> Iterator[PaidOrder]:
    """Each order posted, and what is known of it with the number it was given."""
    database = Database(place.postgres.url("portal_app", POSTED), pool_size=1)
    key = place.keyring.reference_key
    for merchant_id in trade.merchants:
        wanted = facts.orders_of(merchant_id, trade, range(trade.each), reference_key=key)
        while handful := list(islice(wanted, _AT_ONCE)):
            with database.transaction(merchant=merchant_id) as session:
                for order in handful:
                    yield replace(order, payment_no=_post(session, order, key))
    database.close()


def _post(session: Session, order: PaidOrder, key: bytes) -> str:
    number = operations.create_order(
        session,
        merchant_id=order.merchant_id,
        code_id=1,
        share_token=None,
        road=Road(Wallet.WECHAT, Acquirer.WECHAT),
        sub_merchant_no=sub_merchant_no(order.merchant_id),
        fee_rate_bp=FEE_RATE_BP,
        amount=order.amount,
        note=order.note,
        form_key=order.form_key,
        reference_key=key,
        now=order.created_at,
    )
    assert merchant_of(number, kind=Kind.ORDER, key=key) == order.merchant_id
    answer = PaymentAnswer(
        acquirer=Acquirer.WECHAT,
        order_no=number,
        state=PaymentState.SUCCESS,
        sub_merchant_no=sub_merchant_no(order.merchant_id),
        wallet=Wallet.WECHAT,
        transaction_id=order.transaction_no,
        amount=order.amount,
        payer_amount=order.amount - order.discount,
        promotions=(Promotion("P1", "立减", order.discount, "wallet"),) if order.discount else (),
        paid_at=order.paid_at,
    )
    booked = operations.book(
        session, merchant_id=order.merchant_id, answer=answer, payer_blind=order.payer_blind, now=order.told_at
    )
    assert booked is Outcome.BOOKED, booked
    return number


def _compare(place: Stand, table: str) -> int:
    """Row by row, all columns but what the server itself counts."""
    columns = _columns(place, table)
    chosen = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {_ORDERS[table]}"
    count = 0
    for posted, loaded in zip_longest(_rows(place, POSTED, chosen), _rows(place, LOADED, chosen)):
        assert posted == loaded, f"{table} differs: posted {posted!r}, loaded {loaded!r}"
        count += 1
    assert count, f"{table} is empty"
    return count


def _columns(place: Stand, table: str) -> Sequence[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    with psycopg.connect(place.postgres.url(SUPERUSER, POSTED)) as connection:
        return [name for (name,) in connection.execute(query, (table,)) if name not in _NUMBERED_BY_THE_SERVER]


def _rows(place: Stand, database: str, chosen: str) -> Iterator[bytes]:
    """The rows as COPY writes them, one line each."""
    with psycopg.connect(place.postgres.url(SUPERUSER, database)) as connection:
        connection.execute("SET statement_timeout = 0")
        rest = b""
        with connection.cursor().copy(f"COPY ({chosen}) TO STDOUT") as copy:
            for piece in copy:
                *lines, rest = (rest + bytes(piece)).split(b"\n")
                yield from lines
        assert not rest
