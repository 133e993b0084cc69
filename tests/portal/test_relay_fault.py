"""The relay is down for hours: nothing is lost, each merchant's facts come in their order, and everybody can see it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal import worker
from portal.events import operations as events
from portal.events.queries import Happening
from portal.notices.books import measured
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from portal.plumbing.work import Tools

SHOPS = (482913057, 482913058, 482913059)
EACH = 150
HOURS = timedelta(hours=7)


@pytest.fixture
def missed(db: Database) -> None:
    """What happened while nobody carried, in turns; more than one batch for each."""
    for shop in SHOPS:
        with db.transaction(merchant=shop) as session:
            for number in range(EACH):
                at = now() - HOURS + timedelta(seconds=number)
                events.append(session, merchant_id=shop, kind="test.fact", subject=str(number), now=at)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[int, str]]]:
    """`receiver(dies_at=…)`: what is handed on; the receiver dies at that event of the first shop, once or always."""
    seen: list[tuple[int, str]] = []

    def make(dies_at: str | None = None, *, always: bool = False) -> list[tuple[int, str]]:
        left = [dies_at]

        def handle(tools: Tools, session: Session, happening: Happening) -> None:
            if (happening.merchant_id, happening.subject) == (SHOPS[0], left[0]):
                left[0] = dies_at if always else None
                raise RuntimeError("the receiver is down")
            seen.append((happening.merchant_id, happening.subject))

        monkeypatch.setattr(worker, "on_event", handle)
        return seen

    return make


def of(seen: list[tuple[int, str]], shop: int) -> list[str]:
    return [subject for merchant, subject in seen if merchant == shop]


def test_everything_missed_comes_in_order_and_at_least_once(
    missed: None, tools: Tools, receiver: Callable[..., list[tuple[int, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = receiver(dies_at="120")
    clock = [1000.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    relay = worker.Relay(tools)
    for _ in range(EACH):
        relay.carry()
        clock[0] += 700
    everything = [str(number) for number in range(EACH)]
    for shop in SHOPS[1:]:
        assert of(seen, shop) == everything
    first = of(seen, SHOPS[0])
    # The batch in which it died was taken back and is told again from its beginning: the order still holds.
    assert sorted(set(first), key=int) == everything
    assert first[-50:] == everything[-50:]
    assert relay.carry() == 0


def test_how_far_it_is_behind_is_told_until_somebody_hands_it_on_by_hand(
    missed: None, app: Flask, staff_db: Database, receiver: Callable[..., list[tuple[int, str]]]
) -> None:
    assert behind(staff_db) >= HOURS.total_seconds() - 300
    seen = receiver("120", always=True)
    # A hundred at a time: the first shop's second hundred is taken back whole.
    assert carry_by_hand(app) == (1, "400 events carried, 1 merchants behind\n")
    assert behind(staff_db) > 0
    receiver()
    assert carry_by_hand(app) == (0, "50 events carried, 0 merchants behind\n")
    assert behind(staff_db) == 0
    assert all(set(of(seen, shop)) == {str(number) for number in range(EACH)} for shop in SHOPS)


def carry_by_hand(app: Flask) -> tuple[int, str]:
    with app.app_context():
        said = app.test_cli_runner().invoke(args=["carry-events"])
    return said.exit_code, said.output


def behind(staff_db: Database) -> int:
    with staff_db.transaction() as session:
        lines = measured(session, now=now())
    return int(next(line for line in lines if line.startswith("yima_relay_behind_seconds ")).rsplit(" ", 1)[1])
