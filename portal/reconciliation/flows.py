"""A day's bills: fetched, read, compared with our own books, judged. Killed anywhere, it is run again and does no harm.

What the wallet said is committed before the bill is read, what was read before it is compared; a comparison is written
in one transaction. Files lie under `bills/` in the data directory and can be lost: then they are fetched again.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from portal.merchants import queries as merchants
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer, is_waiting
from portal.plumbing.work import Tools
from portal.reconciliation import exporting, operations, queries, reading
from portal.reconciliation.comparing import OURS, Comparison, Sides, Total
from portal.reconciliation.fetching import FUNDS, THERE, fetch_one, folder_of, name_of, wanted
from portal.reconciliation.nights import newest_ready, next_run
from portal.reconciliation.queries import BatchKey, BatchRow
from portal.reconciliation.reading import Folder
from portal.reconciliation.rules import BatchState
from portal.reconciliation.standings import PaidState
from portal.values.day import business_date, day_bounds
from portal.wallets.bills import BillKind, BillState, BillUnreadable, FundLine
from portal.wallets.port import Acquirer

log = logging.getLogger("portal.reconciliation")

NIGHTLY = "reconciliation.nightly"
AGAIN = "reconciliation.again"
_PARSED_PER_CENT = 80

# Hears which bill is worked on, and how far it is in per cent.
Watch = Callable[[BatchKey, int], None]
# Our merchants by acquirer and the number it gave them.
Owners = dict[tuple[str, str], int]


def unwatched(key: BatchKey, percent: int) -> None:
    """For work that nobody watches."""


def fetch(tools: Tools, day: date, *, now: datetime, watch: Watch = unwatched) -> list[BatchRow]:
    """Ask for every bill of a day that is not there; answers how each stands. What the wallet refuses is noted."""
    contracts = wanted(tools, day)
    with tools.database.transaction() as session:
        operations.open_batches(session, contracts)
        rows = {row.key: row for row in queries.batches(session, day)}
    for key, contract in contracts.items():
        there = rows[key].answer in THERE and folder_of(tools, day).bill(name_of(key)).exists()
        if rows[key].state is not BatchState.CLOSED and not there:
            watch(key, 0)
            fetch_one(tools, key, contract, now=now)
    with tools.database.transaction() as session:
        return queries.batches(session, day)


def reconcile(tools: Tools, day: date, *, now: datetime, watch: Watch = unwatched) -> list[BatchRow]:
    """Fetch what is missing, then read and compare every bill that is there; answers how each stands."""
    rows = [row for row in fetch(tools, day, now=now, watch=watch) if row.state is not BatchState.CLOSED]
    owners = _owners(tools, day)
    for row in rows:
        if row.key.kind in FUNDS:
            _take_funds(tools, row, owners, now=now)
            watch(row.key, 100)
    trades = [row for row in rows if row.key.kind == BillKind.TRADES and row.answer in THERE]
    read = [row for row in trades if _read(tools, row, now=now, watch=watch)]
    for acquirer in sorted({row.key.acquirer for row in read}):
        _compare_all(tools, day, [row.key for row in read if row.key.acquirer == acquirer], watch=watch)
    _tell(tools, day, owners)
    with tools.database.transaction() as session:
        return queries.batches(session, day)


def nightly(tools: Tools) -> None:
    """Every day that is not settled, newest first, and then itself again: tomorrow, or sooner for a missing bill.

    Differences whose time on hold is over are open again before anything is compared.
    """
    moment = clock_now()
    newest = newest_ready(moment)
    with tools.database.transaction() as session:
        overdue = operations.expire_holds(session, today=business_date(moment), now=moment)
        days = queries.unfinished_days(session, newest=newest, first=_first_day(tools, moment))
    if overdue:
        log.warning("%s differences were on hold until their last day and wait for somebody again", overdue)
    waiting = False
    for day in days:
        rows = reconcile(tools, day, now=clock_now())
        waiting = waiting or (
            day == newest and any(row.answer in ("not_ready", "failed", "unreadable") for row in rows)
        )
    with tools.database.transaction() as session:
        if not is_waiting(session, NIGHTLY):
            # From when it began: a run that came a moment too early is followed by the one at its time.
            defer(session, NIGHTLY, lock=NIGHTLY, at=next_run(moment, waiting=waiting))


def again(tools: Tools, *, day: str) -> None:
    """One day once more, because somebody asked or something was booked for it."""
    reconcile(tools, date.fromisoformat(day), now=clock_now())


def _first_day(tools: Tools, moment: datetime) -> date:
    """The day on which the first contract was opened: before it there are no bills."""
    with tools.database.transaction() as session:
        opened = [
            row.opened_at
            for acquirer in tools.wallets
            for _, row in merchants.contracts_with(session, acquirer, before=moment)
        ]
    return business_date(min(opened, default=moment))


def _take_funds(tools: Tools, row: BatchRow, owners: Owners, *, now: datetime) -> None:
    """A fund bill is read to its end, its sums and numbers checked; a merchant hears what left for his bank."""
    lines, payouts, state = 0, list[FundLine](), PaidState.AWAITING_BILL
    if row.answer in THERE:
        try:
            lines, payouts = _read_funds(tools, row)
            state = PaidState.REPORTED
        except BillUnreadable as error:
            _distrust(tools, row.key, error, now=now)
    elif row.answer == BillState.NOT_PERMITTED:
        state = PaidState.NOT_REPORTED
    with tools.database.transaction() as session:
        if state is PaidState.REPORTED:
            operations.note_read(session, row.key, lines=lines, now=now)
            operations.end_comparison(session, row.key, [], now=now)
            operations.judge(session, row.key)
        owner = owners.get((row.key.acquirer, row.key.sub_merchant_no))
        if owner is not None:
            operations.tell_payouts(session, row.key, merchant_id=owner, state=state, payouts=payouts)


def _read_funds(tools: Tools, row: BatchRow) -> tuple[int, list[FundLine]]:
    if row.answer == BillState.EMPTY:
        return 0, []
    port = tools.wallets[Acquirer(row.key.acquirer)]
    return reading.payouts(port, folder_of(tools, row.key.day), name_of(row.key))


def _owners(tools: Tools, day: date) -> Owners:
    """Our merchants by the number each wallet gave them, of those a day's bills may tell of."""
    _, ends = day_bounds(day)
    with tools.database.transaction() as session:
        return {
            (str(acquirer), row.sub_merchant_no): merchant_id
            for acquirer in tools.wallets
            for merchant_id, row in merchants.contracts_with(session, acquirer, before=ends)
        }


