"""The table of a case's states, and what a fingerprint covers."""

import pytest

from portal.suspense.rules import FACT_OF, TRANSITIONS, UNSETTLED, Fact, State, Way, after, fingerprint


def test_the_table_answers_every_fact_in_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(ways) == set(Fact) for ways in TRANSITIONS.values())


def test_every_state_can_be_reached_and_what_is_not_over_has_a_way_on() -> None:
    reached = {target for ways in TRANSITIONS.values() for target in ways.values() if target}
    assert reached | {State.OPEN} == set(State)
    assert all(any(TRANSITIONS[state].values()) for state in (*UNSETTLED, State.RETURNING))


@pytest.mark.parametrize("way", Way)
def test_no_way_leads_anywhere_without_a_proposal(way: Way) -> None:
    assert [state for state in State if after(state, FACT_OF[way]) is not None] == [State.PROPOSED]


def test_a_fingerprint_changes_with_every_sign_and_not_with_the_order() -> None:
    first = fingerprint({"amount": 1980, "why": "核对过"})
    assert fingerprint({"why": "核对过", "amount": 1980}) == first
    assert len({first, fingerprint({"amount": 1981, "why": "核对过"}), fingerprint({"amount": 1980, "why": ""})}) == 3
