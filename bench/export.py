"""A year's receipts as a file: the portal's whole job, sealed parts and all, beside an ORM with the usual writers.

Both files are read back whole and must say the same, cell by cell.
"""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl

from bench import drift, facts, loading
from bench.facts import Trade
from bench.figures import Figure, median, save
from bench.peers import orm_sheets
from bench.sizes import rounds as rounds_of
from bench.sizes import sized
from bench.stand import Stand, add_merchants, stand
from portal.audit.rules import SYSTEM
from portal.plumbing.db import Database
from portal.plumbing.storage import documents
from portal.plumbing.work import Tools
from portal.receipts.exports import flows, operations, queries
from portal.receipts.exports.rules import Form, Period, State, Subject
from portal.receipts.exports.words import file_words

ROUNDS = 3
RECEIPTS = 1_000_000
GOALS = {Form.CSV: 4.0, Form.XLSX: 4.0}
PEERS = {
    Form.CSV: ("ORM + csv.DictWriter", orm_sheets.write_csv),
    Form.XLSX: ("ORM + xlsxwriter, constant memory", orm_sheets.write_xlsx),
}
MERCHANT = 7
_FIRST, _DAYS = date(2025, 12, 1), 356
_LAST = _FIRST + timedelta(days=_DAYS - 1)
_OPENED = datetime(2025, 12, 1, tzinfo=UTC)


def run() -> Sequence[Figure]:
    """Measure; raises AssertionError when a file of one side says anything else than the other's."""
    receipts = sized(RECEIPTS, least=2_000)
    drift.once()
    with stand() as place, TemporaryDirectory() as folder:
        trade = Trade(range(MERCHANT, MERCHANT + 1), receipts, _FIRST, _DAYS)
        add_merchants(place, trade.merchants, now=_OPENED)
        facts.write(Path(folder) / "facts.csv", trade, reference_key=place.keyring.reference_key)
        loading.load(place, place.database, Path(folder) / "facts.csv", ("payments",))
        measured = _rounds(place, Path(folder), receipts)
    middle = {name: median(values) for name, values in measured.items()}
    figures = [
        Figure(
            f"export of {receipts:,} receipts, {form.upper()}", "receipts/s", middle[form], PEERS[form][0],
            middle[f"{form} peer"], GOALS[form],
        )
        for form in Form
    ]  # fmt: skip
    save("export", measured, figures)
    return figures


def _rounds(place: Stand, folder: Path, receipts: int) -> dict[str, list[float]]:
    staff = Database(place.settings.database_staff_url, pool_size=2)
    reader = Database(place.url, pool_size=1)
    tools = Tools(settings=place.settings, database=staff, keyring=place.keyring, wallets={}, sms=None)
    measured: dict[str, list[float]] = {}
    for turn in range(rounds_of(ROUNDS)):
        for form in Form:
            ours, theirs = folder / f"ours.{form}", folder / f"theirs.{form}"
            contenders: list[tuple[str, Callable[[], float]]] = [
                (form, partial(_portal, tools, form, ours)),
                (f"{form} peer", partial(_peer, reader, form, theirs)),
            ]
            for name, work in contenders[:: 1 if turn % 2 else -1]:
                measured.setdefault(name, []).append(receipts / work())
            if turn == 0:
                assert compare(form, ours, theirs) == receipts + 1
    staff.close()
    reader.close()
    return measured


def _portal(tools: Tools, form: Form, target: Path) -> float:
    """The job as the worker runs it; answers its seconds. The file is taken out of the store afterwards, untimed."""
    words, now = file_words(Subject.RECEIPTS), datetime.now(UTC)
    with tools.database.transaction(merchant=MERCHANT) as session:
        export_id = operations.ask(
            session, merchant_id=MERCHANT, subject=Subject.RECEIPTS, form=form, chosen=Period(_FIRST, _LAST),
            words=words, form_key=f"{form}{time.monotonic_ns()}", actor=SYSTEM, now=now,
        )  # fmt: skip
    started = time.perf_counter()
    flows.build(tools, merchant_id=MERCHANT, export_id=export_id, words=words)
    seconds = time.perf_counter() - started
    with tools.database.transaction(merchant=MERCHANT) as session:
        made = queries.export(session, MERCHANT, export_id)
    assert made is not None
    assert made.state == State.READY
    store = documents(tools.settings, tools.keyring)
    with target.open("wb") as file:
        for part in made.parts:
            file.write(store.get(part))
            store.delete(part)
    return seconds


def _peer(reader: Database, form: Form, target: Path) -> float:
    words = file_words(Subject.RECEIPTS)
    started = time.perf_counter()
    with reader.transaction() as session:
        queries.settle_down(session)
        reader.enter(session, MERCHANT)
        PEERS[form][1](session, target, MERCHANT, _FIRST, _LAST, words)
    return time.perf_counter() - started


def compare(form: Form, ours: Path, theirs: Path) -> int:
    """Read both files whole; answers how many lines they have in common, which is all. Raises AssertionError."""
    read = _csv_lines if form is Form.CSV else _xlsx_lines
    count = 0
    for mine, other in zip_longest(read(ours), read(theirs)):
        assert mine == other, f"line {count}: {mine} and {other}"
        count += 1
    return count


def _csv_lines(path: Path) -> Iterator[Sequence[object]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.reader(file)


def _xlsx_lines(path: Path) -> Iterator[Sequence[object]]:
    """An empty cell and a cell without text are one to whoever looks at them."""
    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            yield tuple("" if value is None else value for value in row)
    book.close()
