"""A day's bill of millions of lines against as many payments in the live database: the portal's whole night.

Each side is a program of its own, so that its time and its greatest memory are the system's own figures: the portal's
takes the bill from the wallet's port, reads it, streams its own books out of PostgreSQL, compares, and writes the
differences down; pandas does what is needed to find the same differences.
"""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench import bill, drift, facts, loading
from bench.bill import Difference, Written
from bench.facts import Trade
from bench.figures import Figure, median, save
from bench.sizes import rounds as rounds_of
from bench.sizes import sized
from bench.stand import Stand, add_merchants, stand
from deploy.roles import SUPERUSER

ROUNDS = 3
PAYMENTS, EACH = 2_000_000, 200
SPEED_GOAL, MEMORY_GOAL = 6.0, 2.0
DAY = date(2026, 11, 21)
_OPENED = datetime(2026, 11, 1, tzinfo=UTC)
_PROGRAMS = {"portal": "bench.reconcile_portal", "pandas": "bench.peers.pandas_reconcile"}


def run() -> Sequence[Figure]:
    """Measure; raises AssertionError when either side does not find exactly the lies that the bill was given."""
    merchants = sized(PAYMENTS, least=8_000) // EACH
    payments = merchants * EACH
    drift.once()
    with stand() as place, TemporaryDirectory() as folder:
        given = prepare(place, Path(folder), Trade(range(1, merchants + 1), EACH, DAY, 1))
        assert given.lines == payments
        measured = _rounds(place, Path(folder), given)
    middle = {name: median(values) for name, values in measured.items()}
    against = "pandas (pyarrow, ADBC)"
    figures = [
        Figure(
            f"reconcile {payments:,} lines with {payments:,} payments", "lines/s", payments / middle["portal seconds"],
            against, payments / middle["pandas seconds"], SPEED_GOAL,
        ),
        Figure(
            "the same, lines for each MB of memory", "lines/MB", payments / middle["portal MB"],
            against, payments / middle["pandas MB"], MEMORY_GOAL,
        ),
    ]  # fmt: skip
    save("reconcile", measured, figures)
    return figures


def prepare(place: Stand, folder: Path, trade: Trade) -> Written:
    add_merchants(place, trade.merchants, now=_OPENED)
    path = folder / "facts.csv"
    facts.write(path, trade, reference_key=place.keyring.reference_key)
    loading.load(place, place.database, path, ("accounts", "payments", "transfers", "event_heads", "day_totals"))
    written = bill.write(path, folder / "bill.txt")
    path.unlink()
    _leave_unpaid(place, written)
    return written


def _leave_unpaid(place: Stand, written: Written) -> None:
    """Orders of which only the wallet says that they were paid: they look as they did before."""
    with psycopg.connect(place.postgres.url(SUPERUSER, place.database), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM transfers WHERE merchant_id = %s AND ref = %s", written.unpaid)
            cursor.executemany(
                "UPDATE payments SET state = 'paying', transaction_no = NULL, paid_at = NULL, business_date = NULL,"
                " day_number = NULL, fee = 0, payer_amount = NULL, payer_blind = NULL"
                " WHERE merchant_id = %s AND payment_no = %s",
                written.unpaid,
            )
        connection.execute("VACUUM (ANALYZE) payments, transfers")


def _rounds(place: Stand, folder: Path, given: Written) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {}
    for turn in range(rounds_of(ROUNDS)):
        for name in list(_PROGRAMS)[:: 1 if turn % 2 else -1]:
            found = folder / f"{name}.csv"
            _forget(place)
            arguments = [given.path, place.settings.database_staff_url, DAY.isoformat(), found]
            seconds, megabytes = measure(_PROGRAMS[name], arguments)
            measured.setdefault(f"{name} seconds", []).append(seconds)
            measured.setdefault(f"{name} MB", []).append(megabytes)
            check(found, given)
    return measured


def _forget(place: Stand) -> None:
    """Every round is the first one of its day."""
    with psycopg.connect(place.postgres.url(SUPERUSER, place.database), autocommit=True) as connection:
        connection.execute("TRUNCATE bill_batches CASCADE")


def measure(program: str, arguments: Sequence[object]) -> tuple[float, float]:
    """Seconds of a program from its start to its end, and its greatest resident memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", program, *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{program} failed"
    return seconds, usage.ru_maxrss / 1024


def check(path: Path, given: Written) -> None:
    """One set of differences for both sides: what the bill was given, all of it and nothing else."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [_difference(row) for row in csv.reader(file)]
    assert len(found) == len(set(found)), "a difference is told twice"
    strange, lost = set(found) - given.differences, given.differences - set(found)
    assert not strange, f"{len(strange)} differences that are none, such as {min(strange)}"
    assert not lost, f"{len(lost)} differences not found, such as {min(lost)}"


def _difference(row: Sequence[str]) -> Difference:
    kind, number, theirs, ours = row
    return kind, number, _fen(theirs), _fen(ours)


def _fen(text: str) -> int | None:
    return int(float(text)) if text else None
