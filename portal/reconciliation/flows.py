"""A day's bills: fetched, read, compared with our own books, judged. Killed anywhere, it is run again and does no harm.

What the wallet said is committed before the bill is read, what was read before it is compared; a comparison is written
in one transaction. Files lie under `bills/` in the data directory and can be lost: then they are fetched again.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer, is_waiting
from portal.plumbing.work import Tools
from portal.reconciliation import exporting, operations, queries, reading
from portal.reconciliation.comparing import OURS, Comparison, Sides, Total
from portal.reconciliation.queries import BatchKey, BatchRow
from portal.reconciliation.reading import Folder
from portal.reconciliation.rules import BatchState, newest_ready, next_run
from portal.values.day import business_date, day_bounds
from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch, BillUnreadable
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer, Contract

log = logging.getLogger("portal.reconciliation")

NIGHTLY = "reconciliation.nightly"
_THERE = (BillState.READY, BillState.EMPTY)
_PARSED_PER_CENT = 80

# Hears which bill is worked on, and how far it is in per cent.
Watch = Callable[[BatchKey, int], None]


def unwatched(key: BatchKey, percent: int) -> None:
    """For work that nobody watches."""


def fetch(tools: Tools, day: date, *, now: datetime, watch: Watch = unwatched) -> list[BatchRow]:
    """Ask for every bill of a day that is not there; answers how each stands. What the wallet refuses is noted."""
    contracts = _wanted(tools, day)
    with tools.database.transaction() as session:
        operations.open_batches(session, contracts)
        rows = {row.key: row for row in queries.batches(session, day)}
    for key, contract in contracts.items():
        if rows[key].state is not BatchState.CLOSED and not (
            rows[key].answer in _THERE and (_folder(tools, day).bill(_name(key)).exists())
        ):
            watch(key, 0)
            _fetch(tools, key, contract, now=now)
    with tools.database.transaction() as session:
        return queries.batches(session, day)


def reconcile(tools: Tools, day: date, *, now: datetime, watch: Watch = unwatched) -> list[BatchRow]:
    """Fetch what is missing, then read and compare every bill that is there; answers how each stands."""
    rows = fetch(tools, day, now=now, watch=watch)
    ready = [row for row in rows if row.answer in _THERE and row.state is not BatchState.CLOSED]
    read = [row for row in ready if _read(tools, row, now=now, watch=watch)]
    for acquirer in sorted({row.key.acquirer for row in read}):
        _compare_all(tools, day, [row.key for row in read if row.key.acquirer == acquirer], watch=watch)
    with tools.database.transaction() as session:
        return queries.batches(session, day)


def nightly(tools: Tools) -> None:
    """Every day that is not balanced, newest first, and then itself again: tomorrow, or sooner for a missing bill."""
    moment = clock_now()
    newest = newest_ready(moment)
    with tools.database.transaction() as session:
        days = queries.unfinished_days(session, newest=newest, first=_first_day(tools, moment))
    waiting = False
    for day in days:
        rows = reconcile(tools, day, now=clock_now())
        waiting = waiting or (
            day == newest and any(row.answer in ("not_ready", "failed", "unreadable") for row in rows)
        )
    with tools.database.transaction() as session:
        if not is_waiting(session, NIGHTLY):
            defer(session, NIGHTLY, lock=NIGHTLY, at=next_run(clock_now(), waiting=waiting))


def _wanted(tools: Tools, day: date) -> dict[BatchKey, Contract | None]:
    """The bills there are to a day: WeChat Pay's tells of everybody, JD makes one for each merchant."""
    _, ends = day_bounds(day)
    wanted: dict[BatchKey, Contract | None] = {}
    with tools.database.transaction() as session:
        for acquirer in tools.wallets:
            rows = merchants.contracts_with(session, acquirer, before=ends)
            if acquirer is Acquirer.WECHAT and rows:
                wanted[BatchKey(acquirer, day, BillKind.TRADES, "")] = None
            elif acquirer is Acquirer.JDPAY:
                for merchant_id, row in rows:
                    contract = open_contract(tools.keyring, merchant_id=merchant_id, row=row)
                    wanted[BatchKey(acquirer, day, BillKind.TRADES, row.sub_merchant_no)] = contract
    return wanted


def _first_day(tools: Tools, moment: datetime) -> date:
    """The day on which the first contract was opened: before it there are no bills."""
    with tools.database.transaction() as session:
        opened = [
            row.opened_at
            for acquirer in tools.wallets
            for _, row in merchants.contracts_with(session, acquirer, before=moment)
        ]
    return business_date(min(opened, default=moment))


def _folder(tools: Tools, day: date) -> Folder:
    path = tools.settings.data_dir / "bills" / day.isoformat()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Folder(path)


def _name(key: BatchKey) -> str:
    """A merchant's number is the wallet's own text, so a file is named by its digest."""
    own = hashlib.sha256(key.sub_merchant_no.encode()).hexdigest()[:20] if key.sub_merchant_no else "all"
    return f"{key.acquirer}-{key.kind}-{own}"


