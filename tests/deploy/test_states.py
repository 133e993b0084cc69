"""docs/states.md is what the rules say, and no state is left without words."""

from itertools import pairwise

import pytest

from deploy import states

MACHINES = states.machines()


def test_the_document_is_what_the_rules_say() -> None:
    written = states.DOCUMENT.read_text(encoding="utf-8")
    assert written == states.document(), "run .venv/bin/python -m deploy.states"


@pytest.mark.parametrize("name", states.every_state())
def test_every_state_has_its_words(name: str) -> None:
    enum, words = states.every_state()[name]
    assert set(words) == {str(state) for state in enum}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.title)
def test_the_ordinary_way_is_a_way(machine: states.Machine) -> None:
    ways = {(start, to) for start, _, to in machine.ways}
    assert set(pairwise(machine.usual)) <= ways


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.title)
def test_every_state_can_be_reached(machine: states.Machine) -> None:
    reached = {next(iter(machine.words))}
    for _ in machine.words:
        reached |= {to for start, _, to in machine.ways if start in reached}
    assert reached == set(machine.words)
