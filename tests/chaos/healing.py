"""After the faults: the product is left alone until nothing is under way, then a night passes and the bills come.

Nobody repairs anything by hand. The business clock walks, so that ladders need not be waited for; 180 seconds without
an end are a failure of their own.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import date
from typing import Any

import psycopg
import requests

from tests.chaos.product import NotStarted, Product
from tests.chaos.storm import Storm, jump

PATIENCE_SECONDS = 180.0
_STEP_SECONDS = 240
_LOOK_SECONDS = 0.5
# What is still under way at the portal; each must come down to nothing. An order that is only `created` was never
# placed with a wallet: nobody can pay it.
_UNDER_WAY = {
    "orders": "SELECT count(*) FROM payments WHERE state = 'paying'",
    "refunds": "SELECT count(*) FROM refunds WHERE state IN ('requested', 'approved', 'processing', 'unknown')",
    "notices": "SELECT count(*) FROM inbox_notices WHERE state = 'waiting'",
}
_BILLS = (
    "SELECT acquirer, day, sub_merchant_no, state, answer, trouble FROM bill_batches"
    " WHERE kind = 'trades' AND day < %s ORDER BY day, acquirer, sub_merchant_no"
)
_JUDGED = ("balanced", "unbalanced", "closed", "not_reported")


class NotHealed(Exception):
    """Something is still under way; the text says what."""


def heal(product: Product, storm: Storm, say: Callable[[str], None]) -> None:
    """Until no order, refund or notice is under way on either side. Raises NotHealed."""
    give_up, last = time.monotonic() + PATIENCE_SECONDS, {"everything": 1}
    while time.monotonic() < give_up:
        for name in product.dead():
            if name in ("proxy", "sandbox"):
                raise NotStarted(f"{name} ended by itself")
            product.start_again(name)
        with suppress(psycopg.OperationalError):
            last = under_way(product)
            if not any(last.values()):
                say("nothing is under way any more")
                return
        jump(product, storm, advance_seconds=_STEP_SECONDS)
        time.sleep(_LOOK_SECONDS)
    raise NotHealed(f"still under way after {PATIENCE_SECONDS:.0f} s: {last}\n{_queue(product)}")


def under_way(product: Product) -> dict[str, int]:
    """How much has not ended yet, by kind."""
    with product.look() as database:
        found = {name: _number(database.execute(query).fetchone()) for name, query in _UNDER_WAY.items()}
    with closing(sqlite3.connect(f"file:{product.store}?mode=ro", uri=True, timeout=10)) as store:
        found["deliveries"] = _number(store.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone())
    return found


def _queue(product: Product) -> str:
    """What the workers' queue holds, for whoever must find out why."""
    with product.look() as database:
        jobs = database.execute(
            "SELECT task_name, status, attempts, extract(epoch FROM scheduled_at - now())::int, args"
            " FROM procrastinate_jobs ORDER BY id LIMIT 20"
        ).fetchall()
        orders = database.execute(
            "SELECT payment_no, acquirer, state, created_at FROM payments WHERE state IN ('created', 'paying') LIMIT 20"
        ).fetchall()
    return "\n".join(str(row) for row in [*jobs, *orders])


def night(product: Product, storm: Storm, say: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Until ten past ten of the next morning, and until every bill of the days before was judged by the nightly job.

    The business days, and what the portal found that is not balanced. Raises NotHealed.
    """
    jump(product, storm, to="next_morning")
    told = requests.get(f"{product.sandbox}/control/clock", timeout=30).json()
    today = date.fromisoformat(told["now"][:10])
    give_up, bills = time.monotonic() + PATIENCE_SECONDS, []
    while time.monotonic() < give_up:
        for name in product.dead():
            product.start_again(name)
        with suppress(psycopg.OperationalError), product.look() as database:
            bills = database.execute(_BILLS, (today,)).fetchall()
            yesterday = [bill for bill in bills if (today - bill[1]).days == 1]
            if yesterday and all(bill[3] in _JUDGED for bill in bills):
                say(f"{len(bills)} bills were judged by the nightly job")
                return sorted({bill[1].isoformat() for bill in bills}), _unbalanced(database, bills)
        time.sleep(_LOOK_SECONDS)
    raise NotHealed(f"the nightly job did not judge every bill in {PATIENCE_SECONDS:.0f} s: {bills}")


def _unbalanced(database: psycopg.Connection[Any], bills: list[tuple[Any, ...]]) -> list[str]:
    found = [f"{bill[0]} {bill[1]} {bill[2]} {bill[3]}" for bill in bills if bill[3] not in ("balanced", "closed")]
    items = database.execute(
        "SELECT acquirer, day, difference, number, bill_amount, our_amount, state FROM bill_items"
        " WHERE kind = 'trades' AND state NOT IN ('matched', 'resolved', 'ignored')"
    ).fetchall()
    return [*found, *(" ".join(map(str, item)) for item in items)]


def _number(row: tuple[Any, ...] | None) -> int:
    return int(row[0]) if row else 0
