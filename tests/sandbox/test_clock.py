"""The business clock: only forward, for the portal in a file, and everything of business walks with it."""

import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from sandbox import clock
from sandbox.factory import create_app
from tests.sandbox.jd_merchant import Merchant, eventually
from tests.sandbox.paying import refunded, wechat_paid
from tests.sandbox.receiver import Receiver


def told(sandbox: Flask) -> dict[str, object]:
    return sandbox.test_client().get("/control/clock").json


def published(sandbox: Flask) -> dict[str, int]:
    return json.loads(sandbox.config["CLOCK_FILE"].read_text())


def moved(sandbox: Flask, **wish: object) -> dict[str, object]:
    answer = sandbox.test_client().post("/control/clock", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json


def seconds_between(one: object, other: object) -> float:
    return (datetime.fromisoformat(str(one)) - datetime.fromisoformat(str(other))).total_seconds()


def test_a_fresh_sandbox_keeps_real_time(sandbox: Flask) -> None:
    assert told(sandbox)["offset_seconds"] == 0
    assert told(sandbox)["now"] == told(sandbox)["real"]
    assert published(sandbox) == {"offset_seconds": 0}


def test_it_moves_forward_and_tells_the_portal_in_a_file(sandbox: Flask) -> None:
    moved(sandbox, advance_seconds=3600)
    answer = moved(sandbox, advance_seconds=86400)
    assert answer["offset_seconds"] == 90000
    assert seconds_between(answer["now"], answer["real"]) == 90000
    assert published(sandbox) == {"offset_seconds": 90000}
    assert sandbox.config["CLOCK_FILE"].name == "business-clock.json"


def test_it_goes_to_a_named_moment(sandbox: Flask) -> None:
    wish = datetime.fromtimestamp(time.time() + 5 * 86400, clock.BEIJING).replace(microsecond=0)
    assert abs(seconds_between(moved(sandbox, to=wish.isoformat())["now"], wish.isoformat())) <= 1


def test_the_next_day_at_five_past_ten_is_when_bills_are_ready(sandbox: Flask) -> None:
    before = datetime.fromisoformat(str(told(sandbox)["now"]))
    after = datetime.fromisoformat(str(moved(sandbox, to="next_morning")["now"]))
    assert (after.date() - before.date()).days == 1
    assert (after.hour, after.minute) == (10, 5)


@pytest.mark.parametrize(
    "wish",
    [
        {"advance_seconds": -1},
        {"advance_seconds": "soon"},
        {"advance_seconds": 1e12},
        {"advance_seconds": 1e999},
        {"to": "2020-01-01T00:00:00+08:00"},
        {"to": "tomorrow"},
        {"to": None},
        {},
    ],
)
def test_it_does_not_go_back_nor_to_no_time_at_all(sandbox: Flask, wish: dict[str, object]) -> None:
    answer = sandbox.test_client().post("/control/clock", json=wish)
    assert (answer.status_code, list(answer.json)) == (400, ["error"])
    assert told(sandbox)["offset_seconds"] == 0


@pytest.mark.parametrize("body", ["[]", "1", '"x"'])
def test_it_wants_an_object(sandbox: Flask, body: str) -> None:
    answer = sandbox.test_client().post("/control/clock", data=body, content_type="application/json")
    assert answer.status_code == 400


def test_the_buttons_of_the_page_move_it_and_come_back(sandbox: Flask) -> None:
    client = sandbox.test_client()
    page = client.get("/control", headers={"Accept": "text/html"}).text
    assert all(f'value="{value}"' in page for value in ("next_morning", "3600", "86400", "2592000"))
    answer = client.post("/control/clock", data={"advance_seconds": "2592000", "back": "/control/books"})
    assert (answer.status_code, answer.location) == (303, "/control/books")
    assert told(sandbox)["offset_seconds"] == 2592000
    elsewhere = client.post("/control/clock", data={"advance_seconds": "1", "back": "//evil.example"})
    assert elsewhere.location == "/control"


def test_a_wrong_wish_on_the_page_keeps_what_was_typed(sandbox: Flask) -> None:
    page = sandbox.test_client().post("/control/clock", data={"to": "2020-01-01T00:00"})
    assert page.status_code == 400
    assert "时钟只能往前拨" in page.text
    assert 'value="2020-01-01T00:00"' in page.text


def test_it_survives_a_restart(sandbox: Flask, tmp_path: Path) -> None:
    moved(sandbox, advance_seconds=86400)
    sandbox.extensions["notifier"].stop()
    sandbox.config["CLOCK_FILE"].unlink()
    again = create_app({"PORTAL_MODE": "demo", "PORTAL_DATA_DIR": str(tmp_path)})
    again.extensions["notifier"].stop()
    assert told(again)["offset_seconds"] == 86400
    assert published(again) == {"offset_seconds": 86400}


def test_what_is_paid_after_a_move_is_in_the_books_of_the_later_day(sandbox: Flask) -> None:
    client = sandbox.test_client()
    today = client.get("/control/books").json["date"]
    moved(sandbox, advance_seconds=86400)
    wechat_paid(sandbox)
    tomorrow = client.get("/control/books").json
    assert (tomorrow["date"] > today, len(tomorrow["wechat"])) == (True, 1)
    assert client.get(f"/control/books?date={today}").json["wechat"] == []


def test_a_signature_carries_real_time_however_late_business_is(sandbox: Flask, receiver: Receiver) -> None:
    moved(sandbox, advance_seconds=30 * 86400)
    wechat_paid(sandbox, url=receiver.url)
    assert abs(time.time() - int(receiver.next().headers["Wechatpay-Timestamp"])) < 60


def test_a_refund_due_tomorrow_arrives_when_tomorrow_comes(sandbox: Flask, receiver: Receiver) -> None:
    sandbox.test_client().post("/control/settings", json={"refund_seconds": 86400})
    provider = wechat_paid(sandbox)
    refunded(provider, notify_url=receiver.url)
    assert receiver.is_quiet(0.3)
    moved(sandbox, advance_seconds=86401)
    assert receiver.next().body


def test_a_day_is_settled_on_the_next_morning(sandbox: Flask) -> None:
    provider, merchant = wechat_paid(sandbox), Merchant(sandbox)
    merchant.pay(merchant.order("J1", 1000))
    client = sandbox.test_client()
    before = client.get("/control/books").json
    day = before["date"]
    moved(sandbox, to="next_morning")

    def settled() -> tuple[int, int]:
        totals = client.get(f"/control/books?date={day}").json["totals"]
        jd_sums = totals["jd"][merchant.credentials["merchant_no"]]
        return totals["wechat"][provider.given["sub_mchid"]]["settled"], jd_sums["settled"]

    eventually(lambda: settled()[0])
    assert settled() == (1229, 996)
    assert before["settled_at"] == {"wechat": None, "jd": None}
    after = client.get(f"/control/books?date={day}").json["settled_at"]
    assert (after["wechat"][11:16], after["jd"][11:16]) == ("06:00", "09:00")