def _fetch(tools: Tools, key: BatchKey, contract: Contract | None, *, now: datetime) -> None:
    folder, name = _folder(tools, key.day), _name(key)
    part = folder.scratch(name)
    try:
        with part.open("w+b") as file:
            port = tools.wallets[Acquirer(key.acquirer)]
            answer = port.fetch_bill(BillToFetch(BillKind(key.kind), key.day, contract), into=file)
            file.flush()
            os.fsync(file.fileno())
        if answer.state in _THERE:
            os.replace(part, folder.bill(name))
        _note(tools, key, answer, now=now)
    except WalletError as error:
        log.warning("the bill %s of %s cannot be had: %s", name, key.day, error.code)
        with tools.database.transaction() as session:
            operations.note_answer(session, key, answer="failed", trouble=error.code, now=now)
    finally:
        part.unlink(missing_ok=True)


def _note(tools: Tools, key: BatchKey, answer: BillAnswer, *, now: datetime) -> None:
    with tools.database.transaction() as session:
        operations.note_answer(session, key, answer=answer.state.value, size=answer.size, sha256=answer.sha256, now=now)


def _read(tools: Tools, row: BatchRow, *, now: datetime, watch: Watch) -> bool:
    """False for a bill that cannot be believed: it is put away, and fetched anew next time."""
    folder, name = _folder(tools, row.key.day), _name(row.key)
    if row.answer == BillState.EMPTY:
        reading.empty(folder, name)
        lines = 0
    else:
        try:
            lines = _read_lines(tools, row, folder, name, watch)
        except BillUnreadable as error:
            os.replace(folder.bill(name), folder.path / f"{name}.unreadable")
            log.warning("the bill %s of %s cannot be read: %s", name, row.key.day, error)
            with tools.database.transaction() as session:
                operations.note_answer(session, row.key, answer="unreadable", trouble=str(error), now=now)
            return False
    with tools.database.transaction() as session:
        operations.note_read(session, row.key, lines=lines, now=now)
    return True


def _read_lines(tools: Tools, row: BatchRow, folder: Folder, name: str, watch: Watch) -> int:
    told = -1

    def tell(done: int) -> None:
        nonlocal told
        percent = _PARSED_PER_CENT * done // max(1, row.size)
        if percent > told:
            told = percent
            _tell(tools, row.key, min(percent, _PARSED_PER_CENT), watch)

    port = tools.wallets[Acquirer(row.key.acquirer)]
    return reading.read(port, folder, name, own=row.key.sub_merchant_no, tell=tell)


def _tell(tools: Tools, key: BatchKey, percent: int, watch: Watch) -> None:
    with tools.database.transaction() as session:
        operations.note_progress(session, key, percent, now=clock_now())
    watch(key, percent)


def _compare_all(tools: Tools, day: date, keys: Sequence[BatchKey], *, watch: Watch) -> None:
    """Our side is exported once for all bills of one acquirer and day."""
    acquirer, folder = Acquirer(keys[0].acquirer), _folder(tools, day)
    raw, ours = folder.scratch(f"ours-{acquirer}"), folder.path / f"ours-{acquirer}-{os.getpid()}.parquet"
    try:
        with tools.database.transaction() as session:
            exporting.export(session, acquirer=acquirer, day=day, into=raw)
            known = merchants.contracts_with(session, acquirer, before=clock_now())
        reading.to_table(raw, OURS, ours)
        numbers = [(row.sub_merchant_no, merchant_id) for merchant_id, row in known]
        for key in keys:
            _compare(tools, key, folder, ours, numbers)
            watch(key, 100)
    finally:
        raw.unlink(missing_ok=True)
        ours.unlink(missing_ok=True)


def _compare(tools: Tools, key: BatchKey, folder: Folder, ours: Path, numbers: Sequence[tuple[str, int]]) -> None:
    _tell(tools, key, _PARSED_PER_CENT, unwatched)
    name, moment = _name(key), clock_now()
    before, after = (_neighbour(tools, key, name, days) for days in (-1, 1))
    sides = Sides(folder.lines(name), ours, before, after, key.sub_merchant_no, Acquirer(key.acquirer), key.day)
    with Comparison(sides, numbers) as comparison:
        totals = comparison.totals()
        with tools.database.transaction() as session:
            operations.begin_comparison(session, key)
            differing: dict[tuple[int, str], int] = {}
            for found in comparison.differences():
                for place, count in operations.note_differences(session, key, found, now=moment).items():
                    differing[place] = differing.get(place, 0) + count
            operations.end_comparison(session, key, _less(totals, differing), now=moment)
    with tools.database.transaction() as session:
        operations.judge(session, key)


def _less(totals: Sequence[Total], differing: dict[tuple[int, str], int]) -> list[Total]:
    """The sums with what differs taken off what is matched."""
    return [replace(one, matched=one.matched - differing.get((one.merchant_id, one.wallet), 0)) for one in totals]


def _neighbour(tools: Tools, key: BatchKey, name: str, days: int) -> Path | None:
    other = date.fromordinal(key.day.toordinal() + days)
    path = Folder(tools.settings.data_dir / "bills" / other.isoformat()).lines(name)
    return path if path.exists() else None
