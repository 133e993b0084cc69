import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.identity import operations as identity
from portal.identity.operations import token_hash
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.today import feed
from portal.today.feed import Pace, start_after, stream
from tests.factories.payments import add_payment
from tests.portal.stall import SHOP, STRANGER

QUICK = Pace(poll=0.01, beat=0.05, life=0.4)


def listen(
    db: Database, *, after: int = 0, pace: Pace = QUICK, allowed: Callable[[], bool] = lambda: True
) -> Iterator[str]:
    return stream(db, SHOP, after=after, still_allowed=allowed, clock=now, pace=pace)


def messages(chunks: Iterator[str]) -> list[tuple[int, dict[str, object]]]:
    """Id and data of every message of the default type."""
    found = []
    for chunk in chunks:
        match = re.fullmatch(r"id: (\d+)\ndata: (.*)\n\n", chunk)
        if match:
            found.append((int(match[1]), json.loads(match[2])))
    return found


def test_every_fact_is_one_message_with_its_number(db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=1_234, now=now())
    told = messages(listen(db))
    assert [(seq, fact["kind"], fact["subject"]) for seq, fact in told] == [
        (1, "payment.created", number),
        (2, "payment.success", number),
    ]
    assert told[1][1]["facts"] == {"amount": 1234, "wallet": "wechat", "number": 1, "late": False}


def test_a_browser_that_comes_back_misses_and_repeats_nothing(db: Database, keyring: Keyring) -> None:
    for amount in (1, 2, 3):
        add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=now())
    assert [seq for seq, _ in messages(listen(db, after=4))] == [5, 6]


def test_what_happens_while_it_listens_is_told(db: Database, keyring: Keyring) -> None:
    line = listen(db, pace=replace(QUICK, life=5))
    assert next(line) == "retry: 2000\n\n"
    assert "event: beat" in next(line)
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=now())
    assert any('"payment.success"' in chunk for chunk, _ in zip(line, range(5), strict=False))


def test_a_beat_is_seen_by_proxies_and_by_script(db: Database) -> None:
    beats = [chunk for chunk in listen(db) if "beat" in chunk]
    assert len(beats) >= 4
    assert all(re.fullmatch(r": still here\nevent: beat\ndata: \d\d:\d\d:\d\d\n\n", beat) for beat in beats)


def test_beats_come_more_often_than_silence_is_noticed() -> None:
    assert feed.BEAT_SECONDS * 2 < 15


def test_the_line_ends_by_itself(db: Database) -> None:
    assert list(listen(db, pace=replace(QUICK, life=0.05)))[-1].endswith("\n\n")


def test_a_line_ends_when_its_sign_in_does(db: Database) -> None:
    answers = iter([True, False])
    assert len(list(listen(db, pace=replace(QUICK, life=60), allowed=lambda: next(answers)))) == 2


def test_no_connection_is_held_between_two_looks(db: Database, keyring: Keyring) -> None:
    line = listen(db)
    for _ in range(2):
        next(line)
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=now())
    next(line)
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_another_shops_facts_are_never_told(db: Database, keyring: Keyring, strangers_browser: FlaskClient) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=now())
    assert messages(stream(db, STRANGER, after=0, still_allowed=lambda: True, clock=now, pace=QUICK)) == []


@pytest.mark.parametrize(
    ("header", "asked", "start"),
    [
        ("7", "3", 7),
        (None, "3", 3),
        (None, None, 0),
        ("x", "3", 3),
        ("-1", None, 0),
        ("٣", None, 0),
        ("9" * 30, "2", 2),
    ],
)
def test_where_to_go_on(header: str | None, asked: str | None, start: int) -> None:
    assert start_after(header, asked) == start


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "Pace", lambda: QUICK)


@pytest.mark.usefixtures("quick")
def test_the_address_serves_the_feed_unbuffered(owners_browser: FlaskClient, db: Database, keyring: Keyring) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=now())
    response = owners_browser.get("/events?after=1", headers={"Last-Event-ID": ""})
    assert response.mimetype == "text/event-stream"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Cache-Control"] == "no-store"
    assert "id: 2\n" in response.get_data(as_text=True)
    assert "id: 1\n" not in response.get_data(as_text=True)


@pytest.mark.usefixtures("quick")
def test_what_the_browser_has_seen_goes_before_what_the_page_says(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=now())
    assert "id:" not in owners_browser.get("/events?after=0", headers={"Last-Event-ID": "2"}).get_data(as_text=True)


@pytest.mark.usefixtures("quick")
def test_only_the_portals_own_page_may_read_it_from_another_port(owners_browser: FlaskClient) -> None:
    ours = owners_browser.get("/events", headers={"Origin": "http://127.0.0.1:8000"})
    assert ours.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:8000"
    assert ours.headers["Access-Control-Allow-Credentials"] == "true"
    theirs = owners_browser.get("/events", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in theirs.headers


@pytest.mark.usefixtures("quick")
def test_signing_out_ends_the_line(owners_browser: FlaskClient, db: Database) -> None:
    with owners_browser.session_transaction() as cookie:
        token = cookie["_user_id"]
    line = owners_browser.get("/events")
    with db.transaction() as session:
        identity.sign_out(session, token_hash(token), now=now())
    assert line.get_data(as_text=True).count("event: beat") <= 1


def test_the_web_process_shows_the_way_to_the_events_process(app: Flask, owners_browser: FlaskClient) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], events_url="http://127.0.0.1:8002")
    response = owners_browser.get("/events?after=7")
    assert (response.status_code, response.location) == (307, "http://127.0.0.1:8002/events?after=7")


def test_nobody_listens_without_signing_in(client: FlaskClient) -> None:
    assert client.get("/events").location.startswith("/login")
