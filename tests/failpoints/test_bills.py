"""Killed in the middle of a day's bills: the next run ends what it began.

A night's bills take some two hundred trips; the short run dies at every eleventh, `MACHINE=long` at all of them. The
database is this file's own: a bill is also compared with its neighbours, and other tests move the days.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.wallets.port import Acquirer
from tests.factories.bills import Line, wechat_bill
from tests.failpoints import acts
from tests.failpoints.conftest import Mortal
from tests.failpoints.selling import sold
from tests.machine.test_machine import LONG
from tests.machine.world import World

FIRST = date(2026, 12, 1)
AHEAD = timedelta(days=700)


@pytest.fixture
def long_after(world: World) -> World:
    """One shop, long after its first days."""
    world.begin()
    world.pass_time(AHEAD)
    return world


def _bill(world: World, day: date) -> None:
    """Two payments of ours, one of which the bill has with a fen more, and one that it has alone."""
    at, shop = datetime(day.year, day.month, day.day, 6, tzinfo=UTC), f"WX{world.merchant_id}"
    right, wrong = sold(world, 1000, at), sold(world, 2000, at)
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
