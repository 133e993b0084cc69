"""Killed in the middle of sealing a day: the next run ends what it began."""

from datetime import timedelta

from portal.plumbing import clock
from portal.settlement import verifying
from portal.settlement.flows import SEALS_FOLDER
from tests.failpoints import acts
from tests.failpoints.conftest import Mortal
from tests.failpoints.selling import sold
from tests.machine.world import World


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
        sold(world, 1000, clock.now() - timedelta(days=1))

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
