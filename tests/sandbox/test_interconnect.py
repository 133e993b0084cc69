"""The clearing institution's stand-in: its directory, routing, messages, refunds flowing back, and its file."""

import base64
import csv
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox import clock
from sandbox.interconnect import clearing, returning, routing, states
from sandbox.interconnect.directory import OTHER, OWN, PERSONAL, SEEDS, every, resolve
from sandbox.payers.money import CannotPay
from sandbox.wechat import arriving
from tests.sandbox.wechat_merchant import Provider

PERSON, ELSEWHERE = SEEDS[0][0], SEEDS[1][0]
CODES = {PERSONAL: PERSON, OTHER: ELSEWHERE}
URL = "http://127.0.0.1:8000/notify/interconnect"


def own_code(sandbox: Flask) -> str:
    with sandbox.extensions["store"].reading() as connection:
        return next(holder.text for holder in every(connection) if holder.holding == OWN)


def pay(sandbox: Flask, text: str, amount: int = 2_000, wallet: str = "jdpay", payer: str = "demo") -> dict[str, Any]:
    answer = sandbox.test_client().post(
        "/control/interconnect/pay", json={"text": text, "amount": amount, "wallet": wallet, "payer": payer}
    )
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def reduce_next(sandbox: Flask, amount: int) -> None:
    answer = sandbox.test_client().post("/payers/demo/jdpay", json={"next_reduction": amount})
    assert answer.status_code == 200, answer.json


def arm(sandbox: Flask, name: str) -> None:
    wish = {"institution": "interconnect", "name": name}
    assert sandbox.test_client().post("/control/faults", json=wish).status_code in (200, 201)


def move(sandbox: Flask, **wish: object) -> None:
    assert sandbox.test_client().post("/control/clock", json=wish).status_code == 200


def a_morning(sandbox: Flask) -> str:
    """The day, at an hour at which it does not end during the test."""
    move(sandbox, to="next_morning")
    with sandbox.extensions["store"].reading() as connection:
        return clock.beijing(clock.now(connection)).date().isoformat()


def clear(sandbox: Flask) -> None:
    move(sandbox, advance_seconds=2)
    clearing.advancing(URL)(sandbox.extensions["store"])


def steps(sandbox: Flask, number: object) -> list[str]:
    with sandbox.extensions["store"].reading() as connection:
        return [str(step["state"]) for step in states.steps(connection, str(number))]


def outbox(sandbox: Flask, sender: str) -> list[dict[str, Any]]:
    with sandbox.extensions["store"].reading() as connection:
        rows = connection.execute("SELECT payload FROM outbox WHERE sender = ? ORDER BY id", (sender,))
        return [json.loads(row["payload"]) for row in rows]


def money_of(sandbox: Flask, payer: str = "demo", wallet: str = "jdpay") -> int:
    with sandbox.extensions["store"].reading() as connection:
        (cards,) = connection.execute(
            "SELECT coalesce(sum(money), 0) FROM payer_cards WHERE payer = ? AND wallet = ?", (payer, wallet)
        ).fetchone()
    return int(cards)


def call(sandbox: Flask, method: str, path: str, body: bytes = b"", **bent: str) -> TestResponse:
    """A request signed by other hands than the sandbox's."""
    client = sandbox.test_client()
    given = client.get("/credentials").json["interconnect"]
    stamp, nonce = bent.get("stamp", str(int(time.time()))), bent.get("nonce", uuid.uuid4().hex)
    text = f"{method}\n{path}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
    mac = hmac.new(bent.get("key", given["key"]).encode(), text, hashlib.sha256).digest()
    headers = {
        "Interconnect-Key-Id": bent.get("key_id", given["key_id"]),
        "Interconnect-Timestamp": stamp,
        "Interconnect-Nonce": nonce,
        "Interconnect-Signature": base64.b64encode(mac).decode(),
    }
    return client.open(path, method=method, data=bent.get("sent", "").encode() or body, headers=headers)


def ask(sandbox: Flask, text: object, **bent: str) -> TestResponse:
    return call(sandbox, "POST", "/interconnect/codes/resolve", json.dumps({"code": text}).encode(), **bent)


def test_a_person_is_told_by_the_last_character_of_his_name(sandbox: Flask) -> None:
    with sandbox.extensions["store"].reading() as connection:
        holder = resolve(connection, PERSON.replace("wxp", "WXP"))
    assert holder is not None
    assert (holder.holding, holder.holder_name) == (PERSONAL, "**珍")


