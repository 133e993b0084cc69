"""The owner's list of receipts, deep down: page 1001 beside page 1, through the page itself as a signed-in owner.

And the same page read by OFFSET, the way in which lists are usually paged.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flask.testing import FlaskClient

from bench import drift, facts, loading
from bench.facts import Trade
from bench.figures import Figure, median, save
from bench.peers import offset_page
from bench.sizes import rounds as rounds_of
from bench.sizes import sized
from bench.stand import Stand, add_merchants, add_owner, sign_in, stand
from portal.factory import Services, create_app
from portal.plumbing.db import Database
from portal.receipts import queries
from portal.receipts.rules import Filter

ROUNDS = 9
REQUESTS = 40
OWN, OTHERS, EACH_OTHER = 200_000, 4_800_000, 500
PAGE, ROWS = 1_001, 20
# A page deep down may take at most twice as long as the first.
GOAL = 0.5
MERCHANT = 7
_FIRST, _DAYS = date(2025, 12, 1), 356
_OPENED = datetime(2025, 12, 1, tzinfo=UTC)


def run() -> Sequence[Figure]:
    """Measure; raises AssertionError when the two ways of paging show other receipts."""
    own = sized(OWN, least=2_000)
    number = min(PAGE, own // ROWS - 1)
    drift.once()
    with stand() as place:
        total = _fill(place, own)
        measured = _rounds(place, number)
    middle = {name: median(values) for name, values in measured.items()}
    deep = f"receipts page {number:,} of {total:,} payments"
    figures = [
        Figure(f"{deep}, the page", "pages/s", middle["deep"], "page 1", middle["first"], GOAL),
        Figure(f"{deep}, its rows", "reads/s", middle["keyset"], "OFFSET", middle["offset"], None),
    ]
    save("page", measured, figures)
    return figures


def _fill(place: Stand, own: int) -> int:
    """One merchant with `own` receipts among thousands of others; answers how many payments there are."""
    others = max(1, sized(OTHERS, least=4_000) // EACH_OTHER)
    trades = [
        Trade(range(MERCHANT, MERCHANT + 1), own, _FIRST, _DAYS),
        Trade(range(MERCHANT + 1, MERCHANT + 1 + others), EACH_OTHER, _FIRST, _DAYS),
    ]
    for trade in trades:
        add_merchants(place, trade.merchants, now=_OPENED)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "facts.csv"
            facts.write(path, trade, reference_key=place.keyring.reference_key)
            loading.load(place, place.database, path, ("payments", "event_heads", "day_totals"))
    return own + others * EACH_OTHER


def _rounds(place: Stand, number: int) -> dict[str, list[float]]:
    app = create_app(Services(settings=place.settings))
    database = Database(place.url, pool_size=1)
    browser = app.test_client()
    sign_in(browser, database, add_owner(place, MERCHANT), MERCHANT)
    cursor = offset_page.receipt_at(database, MERCHANT, (number - 1) * ROWS - 1)
    keyset, offset = _readers(database, cursor, (number - 1) * ROWS)
    assert keyset() == offset(), "the two ways of paging show other receipts"
    assert all(shown in _page(browser, f"/receipts?before={cursor}") for shown in keyset())
    ways: dict[str, Callable[[], object]] = {
        "first": lambda: _page(browser, "/receipts"),
        "deep": lambda: _page(browser, f"/receipts?before={cursor}"),
        "keyset": keyset,
        "offset": offset,
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds_of(ROUNDS) + 1):
        for name, way in list(ways.items())[:: 1 if turn % 2 else -1]:
            speed = _speed(way)
            if turn:  # the first one warms up
                measured[name].append(speed)
    database.close()
    for name in ("database", "staff_database"):
        app.extensions[name].close()
    return measured


def _readers(database: Database, cursor: str, skipped: int) -> tuple[Callable[[], list[str]], Callable[[], list[str]]]:
    def keyset() -> list[str]:
        with database.transaction(merchant=MERCHANT) as session:
            page = queries.page(session, MERCHANT, chosen=Filter.ALL, before=cursor, most=ROWS)
        return [row.payment_no for row in page.rows]

    def offset() -> list[str]:
        with database.transaction(merchant=MERCHANT) as session:
            rows = offset_page.page(session, MERCHANT, skipped=skipped, most=ROWS)
        return [row.payment_no for row in rows]

    return keyset, offset


def _page(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.status
    return answer.get_data(as_text=True)


def _speed(way: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(REQUESTS):
        way()
    return REQUESTS / (time.perf_counter() - started)
