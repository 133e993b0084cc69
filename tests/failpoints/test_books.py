"""Killed in the middle of a day's bills, of its seal, of a file of receipts: the next run ends what it began.

A night's bills take some two hundred trips; the short run dies at every eleventh, `MACHINE=long` at all of them.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.audit.rules import Actor
from portal.plumbing import clock
from portal.plumbing.storage import documents
from portal.receipts.exports import operations as exports
from portal.receipts.exports import queries as export_queries
from portal.receipts.exports.rules import Form, Period, Subject
from portal.settlement import verifying
from portal.settlement.flows import SEALS_FOLDER
from portal.values.day import business_date
from portal.wallets.port import Acquirer
from tests.factories.bills import Line, wechat_bill
from tests.factories.payments import add_payment
from tests.failpoints import acts
from tests.failpoints.conftest import Mortal
from tests.machine.test_machine import LONG
from tests.machine.world import World
from tests.portal.receipts.exports.test_exports import words

FIRST = date(2026, 12, 1)
AHEAD = timedelta(days=700)


@pytest.fixture
def long_after(world: World) -> World:
    """One shop, long after its first days."""
    world.begin()
    world.pass_time(AHEAD)
    return world


def _sold(world: World, amount: int, at: datetime) -> str:
    return add_payment(world.parties.database, world.keyring, merchant_id=world.merchant_id, amount=amount, now=at)


def _bill(world: World, day: date) -> None:
    """Two payments of ours, one of which the bill has with a fen more, and one that it has alone."""
    at, shop = datetime(day.year, day.month, day.day, 6, tzinfo=UTC), f"WX{world.merchant_id}"
    right, wrong = _sold(world, 1000, at), _sold(world, 2000, at)
    lines = (Line(right, 1000, at, shop), Line(wrong, 2001, at, shop), Line(f"Y-{day}", 300, at, shop))
    world.wallets[Acquirer.WECHAT].bill = wechat_bill(*lines)  # type: ignore[attr-defined]


def _found(world: World, day: date) -> dict[str, Any]:
    """What was written down of a day, without moments and numbers of its own."""
    bills = "SELECT acquirer, kind, state, answer, lines, progress FROM bill_batches WHERE day = %s ORDER BY 1, 2, 3"
    items = "SELECT difference, state, bill_amount, our_amount FROM bill_items WHERE day = %s ORDER BY 1, 2, 3"
    totals = "SELECT acquirer, wallet, matched, bill_amount, our_amount FROM bill_totals WHERE day = %s ORDER BY 1, 2"
    told = {"bills": bills, "items": items, "totals": totals}
    return {name: world.eyes.execute(statement, (day,)).fetchall() for name, statement in told.items()}


def test_a_day_of_bills_is_compared_whole_wherever_the_first_run_died(long_after: World, mortal: Mortal) -> None:
    world, day = long_after, FIRST
    _bill(world, day)
    _, trips = mortal.live("reconcile", {"day": day.isoformat()})
    wanted = _found(world, day)
    assert [row[0] for row in wanted["items"]] == ["amount", "channel_only"]
    different = {}
    for last in range(1, trips + 2, 1 if LONG else 11):
        # A bill is also compared with its neighbours': each day here has none.
        day += timedelta(days=3)
        _bill(world, day)
        mortal.die("reconcile", {"day": day.isoformat()}, before=last)
        acts.reconcile(world, day=day.isoformat())
        if (found := _found(world, day)) != wanted:
            different[last] = found
    assert different == {}, f"of {trips} trips; as if it had lived: {wanted}"


def _sealed(world: World) -> tuple[int, list[object]]:
    """How many sheets there are, and what is wrong with them, in the database and outside."""
    folder = world.tools.settings.data_dir / SEALS_FOLDER
    with world.tools.database.transaction() as session:
        wrong: list[object] = [verifying.first_wrong(session, world.merchant_id)]
        wrong += verifying.against_files(session, folder)
    rows = world.eyes.execute("SELECT seal FROM day_sheets WHERE merchant_id = %s", (world.merchant_id,)).fetchall()
    outside = "".join(path.read_text(encoding="ascii") for path in folder.glob("*.txt"))
    missing = [f"{seal} stands nowhere outside" for (seal,) in rows if seal not in outside]
    return len(rows), [one for one in (*wrong, *missing) if one is not None]


def test_the_seal_of_a_day_is_there_once_wherever_the_first_run_died(world: World, mortal: Mortal) -> None:
    world.begin()

    def another_day() -> None:
        world.pass_time(timedelta(days=1))
        _sold(world, 1000, clock.now() - timedelta(days=1))

    another_day()
    _, trips = mortal.live("close_days", {})
    assert _sealed(world) == (1, [])
    different = {}
    for last in range(1, trips + 2):
        another_day()
        mortal.die("close_days", {}, before=last)
        acts.close_days(world)
        if (found := _sealed(world)) != (last + 1, []):
            different[last] = found
    assert different == {}, f"of {trips} trips"


def _file(world: World) -> tuple[str, list[str]]:
    """The newest file's state and its lines, without the numbers."""
    with world.tools.database.transaction(merchant=world.merchant_id) as session:
        (row,) = export_queries.newest(session, world.merchant_id, most=1)
    store = documents(world.tools.settings, world.keyring)
    text = b"".join(store.get(name) for name in row.parts).decode("utf-8-sig")
    return row.state, sorted(line.split(",")[1] for line in text.splitlines())


def test_a_file_is_whole_wherever_its_first_run_died(world: World, mortal: Mortal) -> None:
    def begin() -> tuple[int, str, dict[str, Any]]:
        world.begin()
        moment = clock.now()
        for amount in (1000, 2000):
            _sold(world, amount, moment)
        with world.parties.database.transaction(merchant=world.merchant_id) as session:
            exports.ask(
                session,
                merchant_id=world.merchant_id,
                subject=Subject.RECEIPTS,
                form=Form.CSV,
                chosen=Period(business_date(moment), business_date(moment)),
                words=words(Subject.RECEIPTS),
                form_key="file",
                actor=Actor("merchant", 1, "周建国"),
                now=moment,
            )
        return next(job for job in world.jobs() if job[1] == exports.BUILD)

    job = begin()
    _, trips = mortal.live("job", {"task": job[1], "arguments": job[2]})
    wanted = _file(world)
    assert (wanted[0], len(wanted[1])) == ("ready", 3)
    different = {}
    for last in range(1, trips + 2):
        job = begin()
        mortal.die("job", {"task": job[1], "arguments": job[2]}, before=last)
        world.work(job)
        if (found := _file(world)) != wanted:
            different[last] = found
    assert different == {}, f"of {trips} trips; as if it had lived: {wanted}"