def test_the_directory_answers_its_members_and_signs_what_it_says(sandbox: Flask) -> None:
    answer = ask(sandbox, own_code(sandbox))
    assert answer.json["holding"] == OWN
    assert answer.json["merchant_no"] == sandbox.extensions["keys"].wechat_sub_mchid
    stamp, nonce = (answer.headers[f"Interconnect-{name}"] for name in ("Timestamp", "Nonce"))
    key = sandbox.extensions["keys"].interconnect_key.encode()
    mac = hmac.new(key, f"{stamp}\n{nonce}\n".encode() + answer.data + b"\n", hashlib.sha256).digest()
    assert answer.headers["Interconnect-Signature"] == base64.b64encode(mac).decode()
    assert "merchant_no" not in ask(sandbox, ELSEWHERE).json
    assert (ask(sandbox, "wxp://nobody").status_code, ask(sandbox, "wxp://nobody").json) == (
        404,
        {"code": "UNKNOWN_CODE"},
    )
    assert ask(sandbox, 5).status_code == 400


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"key": "x" * 64}, "SIGNATURE"),
        ({"key_id": "K9"}, "UNKNOWN_KEY"),
        ({"stamp": str(int(time.time()) - 400)}, "STALE"),
        ({"stamp": "soon"}, "HEADERS"),
        ({"nonce": "short"}, "HEADERS"),
        ({"sent": '{"code": "wxp://other"}'}, "SIGNATURE"),
    ],
    ids=["another-key", "unknown-key", "stale", "no-time", "short-nonce", "another-body"],
)
def test_a_request_that_no_member_signed_is_refused(sandbox: Flask, bent: dict[str, str], code: str) -> None:
    answer = ask(sandbox, PERSON, **bent)
    assert (answer.status_code, answer.json) == (401, {"code": code})


def test_a_nonce_counts_once_and_the_next_key_counts_too(sandbox: Flask) -> None:
    nonce = uuid.uuid4().hex
    assert ask(sandbox, PERSON, nonce=nonce).status_code == 200
    assert ask(sandbox, PERSON, nonce=nonce).json == {"code": "REPLAYED"}
    keys = sandbox.extensions["keys"]
    following = {"key_id": keys.interconnect_next_key_id, "key": keys.interconnect_next_key}
    assert ask(sandbox, PERSON, **following).status_code == 200


@pytest.mark.parametrize("holding", [PERSONAL, OTHER])
def test_a_payment_no_public_interface_reports_is_told_by_a_message_of_our_own(sandbox: Flask, holding: str) -> None:
    shown = pay(sandbox, CODES[holding])
    assert (shown["state"], shown["holding"], shown["payer_total"]) == ("AUTHORISED", holding, 2_000)
    (told,) = outbox(sandbox, "interconnect")
    assert (told["event"], told["plain"]["code"], told["plain"]["amount"]) == ("CODE.PAID", CODES[holding], 2_000)
    assert "merchant_no" not in told["plain"]
    assert outbox(sandbox, "wechat") == []


def test_a_jd_payer_at_a_code_of_our_sub_merchant_is_wechats_to_tell(sandbox: Flask) -> None:
    reduce_next(sandbox, 300)
    before = money_of(sandbox)
    shown = pay(sandbox, own_code(sandbox))
    assert (shown["amount"], shown["payer_total"]) == (2_000, 1_700)
    assert before - money_of(sandbox) == 1_700
    (told,) = outbox(sandbox, "wechat")
    plain = told["plain"]
    assert (plain["transaction_id"], plain["out_trade_no"]) == (shown["transaction_id"], shown["number"])
    assert (plain["bank_type"], plain["amount"]["payer_total"]) == ("OTHERS", 1_700)
    assert (plain["promotion_detail"][0]["other_contribute"], plain["promotion_detail"][0]["amount"]) == (300, 300)
    assert "payer" not in plain
    assert outbox(sandbox, "interconnect") == []
    clear(sandbox)
    (routed,) = outbox(sandbox, "interconnect")
    assert routed["event"] == "PAYMENT.ROUTED"
    assert (routed["plain"]["account_side"], routed["plain"]["transaction_id"]) == ("jdpay", shown["transaction_id"])
    assert routed["plain"]["promotions"][0]["paid_by"] == "wallet"


