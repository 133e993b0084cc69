"""The process that prints, seen from the one that asks."""

import os
import time
from collections.abc import Iterator

import pytest

from portal.plumbing.press import Press, PressFailed, PressRefused

_CHILD = "tests.portal.plumbing.press_child"


@pytest.fixture
def press() -> Iterator[Press]:
    press = Press(_CHILD, deadline=5)
    yield press
    press.close()


def test_it_answers_and_keeps_its_child(press: Press) -> None:
    assert press.ask({"do": "echo", "text": "豆腐" * 2000}) == ("豆腐" * 2000).encode()
    assert press.ask({"do": "who"}) == press.ask({"do": "who"})


def test_what_a_library_prints_does_not_reach_the_answer(press: Press) -> None:
    assert press.ask({"do": "chatter"}) == b"clean"
    assert press.ask({"do": "echo", "text": "next"}) == b"next"


def test_a_refusal_arrives_with_reason_and_facts(press: Press) -> None:
    with pytest.raises(PressRefused) as refusal:
        press.ask({"do": "refuse"})
    assert refusal.value.reason == "no_ink"
    assert refusal.value.facts == {"colour": "teal"}


def test_a_failure_is_told_and_the_next_request_is_served(press: Press) -> None:
    with pytest.raises(PressFailed, match="paper jam"):
        press.ask({"do": "break"})
    assert press.ask({"do": "echo", "text": "well"}) == b"well"


def test_a_child_that_hangs_is_killed_at_the_deadline_and_replaced() -> None:
    press = Press(_CHILD, deadline=1.5)
    try:
        first = press.ask({"do": "who"})
        began = time.monotonic()
        with pytest.raises(PressFailed, match="slow"):
            press.ask({"do": "sleep"})
        assert time.monotonic() - began < 4
        with pytest.raises(ProcessLookupError):
            os.kill(int(first), 0)
        assert press.ask({"do": "who"}) != first
    finally:
        press.close()


def test_a_child_that_dies_at_every_attempt_is_a_failure(press: Press) -> None:
    with pytest.raises(PressFailed):
        press.ask({"do": "die"})
    assert press.ask({"do": "echo", "text": "again"}) == b"again"


def test_a_child_cannot_take_all_memory(press: Press) -> None:
    with pytest.raises(PressFailed, match="MemoryError"):
        press.ask({"do": "swell"})


def test_a_child_inherits_no_settings(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    names = press.ask({"do": "settings"}).decode().split("\n")
    assert "DATABASE_URL" not in names
    assert "PATH" in names


def test_it_refuses_a_request_beyond_32_kilobytes(press: Press) -> None:
    with pytest.raises(PressFailed, match="long"):
        press.ask({"do": "echo", "text": "x" * 40_000})


def test_warming_starts_the_child_before_it_is_asked(press: Press) -> None:
    press.warm()
    press.warm()
    assert press.ask({"do": "echo", "text": "ready"}) == b"ready"
