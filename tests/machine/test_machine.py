"""A wallet may tell anything, in any order, any number of times: the books stay right to the fen.

`MACHINE=long` is for `./dev prove machine`: EXAMPLES, STEPS.
"""

import os

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Adversary
from tests.machine.world import World

LONG = os.environ.get("MACHINE") == "long"
EXAMPLES = int(os.environ.get("EXAMPLES", "3000" if LONG else "40"))
STEPS = int(os.environ.get("STEPS", "100" if LONG else "40"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    # The short run is the same every time; the long one is another one every time, and says how to repeat it.
    derandomize=not LONG,
    database=None,
    print_blob=True,
    phases=[Phase.generate, *([Phase.shrink] if LONG else [])],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_the_wallets_tell_the_books_are_right(world: World) -> None:
    run_state_machine_as_test(type("Adversary", (Adversary,), {"world": world}), settings=SETTINGS)