def test_a_wechat_payer_at_a_wechat_code_is_nobodys_routing(sandbox: Flask) -> None:
    shown = pay(sandbox, own_code(sandbox), wallet="wechat")
    clear(sandbox)
    assert shown["clearing_no"] is None
    (told,) = outbox(sandbox, "wechat")
    assert told["plain"]["payer"]["sp_openid"]
    assert outbox(sandbox, "interconnect") == []


def test_a_payment_goes_through_its_states_in_order(sandbox: Flask) -> None:
    number = pay(sandbox, own_code(sandbox))["clearing_no"]
    clear(sandbox)
    move(sandbox, to="next_morning")
    clear(sandbox)
    assert steps(sandbox, number) == [
        "RESOLVED",
        "CREATED",
        "USER_CONFIRMING",
        "AUTHORISED",
        "CLEARED",
        "SETTLED",
    ]
    with sandbox.extensions["store"].writing() as connection, pytest.raises(states.OutOfOrder):
        states.move(connection, str(number), "AUTHORISED", 0)


@pytest.mark.parametrize("holding", [OWN, PERSONAL])
def test_an_acquirer_that_does_not_answer_is_reversed_and_the_payer_keeps_his_money(
    sandbox: Flask, holding: str
) -> None:
    pay(sandbox, ELSEWHERE, 1)
    before, text = money_of(sandbox), CODES.get(holding) or own_code(sandbox)
    arm(sandbox, "accept_then_time_out")
    shown = pay(sandbox, text)
    clear(sandbox)
    assert shown["state"] == "REVERSED"
    assert steps(sandbox, shown["clearing_no"])[-2:] == ["AUTHORISED", "REVERSED"]
    assert money_of(sandbox) == before
    assert len(outbox(sandbox, "interconnect")) == 1
    assert outbox(sandbox, "wechat") == []


@pytest.mark.parametrize(
    ("text", "amount", "wallet"),
    [("wxp://nobody", 100, "jdpay"), (PERSON, 0, "jdpay"), (PERSON, 100, "alipay"), (PERSON, 50_001, "jdpay")],
)
def test_what_cannot_be_paid_changes_nothing(sandbox: Flask, text: str, amount: int, wallet: str) -> None:
    answer = sandbox.test_client().post(
        "/control/interconnect/pay", json={"text": text, "amount": amount, "wallet": wallet}
    )
    assert answer.status_code == 400
    assert sandbox.test_client().get("/control/interconnect").json == []


def test_an_acquirer_that_refuses_leaves_no_trace(sandbox: Flask) -> None:
    arm(sandbox, "refuse")
    with sandbox.app_context(), sandbox.extensions["store"].writing() as connection, pytest.raises(CannotPay):
        routing.pay(
            connection, text=PERSON, amount=1, wallet="jdpay", payer="demo", openid=None, now=clock.now(connection)
        )
    assert outbox(sandbox, "interconnect") == []


def refund(sandbox: Flask, shown: dict[str, Any], number: str, amount: int) -> None:
    provider = Provider(sandbox)
    body = {
        "sub_mchid": provider.given["sub_mchid"],
        "transaction_id": shown["transaction_id"],
        "out_refund_no": number,
        "amount": {"refund": amount, "total": shown["amount"], "currency": "CNY"},
    }
    answer = provider.call("POST", "/v3/refund/domestic/refunds", body)
    assert answer.status_code == 200, answer.json


def test_a_refund_flows_back_over_the_clearing_to_the_account_side(sandbox: Flask) -> None:
    reduce_next(sandbox, 300)
    shown = pay(sandbox, own_code(sandbox))
    clear(sandbox)
    before, store = money_of(sandbox), sandbox.extensions["store"]
    refund(sandbox, shown, "R1", 1_000)
    returning.follow_due(store)
    assert steps(sandbox, shown["clearing_no"])[-1] == "REFUNDING"
    move(sandbox, advance_seconds=60)
    arriving.finish_due(store)
    returning.follow_due(store)
    assert steps(sandbox, shown["clearing_no"])[-2:] == ["REFUNDING", "REFUNDED"]
    assert money_of(sandbox) - before == 850
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM interconnect_refunds").fetchone()
    assert (row["amount"], row["payer_amount"], row["out_refund_no"]) == (1_000, 850, "R1")


