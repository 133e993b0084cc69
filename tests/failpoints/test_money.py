"""A process of the portal is killed before each of its round trips, one after the other: the books end as if it had
lived. Sizes of the proof: a fact takes some 5 to 40 trips."""

import pytest

from tests.failpoints.conftest import Mortal
from tests.failpoints.money import FACTS, Begin, end_of
from tests.machine.world import World


@pytest.mark.parametrize("begin", FACTS, ids=[begin.__name__ for begin in FACTS])
def test_killed_before_any_trip_it_ends_as_if_it_had_lived(world: World, mortal: Mortal, begin: Begin) -> None:
    world.begin()
    undisturbed = begin(world)
    _, trips = mortal.live(undisturbed.act, undisturbed.arguments)
    wanted = end_of(world, undisturbed)
    assert trips > 0
    different = {}
    # The last one is after the end: all is done, and nobody has heard of it.
    for last in range(1, trips + 2):
        world.begin()
        fact = begin(world)
        mortal.die(fact.act, fact.arguments, before=last)
        if (end := end_of(world, fact)) != wanted:
            different[last] = end
    assert different == {}, f"of {trips} trips; as if it had lived: {wanted}"
