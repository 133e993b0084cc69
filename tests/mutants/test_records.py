"""The mutants made by hand still fit the product; whether they are caught is `./dev prove mutants`' to say."""

import pytest

from tests.mutants.records import HARNESSES, RACES, UNIT, UNITS, Mutant, missing, mutants
from tests.proofs.trees import ROOT

ALL = mutants()


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_its_texts_stand_in_the_product_exactly_once(mutant: Mutant) -> None:
    assert missing(ROOT, mutant) == []
    assert all(edit.old != edit.new for edit in mutant.edits)


def test_there_are_twenty_and_eight_of_them_are_left_to_a_harness() -> None:
    assert len({mutant.name for mutant in ALL}) == len(ALL) >= 20
    assert len([mutant for mutant in ALL if mutant.caught_by != UNIT]) >= 8


def test_each_names_who_catches_it() -> None:
    assert {mutant.caught_by for mutant in ALL} <= {UNIT, *HARNESSES}
    assert {name for mutant in ALL for name in mutant.slices} <= set(UNITS)


def test_what_is_to_be_run_is_there() -> None:
    named = [place for places in (*UNITS.values(), *HARNESSES.values()) for place in places]
    assert [place for place in named if not (ROOT / place).exists()] == []
    assert len(set(RACES)) == len(RACES)