def the_file(sandbox: Flask, day: str) -> TestResponse:
    return call(sandbox, "GET", f"/interconnect/clearing?date={day}")


def test_the_file_of_a_day_can_be_fetched_from_ten_the_next_morning(sandbox: Flask) -> None:
    day = a_morning(sandbox)
    reduce_next(sandbox, 300)
    shown = pay(sandbox, own_code(sandbox))
    pay(sandbox, PERSON, 500, wallet="wechat")
    clear(sandbox)
    refund(sandbox, shown, "R1", 1_000)
    move(sandbox, advance_seconds=5)
    arriving.finish_due(sandbox.extensions["store"])
    returning.follow_due(sandbox.extensions["store"])
    assert the_file(sandbox, day).json == {"code": "NOT_READY"}
    move(sandbox, to="next_morning")
    answer = the_file(sandbox, day)
    lines = answer.get_data(as_text=True).splitlines()
    payment, back = csv.DictReader(lines[:-1])
    assert (payment["kind"], payment["amount"], payment["payer_amount"], payment["promotion_amount"]) == (
        "payment",
        "2000",
        "1700",
        "300",
    )
    assert (back["kind"], back["amount"], back["payer_amount"], back["transaction_id"]) == (
        "refund",
        "1000",
        "850",
        shown["transaction_id"],
    )
    assert lines[-1] == "total,1,2000,1,1000"
    stamp, nonce = (answer.headers[f"Interconnect-{name}"] for name in ("Timestamp", "Nonce"))
    digest = hashlib.sha256(answer.data).hexdigest()
    key = sandbox.extensions["keys"].interconnect_key.encode()
    mac = hmac.new(key, f"{stamp}\n{nonce}\n{digest}\n".encode(), hashlib.sha256).digest()
    assert answer.headers["Interconnect-Signature"] == base64.b64encode(mac).decode()


@pytest.mark.parametrize(
    ("name", "count", "last"),
    [
        ("bill_missing_line", 1, "total,2,2500,0,0"),
        ("bill_duplicate_line", 3, "total,2,2500,0,0"),
        ("bill_changed_amount", 2, "total,2,2500,0,0"),
        ("bill_wrong_summary", 2, "total,2,2501,0,0"),
    ],
)
def test_the_file_lies_on_demand(sandbox: Flask, name: str, count: int, last: str) -> None:
    day = a_morning(sandbox)
    pay(sandbox, own_code(sandbox))
    pay(sandbox, PERSON, 500)
    clear(sandbox)
    move(sandbox, to="next_morning")
    arm(sandbox, name)
    lines = the_file(sandbox, day).get_data(as_text=True).splitlines()
    assert (len(lines) - 2, lines[-1]) == (count, last)
    amounts = [int(line["amount"]) for line in csv.DictReader(lines[:-1])]
    # Which of two payments of one moment stands first is nobody's business.
    assert bool({501, 2_001} & set(amounts)) is (name == "bill_changed_amount")


@pytest.mark.parametrize("day", ["", "today", "2026-13-01", "20261122"])
def test_a_day_that_is_none_is_refused(sandbox: Flask, day: str) -> None:
    assert the_file(sandbox, day).json == {"code": "BAD_DATE"}


def test_a_payment_can_be_asked_after(sandbox: Flask) -> None:
    number = pay(sandbox, own_code(sandbox))["clearing_no"]
    told = call(sandbox, "GET", f"/interconnect/payments/{number}").json
    assert (told["state"], told["account_side"], len(told["steps"])) == ("AUTHORISED", "jdpay", 4)
    assert call(sandbox, "GET", "/interconnect/payments/1").json == {"code": "UNKNOWN_PAYMENT"}


def test_more_codes_can_be_filed_once_each(sandbox: Flask) -> None:
    client, wish = sandbox.test_client(), {"text": "WXP://f2f0another", "holding": PERSONAL, "holder_name": "周建国"}
    assert client.post("/control/codes", json=wish).status_code == 201
    assert client.post("/control/codes", json=wish).status_code == 400
    assert client.post("/control/codes", json=wish | {"text": "x", "holding": OWN}).status_code == 400
    assert ("wxp://f2f0another", "**国") in [
        (code["text"], code["holder_name"]) for code in client.get("/control/codes").json
    ]
