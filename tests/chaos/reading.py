"""Both sides read from outside: the sandbox's books and outbox, the portal's tables; and how long things took."""

import sqlite3
import statistics
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

from tests.chaos.judging import ACQUIRERS, Ours, Theirs
from tests.chaos.product import Product
from tests.chaos.storm import Storm

# Their notices were kept back on purpose: how soon these are booked says nothing of the portal.
HELD_BACK = ("notify_never", "notify_late", "notify_out_of_order")


def theirs(product: Product, days: Sequence[str]) -> Theirs:
    """The institutions' books of these days, and what was reported or said yes to."""
    entries: dict[str, list[dict[str, Any]]] = {name: [] for name in ACQUIRERS}
    for day in days:
        books = requests.get(f"{product.sandbox}/control/books", params={"date": day}, timeout=60).json()
        for name in entries:
            entries[name] += books[name]
    with closing(_store(product)) as store:
        reported = store.execute(
            "SELECT transaction_id, amount FROM interconnect_payments WHERE holding <> 'own_sub_merchant'"
            " AND state NOT IN ('RESOLVED', 'CREATED', 'USER_CONFIRMING', 'REVERSED')"
        ).fetchall()
        accepted = store.execute(
            "SELECT sender, kind, number FROM outbox WHERE state = 'accepted' AND sender IN ('wechat', 'jd')"
            " AND kind IN ('payment', 'refund')"
        ).fetchall()
    delivered = frozenset((ACQUIRERS[sender], kind, number) for sender, kind, number in accepted)
    return Theirs(entries, dict(reported), delivered)


def ours(product: Product) -> Ours:
    """Every table about money."""
    with product.look() as database:
        inbox = database.execute("SELECT acquirer, about, subject FROM inbox_notices").fetchall()
        contracts = database.execute("SELECT acquirer, sub_merchant_no, merchant_id FROM contracts").fetchall()
        return Ours(
            payments=_rows(database, "payments"),
            refunds=_rows(database, "refunds"),
            transfers=_rows(database, "transfers"),
            accounts=_rows(database, "accounts"),
            events=_rows(database, "events"),
            inbox=frozenset((str(a), str(about), str(subject)) for a, about, subject in inbox),
            contracts={(acquirer, number): merchant_id for acquirer, number, merchant_id in contracts},
        )


@dataclass(frozen=True)
class Speed:
    """Seconds from the wallet's success to the committed transfer; `recoveries` from a crash to the next booking.

    `told` are payments whose notice was sent as soon as they were paid, `held` those whose notice was kept back.
    """

    told: tuple[float, ...]
    held: tuple[float, ...]
    recoveries: tuple[float, ...]
    restarts: tuple[float, ...]
    deliveries: int


def speed(product: Product, storm: Storm) -> Speed:
    """Measured by the commit timestamps of the database, which no business clock moves."""
    with product.look() as database:
        committed = database.execute(
            "SELECT p.acquirer, coalesce(p.acquirer_order_no, p.payment_no),"
            " extract(epoch FROM pg_xact_commit_timestamp(t.xmin))::float8"
            " FROM transfers t JOIN payments p ON p.merchant_id = t.merchant_id AND p.payment_no = t.ref"
            " WHERE t.kind = 'payment'"
        ).fetchall()
    booked = {(acquirer, number): at for acquirer, number, at in committed}
    with closing(_store(product)) as store:
        notices = store.execute(
            "SELECT sender, number, created_at, faults FROM outbox WHERE kind = 'payment'"
            " AND sender IN ('wechat', 'jd') ORDER BY id DESC"
        ).fetchall()
        deliveries = store.execute("SELECT coalesce(sum(attempts), 0) FROM outbox").fetchone()[0]
    told: list[float] = []
    held: list[float] = []
    for (sender, number), (created_at, faults) in {(row[0], row[1]): row[2:] for row in notices}.items():
        at = booked.get((ACQUIRERS[sender], number))
        if at is not None:
            kept_back = any(name in faults for name in HELD_BACK)
            (held if kept_back else told).append(max(0.0, at - real(created_at, storm.jumps)))
    moments = sorted(booked.values())
    recoveries = [
        next((at - killed for at in moments if at > up), float("inf"))
        for killed, up in storm.crashes
        if any(at > up for at in moments)
    ]
    return Speed(
        tuple(sorted(told)),
        tuple(sorted(held)),
        tuple(recoveries),
        tuple(up - killed for killed, up in storm.crashes),
        int(deliveries),
    )


def real(business: float, jumps: Sequence[tuple[float, int]]) -> float:
    """The real moment of a business moment: the clock only jumps ahead, and further than a jump takes, so one fits.

    `jumps` are (when it had been made, in real time; the offset from then on), the first one from the beginning.
    """
    for (_, offset), until in zip(jumps, [at for at, _ in jumps[1:]] + [float("inf")], strict=True):
        if business - offset <= until:
            return business - offset
    raise ValueError("no moment of this run")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0.5, 0.99) of the sorted values lie; nothing of nothing is 0."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def middle(values: Sequence[float]) -> float:
    """The median; nothing of nothing is 0."""
    return statistics.median(values) if values else 0.0


def hits(product: Product) -> dict[str, int]:
    """How often each fault of the sandbox's was lived through."""
    with closing(_store(product)) as store:
        return dict(
            store.execute("SELECT f.name, count(*) FROM fault_hits h JOIN faults f ON f.id = h.fault GROUP BY f.name")
        )


def _rows(database: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    with database.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT * FROM {table}").fetchall()


def _store(product: Product) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{product.store}?mode=ro", uri=True, timeout=10)
