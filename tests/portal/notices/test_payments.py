"""What a signed notice of a payment does: to the reply, the inbox, the ledger and the feed."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.payments import operations
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.values.references import Kind, mint
from portal.wallets.port import Notice, PaymentState
from tests.portal.notices.conftest import OTHER, SHOP, Books, Jd, Message, Scripted, Teller, Wechat, answer_of

# 12.34 yuan at 0.38 %: the fee is 4.6892 fen, rounded to 5.
FEE = 5
SUSPENDED = "payment.unexplained"


def booked(teller: Teller) -> dict[str, int]:
    return {
        f"clearing:{teller.acquirer}": 1234 - FEE,
        f"fee:{teller.acquirer}": FEE,
        "merchant_payable": -1234,
    }


def suspended(teller: Teller, amount: int) -> dict[str, int]:
    return {f"clearing:{teller.acquirer}": amount, "suspense": -amount}


def test_a_payment_is_booked_and_acknowledged(client: FlaskClient, teller: Teller, books: Books) -> None:
    number = books.order(teller.acquirer)
    assert answer_of(teller.paid(number).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.success"]
    payment = books.payment(number)
    assert (payment.state, payment.transaction_no, payment.day_number) == ("success", "T1", 1)


def test_the_same_notice_again_has_no_second_effect(client: FlaskClient, teller: Teller, books: Books) -> None:
    message = teller.paid(books.order(teller.acquirer))
    assert [answer_of(message.send(client)) for _ in range(3)] == [teller.yes] * 3
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.success"]


def test_another_notice_of_the_same_payment_has_no_second_effect(
    client: FlaskClient, teller: Teller, books: Books
) -> None:
    number = books.order(teller.acquirer)
    for telling in (1, 2):
        assert answer_of(teller.paid(number, telling=telling).send(client)) == teller.yes
    again = [(SHOP, "ignored", "already_booked")] if teller.numbered else []
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), *again]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.success"]


def test_twenty_at_once_have_one_effect(app: Flask, teller: Teller, books: Books) -> None:
    number = books.order(teller.acquirer)
    # Five notices of one payment, each sent four times.
    messages = [teller.paid(number, telling=telling) for telling in range(5)] * 4
    answers = at_once(app, messages)
    assert answers == [teller.yes] * 20
    again = [(SHOP, "ignored", "already_booked")] * 4 if teller.numbered else []
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), *again]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.success"]


def at_once(app: Flask, messages: list[Message]) -> list[tuple[int, bytes]]:
    answers: list[tuple[int, bytes]] = []
    started = threading.Barrier(len(messages))

    def send(message: Message) -> None:
        client = app.test_client()
        started.wait()
        answers.append(answer_of(message.send(client)))

    threads = [threading.Thread(target=send, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_payments_of_many_orders_at_once_are_all_booked(app: Flask, teller: Teller, books: Books) -> None:
    numbers = [books.order(teller.acquirer) for _ in range(12)]
    messages = [teller.paid(number, transaction=f"T{place}") for place, number in enumerate(numbers)]
    assert at_once(app, messages) == [teller.yes] * 12
    assert books.nets() == {code: 12 * net for code, net in booked(teller).items()}
    assert sorted(books.payment(number).day_number or 0 for number in numbers) == list(range(1, 13))


def test_a_wrong_amount_is_kept_aside_and_the_order_stays_open(
    client: FlaskClient, teller: Teller, books: Books
) -> None:
    number = books.order(teller.acquirer)
    assert answer_of(teller.paid(number, amount=1233).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "wrong_amount")]
    assert books.nets() == suspended(teller, 1233)
    assert books.kinds() == [SUSPENDED]
    assert books.payment(number).state == "created"


def test_money_kept_aside_is_kept_once_however_often_it_is_told(
    client: FlaskClient, teller: Teller, books: Books
) -> None:
    number = books.order(teller.acquirer)
    for telling in (1, 2, 3):
        assert answer_of(teller.paid(number, amount=1233, telling=telling).send(client)) == teller.yes
    again = [(SHOP, "ignored", "wrong_amount")] * 2 if teller.numbered else []
    assert sorted(books.inbox()) == [*again, (SHOP, "quarantined", "wrong_amount")]
    assert books.nets() == suspended(teller, 1233)
    assert books.kinds() == [SUSPENDED]


def test_money_kept_aside_is_kept_once_when_told_at_the_same_time(app: Flask, teller: Teller, books: Books) -> None:
    number = books.order(teller.acquirer)
    messages = [teller.paid(number, amount=1233, telling=telling) for telling in range(8)]
    assert at_once(app, messages) == [teller.yes] * 8
    assert books.nets() == suspended(teller, 1233)
    assert books.kinds() == [SUSPENDED]


def test_foreign_money_is_told_of_but_never_counted_as_fen(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    number = books.order(wechat_teller.acquirer)
    money = {"total": 1234, "payer_total": 1234, "currency": "USD", "payer_currency": "USD"}
    plain = wechat_teller.order(number, amount=1234, transaction="T1") | {"amount": money}
    assert answer_of(wechat_teller.tell("TRANSACTION.SUCCESS", plain).send(client)) == wechat_teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "wrong_currency")]
    assert books.nets() == {}
    assert books.kinds() == [SUSPENDED]
    assert books.payment(number).state == "created"


def test_a_payer_who_paid_more_than_the_order_is_a_wrong_amount(
    client: FlaskClient, scripted_teller: Scripted, books: Books
) -> None:
    number = books.order(scripted_teller.acquirer)
    answer = scripted_teller.answer(number, payer_amount=1235)
    message = scripted_teller.tell(Notice(scripted_teller.acquirer, "N1", "TRANSACTION.SUCCESS", payment=answer))
    assert answer_of(message.send(client)) == scripted_teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "wrong_amount")]


def test_money_for_another_merchants_order_is_kept_for_who_got_it(
    client: FlaskClient, teller: Teller, books: Books
) -> None:
    theirs = books.order(teller.acquirer, shop=OTHER)
    assert answer_of(teller.paid(theirs).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "other_merchants_number")]
    assert books.nets() == suspended(teller, 1234)
    assert books.nets(OTHER) == {}
    assert books.payment(theirs, OTHER).state == "created"


def test_money_for_an_order_nobody_knows_is_kept_aside_once_a_worker_has_asked(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring, worker: Callable[[], int]
) -> None:
    number = mint(Kind.ORDER, SHOP, key=keyring.reference_key, now=now())
    assert answer_of(teller.paid(number).send(client)) == teller.yes
    assert (books.nets(), [state for _, state, _ in books.inbox()]) == ({}, ["waiting"])
    assert worker() == 1
    assert worker() == 0
    assert books.inbox() == [(SHOP, "orphan", "unknown_order")]
    assert books.nets() == suspended(teller, 1234)
    assert books.kinds() == [SUSPENDED]


@pytest.mark.parametrize("teller", ["scripted", "jdpay"], indirect=True)
def test_money_under_a_number_that_is_not_ours_is_kept_aside(client: FlaskClient, teller: Teller, books: Books) -> None:
    assert answer_of(teller.paid("SOMEBODY-ELSES-1").send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "not_our_number")]
    assert books.nets() == suspended(teller, 1234)


def test_a_sub_merchant_nobody_knows_goes_to_the_platform(
    client: FlaskClient, wechat_teller: Wechat, books: Books, worker: Callable[[], int]
) -> None:
    number = books.order(wechat_teller.acquirer)
    assert answer_of(wechat_teller.paid(number, shop=999).send(client)) == wechat_teller.yes
    assert books.inbox() == [(0, "waiting", "unknown_sub_merchant")]
    assert [worker() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert books.inbox() == [(0, "orphan", "unknown_sub_merchant")]
    assert (books.nets(), books.nets(0), books.kinds()) == ({}, {}, [])


def test_jd_cannot_speak_for_a_merchant_whose_keys_we_do_not_hold(
    client: FlaskClient, jdpay_teller: Jd, books: Books
) -> None:
    number = books.order(jdpay_teller.acquirer)
    status, _ = answer_of(jdpay_teller.paid(number, shop=999).send(client))
    assert status == 401
    books.assert_untouched()


def test_a_second_payment_of_one_order_is_kept_aside(client: FlaskClient, teller: Teller, books: Books) -> None:
    number = books.order(teller.acquirer)
    for transaction in ("T1", "T2"):
        assert answer_of(teller.paid(number, transaction=transaction).send(client)) == teller.yes
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), (SHOP, "quarantined", "second_payment")]
    assert books.nets() == {
        f"clearing:{teller.acquirer}": 2 * 1234 - FEE,
        f"fee:{teller.acquirer}": FEE,
        "merchant_payable": -1234,
        "suspense": -1234,
    }
    assert books.kinds() == ["payment.success", SUSPENDED]
    assert books.payment(number).transaction_no == "T1"


def test_one_transaction_cannot_pay_two_orders(client: FlaskClient, teller: Teller, books: Books) -> None:
    first, second = books.order(teller.acquirer), books.order(teller.acquirer)
    for telling, number in enumerate((first, second)):
        assert answer_of(teller.paid(number, telling=telling).send(client)) == teller.yes
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), (SHOP, "quarantined", "booked_elsewhere")]
    assert books.nets() == booked(teller)
    assert books.payment(second).state == "created"


def test_a_late_payment_opens_a_closed_order_again(client: FlaskClient, teller: Teller, books: Books) -> None:
    number = books.order(teller.acquirer)
    with books.db.transaction(merchant=SHOP) as session:
        assert operations.note_closed(session, merchant_id=SHOP, payment_no=number, now=now())
    assert answer_of(teller.paid(number).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets() == booked(teller)
    assert books.kinds() == ["payment.closed", "payment.late_payment", "payment.success"]
    assert books.payment(number).state == "success"


@pytest.mark.parametrize("state", [PaymentState.CLOSED, PaymentState.UNPAID, PaymentState.PAYING, PaymentState.FAILED])
def test_a_notice_that_tells_of_no_payment_changes_nothing(
    client: FlaskClient, scripted_teller: Scripted, books: Books, state: PaymentState
) -> None:
    number = books.order(scripted_teller.acquirer)
    answer = scripted_teller.answer(number, state=state, transaction_id=None, amount=None, payer_amount=None)
    message = scripted_teller.tell(Notice(scripted_teller.acquirer, "N1", f"TRANSACTION.{state}", payment=answer))
    assert answer_of(message.send(client)) == scripted_teller.yes
    assert books.inbox() == [(SHOP, "ignored", f"payment_{state}")]
    assert (books.nets(), books.kinds(), books.payment(number).state) == ({}, [], "created")


def test_what_is_paid_stays_paid_whatever_is_told_later(
    client: FlaskClient, scripted_teller: Scripted, books: Books
) -> None:
    number = books.order(scripted_teller.acquirer)
    scripted_teller.paid(number).send(client)
    for state in (PaymentState.CLOSED, PaymentState.UNPAID, PaymentState.FAILED):
        answer = scripted_teller.answer(number, state=state)
        scripted_teller.tell(Notice(scripted_teller.acquirer, f"N-{state}", state, payment=answer)).send(client)
    assert books.payment(number).state == "success"
    assert books.nets() == booked(scripted_teller)


def test_a_notice_about_nothing_is_kept_for_the_platform(
    client: FlaskClient, scripted_teller: Scripted, books: Books
) -> None:
    message = scripted_teller.tell(Notice(scripted_teller.acquirer, "N1", "COUPON.USE" * 10))
    assert answer_of(message.send(client)) == scripted_teller.yes
    assert books.inbox() == [(0, "ignored", "nothing_to_do")]


def test_the_shops_neighbour_sees_none_of_it(client: FlaskClient, teller: Teller, books: Books) -> None:
    teller.paid(books.order(teller.acquirer)).send(client)
    assert (books.nets(OTHER), books.kinds(OTHER)) == ({}, [])
