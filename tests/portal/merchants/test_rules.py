"""The tables of states cover their enums, and the pauses grow."""

from datetime import timedelta

import pytest

from portal.merchants import words
from portal.merchants.rules import (
    FAILED,
    MAY_BE_ASKED,
    MAY_BE_SENT,
    MOVES,
    STEP_DOCUMENTS,
    STEP_FIELDS,
    WALLET_MOVES,
    Function,
    State,
    Step,
    ask_again_after,
    masked_account,
    masked_id_number,
)
from portal.wallets.applications import ApplicationState, Document
from portal.wallets.port import Acquirer


def test_every_state_has_its_line_in_the_table_and_its_words() -> None:
    assert set(MOVES) == set(State) == set(words.STATE_WORDS)
    assert set(WALLET_MOVES) == set(ApplicationState) == set(words.WALLET_STATE_WORDS)
    assert set(words.FUNCTION_WORDS) == set(Function)
    assert set(STEP_FIELDS) == set(STEP_DOCUMENTS) == set(Step) == set(words.STEP_WORDS)
    assert set(words.DOCUMENT_WORDS) == set(Document)
    assert set(words.ACQUIRER_WORDS) == set(Acquirer)


def test_every_state_can_be_reached_and_every_wait_can_end() -> None:
    reached = {State.DRAFT} | {after for moves in MOVES.values() for after in moves}
    assert reached == set(State)
    from_start = {ApplicationState.NOT_SENT} | {after for moves in WALLET_MOVES.values() for after in moves}
    assert from_start == set(ApplicationState)
    for state in MAY_BE_ASKED | MAY_BE_SENT:
        assert WALLET_MOVES[state], f"{state} is waited in but leads nowhere"
    assert all(not WALLET_MOVES[state] for state in FAILED | {ApplicationState.FINISHED})


def test_it_asks_soon_at_first_and_ever_more_seldom() -> None:
    waits = [ask_again_after(timedelta(seconds=age)) for age in (0, 30, 120, 1800, 7200, 10**6)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=2)
    assert waits[-1] == timedelta(hours=1)


@pytest.mark.parametrize(("number", "shown"), [("360426199101010071", "3604**********0071"), ("", "")])
def test_an_id_number_is_masked(number: str, shown: str) -> None:
    assert masked_id_number(number) == shown


def test_a_card_number_is_masked() -> None:
    assert masked_account("6222021203008846213") == "**** 6213"