def _read(tools: Tools, row: BatchRow, *, now: datetime, watch: Watch) -> bool:
    """False for a bill that cannot be believed: it is put away, and fetched anew next time."""
    folder, name = folder_of(tools, row.key.day), name_of(row.key)
    if row.answer == BillState.EMPTY:
        reading.empty(folder, name)
        lines = 0
    else:
        try:
            lines = _read_lines(tools, row, folder, name, watch)
        except BillUnreadable as error:
            _distrust(tools, row.key, error, now=now)
            return False
    with tools.database.transaction() as session:
        operations.note_read(session, row.key, lines=lines, now=now)
    return True


def _distrust(tools: Tools, key: BatchKey, error: BillUnreadable, *, now: datetime) -> None:
    folder, name = folder_of(tools, key.day), name_of(key)
    os.replace(folder.bill(name), folder.path / f"{name}.unreadable")
    log.warning("the bill %s of %s cannot be read: %s", name, key.day, error)
    with tools.database.transaction() as session:
        operations.note_answer(session, key, answer="unreadable", trouble=str(error), now=now)


def _read_lines(tools: Tools, row: BatchRow, folder: Folder, name: str, watch: Watch) -> int:
    told = -1

    def tell(done: int) -> None:
        nonlocal told
        percent = _PARSED_PER_CENT * done // max(1, row.size)
        if percent > told:
            told = percent
            _show(tools, row.key, min(percent, _PARSED_PER_CENT), watch)

    port = tools.wallets[Acquirer(row.key.acquirer)]
    return reading.read(port, folder, name, own=row.key.sub_merchant_no, tell=tell)


def _show(tools: Tools, key: BatchKey, percent: int, watch: Watch) -> None:
    with tools.database.transaction() as session:
        operations.note_progress(session, key, percent, now=clock_now())
    watch(key, percent)


def _compare_all(tools: Tools, day: date, keys: Sequence[BatchKey], *, watch: Watch) -> None:
    """Our side is exported once for all bills of one acquirer and day."""
    acquirer, folder = Acquirer(keys[0].acquirer), folder_of(tools, day)
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
    _show(tools, key, _PARSED_PER_CENT, unwatched)
    name, moment = name_of(key), clock_now()
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


def _tell(tools: Tools, day: date, owners: Owners) -> None:
    """Each merchant hears how his day stands with each acquirer."""
    with tools.database.transaction() as session:
        rows = [row for row in queries.batches(session, day) if row.key.kind == BillKind.TRADES]
    for row in rows:
        told = sorted(
            merchant_id
            for (acquirer, number), merchant_id in owners.items()
            if acquirer == row.key.acquirer and row.key.sub_merchant_no in ("", number)
        )
        with tools.database.transaction() as session:
            operations.tell_standings(session, row.key, state=row.state, merchants=told, compared_at=row.compared_at)
