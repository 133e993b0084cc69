"""The same fact fifty times at once, and facts whose order is upside down."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.payments import flows
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.suspense import queries as suspense
from portal.suspense.rules import UNSETTLED
from portal.values.references import Kind, mint
from portal.wallets.port import Acquirer, Notice, PaymentAnswer, PaymentState
from tests.factories.wallets import ScriptedWallet
from tests.portal.notices.conftest import SHOP, Books, Message, Scripted, Teller, Wechat, answer_of
from tests.portal.notices.test_payments import booked

MANY = 50


@pytest.mark.parametrize("teller", ["scripted", "wechat"], indirect=True)
def test_fifty_at_a_barrier_are_one_credit(app: Flask, teller: Teller, books: Books) -> None:
    """Ten notices of one payment, each told five times, all let go at once. Whoever finds no connection in time hears
    "not now" and tells it again."""
    number = books.order(teller.acquirer)
    messages = [teller.paid(number, telling=telling) for telling in range(10)] * 5
    assert len(messages) == MANY
    started = threading.Barrier(MANY)
    answers: list[tuple[Message, int]] = []

    def send(message: Message) -> None:
        client = app.test_client()
        started.wait()
        answers.append((message, answer_of(message.send(client))[0]))

    threads = [threading.Thread(target=send, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for _, status in answers} <= {204, 503}
    for message in [message for message, status in answers if status == 503]:
        assert answer_of(message.send(app.test_client())) == teller.yes
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), *[(SHOP, "ignored", "already_booked")] * 9]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.success"]


@pytest.mark.parametrize("said", [PaymentState.UNPAID, PaymentState.CLOSED, PaymentState.FAILED])
def test_a_stale_answer_to_a_question_takes_no_payment_back_and_is_spoken_of(
    client: FlaskClient,
    scripted_teller: Scripted,
    books: Books,
    tools: Tools,
    said: PaymentState,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The notice comes while the wallet is being asked, and what it then answers is older than what it told."""
    number = books.order(Acquirer.WECHAT)

    class Stale(ScriptedWallet):
        def ask_payment(self, *_: object) -> PaymentAnswer:
            assert answer_of(scripted_teller.paid(number).send(client)) == scripted_teller.yes
            return PaymentAnswer(Acquirer.WECHAT, number, said, f"WX{SHOP}")

    asking = replace(tools, wallets={Acquirer.WECHAT: Stale(Acquirer.WECHAT)})
    flows.ask(asking, merchant_id=SHOP, payment_no=number, rung=0)
    assert books.payment(number).state == "success"
    assert books.nets() == booked(scripted_teller)
    if said is PaymentState.CLOSED:
        assert any("had ended already" in record.message for record in caplog.records)


def test_an_order_nobody_knows_has_its_window_and_then_its_money_is_put_aside_for_somebody_to_look_at(
    client: FlaskClient,
    scripted_teller: Scripted,
    books: Books,
    keyring: Keyring,
    staff_db: Database,
    worker: Callable[[], int],
) -> None:
    """Kept and acknowledged at once, asked about ten seconds later, and then in suspense with a case of its own."""
    number = mint(Kind.ORDER, SHOP, key=keyring.reference_key, now=now())
    assert answer_of(scripted_teller.paid(number).send(client)) == scripted_teller.yes
    assert (books.inbox(), books.nets()) == ([(SHOP, "waiting", "unknown_order")], {})
    worker()
    assert books.inbox() == [(SHOP, "orphan", "unknown_order")]
    assert books.nets() == {"clearing:wechat": 1234, "suspense": -1234}
    with staff_db.transaction() as session:
        assert [(row.reason, row.order_no) for row, _ in suspense.cases(session, states=UNSETTLED)] == [
            ("unknown_order", number)
        ]


MIDNIGHT = datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("paid_at", "day"),
    [
        (MIDNIGHT - timedelta(seconds=1), "2026-12-31"),
        (MIDNIGHT, "2027-01-01"),
        (MIDNIGHT + timedelta(minutes=6), "2027-01-01"),
        (datetime(2026, 2, 28, 16, 0, 0, tzinfo=UTC), "2026-03-01"),
    ],
)
def test_money_counts_for_the_day_in_shanghai_on_which_it_was_paid(
    client: FlaskClient, scripted_teller: Scripted, books: Books, paid_at: datetime, day: str
) -> None:
    number = books.order(Acquirer.WECHAT)
    answer = scripted_teller.answer(number, paid_at=paid_at)
    message = scripted_teller.tell(Notice(Acquirer.WECHAT, "N1", "TRANSACTION.SUCCESS", payment=answer))
    assert answer_of(message.send(client)) == scripted_teller.yes
    assert str(books.payment(number).business_date) == day


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 204), (4, 204), (6, 401)])
def test_a_clock_that_is_off_by_six_minutes_is_too_far_off(
    client: FlaskClient, wechat_teller: Wechat, books: Books, minutes: int, status: int
) -> None:
    plain = wechat_teller.order(books.order(Acquirer.WECHAT), amount=1234, transaction="T1")
    message = wechat_teller.tell("TRANSACTION.SUCCESS", plain, at=now() + timedelta(minutes=minutes))
    assert answer_of(message.send(client))[0] == status


DEEP: Mapping[str, Any] = {
    "nested": b"[" * 60_000,
    "nested objects": b'{"a":' * 12_000,
    "told twice": b'{"id":"1","id":"2","resource":{},"resource":{"algorithm":"x"}}',
    "a long number": b'{"id":' + b"9" * 60_000 + b"}",
    "a long name": b'{"' + b"a" * 60_000 + b'":1}',
    "nothing but blanks": b" " * 60_000,
    "not a number": b'{"id":NaN,"create_time":Infinity}',
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("teller", ["wechat", "jdpay"], indirect=True)
def test_a_body_of_a_hostile_shape_is_refused_though_its_signature_is_right(
    client: FlaskClient, teller: Teller, books: Books, shape: str, wechat_side: Any
) -> None:
    body = DEEP[shape]
    headers = wechat_side.headers(body, at=now()) if teller.acquirer is Acquirer.WECHAT else {}
    status, _ = answer_of(Message(teller.path, body, headers).send(client))
    assert status in (400, 401)
    books.assert_untouched()
