"""Notices that wait: JD's word is confirmed by a query, a doubtful one is asked about, an early one is retried."""

import threading
from collections.abc import Callable

import psycopg
import pytest
from flask.testing import FlaskClient

from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import queries as refunds
from portal.values.references import Kind, mint
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import PaymentAnswer, PaymentState, RefundAnswer, RefundState, Wallet
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order, add_payment, add_refund
from tests.portal.notices.conftest import SHOP, Books, Jd, Scripted, StandsByIt, Teller, Wechat, answer_of

Stands = Callable[[Teller], StandsByIt]


def paid(teller: Teller, number: str, *, amount: int = 1234, transaction: str = "T1") -> PaymentAnswer:
    letters = {"wechat": "WX", "jdpay": "JD"}[teller.acquirer]
    return PaymentAnswer(
        teller.acquirer,
        number,
        PaymentState.SUCCESS,
        f"{letters}{SHOP}",
        wallet=Wallet(teller.acquirer),
        transaction_id=transaction,
        amount=amount,
        payer_amount=amount,
        paid_at=now(),
    )


def unpaid(teller: Teller, number: str) -> PaymentAnswer:
    return PaymentAnswer(teller.acquirer, number, PaymentState.UNPAID, f"JD{SHOP}")


def test_jds_word_is_booked_when_jd_confirms_it(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, worker: Callable[[], int]
) -> None:
    number = books.order(jdpay_teller.acquirer)
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert stands(jdpay_teller).asked == [number]
    assert (books.inbox(), books.payment(number).state) == ([(SHOP, "applied", "")], "success")
    assert worker() == 1
    assert stands(jdpay_teller).asked == [number], "the worker finds it done"
    assert books.kinds() == ["payment.success"]


def test_a_sum_jd_does_not_confirm_is_not_booked_but_the_one_it_says(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands
) -> None:
    number = books.order(jdpay_teller.acquirer)
    stands(jdpay_teller).says[number] = paid(jdpay_teller, number)
    assert answer_of(jdpay_teller.paid(number, amount=999_999).send(client)) == jdpay_teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.payment(number).amount == 1234
    assert books.nets()["merchant_payable"] == -1234
    assert books.kinds() == ["payment.success"]


def test_a_payment_jd_denies_is_asked_about_a_few_times_and_then_shown_to_somebody(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, worker: Callable[[], int]
) -> None:
    number = books.order(jdpay_teller.acquirer)
    stands(jdpay_teller).says[number] = unpaid(jdpay_teller, number)
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert (books.inbox(), books.nets()) == ([(SHOP, "waiting", "to_confirm")], {})
    assert [worker() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert books.inbox() == [(SHOP, "quarantined", "not_confirmed")]
    assert (books.nets(), books.payment(number).state) == ({}, "created")


@pytest.mark.parametrize("trouble", [WalletUnavailable("NO_CONNECTION"), WalletUnknown("NO_ANSWER")])
def test_while_jd_does_not_answer_its_notice_waits_however_long_that_is(
    client: FlaskClient,
    jdpay_teller: Jd,
    books: Books,
    stands: Stands,
    worker: Callable[[], int],
    trouble: Exception,
) -> None:
    number = books.order(jdpay_teller.acquirer)
    stands(jdpay_teller).says[number] = trouble
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert [worker() for _ in range(8)] == [1] * 8
    assert books.inbox() == [(SHOP, "waiting", "to_confirm")]
    del stands(jdpay_teller).says[number]
    assert worker() == 1
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets()["merchant_payable"] == -1234


def test_a_refusal_to_answer_counts_as_a_no(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, worker: Callable[[], int]
) -> None:
    number = books.order(jdpay_teller.acquirer)
    stands(jdpay_teller).says[number] = WalletRefused("NO_SUCH_ORDER")
    jdpay_teller.paid(number).send(client)
    while worker():
        pass
    assert books.inbox() == [(SHOP, "quarantined", "not_confirmed")]


def test_another_trade_number_than_the_one_jd_confirms_is_for_somebody_to_look_at(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands
) -> None:
    number = books.order(jdpay_teller.acquirer)
    jdpay_teller.paid(number).send(client)
    stands(jdpay_teller).says[number] = paid(jdpay_teller, number)
    assert answer_of(jdpay_teller.paid(number, transaction="T2").send(client)) == jdpay_teller.yes
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), (SHOP, "quarantined", "not_confirmed")]
    assert books.kinds() == ["payment.success"]


def test_what_jd_repeats_is_not_asked_about_again(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands
) -> None:
    number = books.order(jdpay_teller.acquirer)
    for telling in (1, 1, 2, 3):
        assert answer_of(jdpay_teller.paid(number, telling=telling).send(client)) == jdpay_teller.yes
    assert stands(jdpay_teller).asked == [number]
    assert books.inbox() == [(SHOP, "applied", "")]


def test_a_payment_booked_by_a_query_before_its_notice_needs_no_other_question(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, keyring: Keyring
) -> None:
    number = add_payment(books.db, keyring, merchant_id=SHOP, amount=1234, now=now(), acquirer=jdpay_teller.acquirer)
    transaction = books.payment(number).transaction_no or ""
    jdpay_teller.paid(number, transaction=transaction).send(client)
    assert (books.inbox(), stands(jdpay_teller).asked) == ([(SHOP, "ignored", "already_booked")], [])


def test_jds_refund_is_booked_as_jd_confirms_it(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, keyring: Keyring
) -> None:
    number = refund_of(books, keyring, jdpay_teller)
    stands(jdpay_teller).says[number] = RefundAnswer(
        jdpay_teller.acquirer, number, RefundState.PROCESSING, f"JD{SHOP}", amount=500
    )
    assert answer_of(jdpay_teller.refunded(number, amount=500).send(client)) == jdpay_teller.yes
    assert state_of(books, number) == "processing"


def test_a_wrong_sum_under_a_right_signature_is_put_right_by_asking(
    client: FlaskClient, wechat_teller: Wechat, books: Books, stands: Stands
) -> None:
    number = books.order(wechat_teller.acquirer)
    stands(wechat_teller).says[number] = paid(wechat_teller, number)
    assert answer_of(wechat_teller.paid(number, amount=1).send(client)) == wechat_teller.yes
    assert books.inbox() == [(SHOP, "applied", "wrong_amount")]
    assert books.nets()["merchant_payable"] == -1234
    assert books.kinds() == ["payment.success"]


def test_a_refund_of_a_wrong_sum_is_put_right_by_asking(
    client: FlaskClient, wechat_teller: Wechat, books: Books, stands: Stands, keyring: Keyring
) -> None:
    number = refund_of(books, keyring, wechat_teller)
    stands(wechat_teller).says[number] = RefundAnswer(
        wechat_teller.acquirer, number, RefundState.SUCCESS, f"WX{SHOP}", amount=500
    )
    wechat_teller.refunded(number, amount=1).send(client)
    assert books.inbox() == [(SHOP, "applied", "wrong_amount")]
    assert state_of(books, number) == "success"


def test_wechats_word_that_fits_is_booked_without_a_question(
    client: FlaskClient, wechat_teller: Wechat, books: Books, stands: Stands
) -> None:
    wechat_teller.paid(books.order(wechat_teller.acquirer)).send(client)
    assert (stands(wechat_teller).asked, books.asked_later()) == ([], [])


def test_a_notice_that_comes_before_its_order_is_here_is_booked_by_the_retry(
    client: FlaskClient,
    scripted_teller: Scripted,
    books: Books,
    keyring: Keyring,
    worker: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = mint(Kind.ORDER, SHOP, key=keyring.reference_key, now=now())
    scripted_teller.paid(number).send(client)
    assert books.inbox() == [(SHOP, "waiting", "unknown_order")]
    monkeypatch.setattr("portal.payments.operations.ordering.mint", lambda *_, **__: number)
    add_order(books.db, keyring, merchant_id=SHOP, amount=1234, now=now())
    assert worker() == 1
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.kinds() == ["payment.success"]


def test_a_refund_told_before_we_know_of_it_is_parked_and_applied_after_its_payment(
    client: FlaskClient,
    teller: Teller,
    books: Books,
    keyring: Keyring,
    worker: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a restore from a backup: the wallet knows more than we do, and tells of the refund first."""
    order = books.order(teller.acquirer)
    number = mint(Kind.REFUND, SHOP, key=keyring.reference_key, now=now())
    assert answer_of(teller.refunded(number, amount=500).send(client)) == teller.yes
    assert [state for _, state, _ in books.inbox()] == ["waiting"]
    assert worker() == 1
    assert [state for _, state, _ in books.inbox()] == ["waiting"]
    assert answer_of(teller.paid(order).send(client)) == teller.yes
    monkeypatch.setattr("portal.refunds.operations.requesting.mint", lambda *_, **__: number)
    add_refund(books.db, keyring, merchant_id=SHOP, payment_no=order, amount=500, now=now(), acquirer=teller.acquirer)
    while worker():
        pass
    assert state_of(books, number) == "success"
    assert [state for _, state, _ in books.inbox()] == ["applied", "applied"]
    assert books.kinds() == ["payment.success", "refund.requested", "refund.success"]


def test_money_for_a_sub_merchant_we_learn_of_later_finds_its_owner(
    client: FlaskClient, wechat_teller: Wechat, books: Books, db: Database, keyring: Keyring, worker: Callable[[], int]
) -> None:
    """On a static code: the wallet opened it, and somebody paid, before we asked how the application stands."""
    late = 482913059
    wechat_teller.paid("420000999", shop=late).send(client)
    assert books.inbox() == [(0, "waiting", "unknown_sub_merchant")]
    add_merchant(db, keyring, merchant_id=late, name="老王早餐", code="9KQ42MHDS")
    assert worker() == 1
    assert books.inbox() == [(0, "applied", "")]
    assert books.nets(late)["merchant_payable"] == -1234
    assert books.kinds(late) == ["payment.success"]


def test_a_payment_on_a_static_code_is_born_paid_once(client: FlaskClient, wechat_teller: Wechat, books: Books) -> None:
    for telling in (1, 1, 2):
        message = wechat_teller.paid("420000999", telling=telling)
        assert answer_of(message.send(client)) == wechat_teller.yes
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), (SHOP, "ignored", "already_booked")]
    assert books.nets()["merchant_payable"] == -1234
    assert books.kinds() == ["payment.success"]


def test_a_number_that_is_not_ours_on_no_static_code_is_kept_aside(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    plain = wechat_teller.order("420000999", amount=1234, transaction="T1", trade_type="MICROPAY")
    wechat_teller.tell("TRANSACTION.SUCCESS", plain).send(client)
    assert books.inbox() == [(SHOP, "quarantined", "not_our_number")]
    assert books.nets()["suspense"] == -1234


def test_what_cannot_be_booked_after_asking_is_left_to_the_worker(
    client: FlaskClient, database: TestDatabase, jdpay_teller: Jd, books: Books, worker: Callable[[], int]
) -> None:
    """The word is kept and acknowledged; that its booking failed this once is nobody else's trouble."""
    message = jdpay_teller.paid(books.order(jdpay_teller.acquirer))
    execute(database, "REVOKE INSERT ON events FROM portal_app")
    assert answer_of(message.send(client)) == jdpay_teller.yes
    assert (books.inbox(), books.nets()) == ([(SHOP, "waiting", "to_confirm")], {})
    execute(database, "GRANT INSERT ON events TO portal_app")
    assert worker() == 1
    assert books.inbox() == [(SHOP, "applied", "")]


def test_what_cannot_even_be_kept_is_not_acknowledged(
    client: FlaskClient, database: TestDatabase, jdpay_teller: Jd, books: Books
) -> None:
    message = jdpay_teller.paid(books.order(jdpay_teller.acquirer))
    execute(database, "REVOKE INSERT ON inbox_notices FROM portal_app")
    assert answer_of(message.send(client))[0] == 503
    books.assert_untouched()
    assert books.asked_later() == []


def test_the_request_and_the_worker_asking_at_once_book_once(
    client: FlaskClient, jdpay_teller: Jd, books: Books, stands: Stands, worker: Callable[[], int]
) -> None:
    number = books.order(jdpay_teller.acquirer)
    stands(jdpay_teller).says[number] = WalletUnavailable("BUSY")
    jdpay_teller.paid(number).send(client)
    del stands(jdpay_teller).says[number]
    (waiting,) = {notice for notice, _ in books.asked_later()}
    execute(
        books.database,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) SELECT queue_name, task_name, args"
        " FROM procrastinate_jobs WHERE task_name = 'notices.settle'",
    )
    assert {notice for notice, _ in books.asked_later()} == {waiting}
    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.kinds() == ["payment.success"]


def refund_of(books: Books, keyring: Keyring, teller: Teller) -> str:
    order = add_payment(books.db, keyring, merchant_id=SHOP, amount=1234, now=now(), acquirer=teller.acquirer)
    return add_refund(
        books.db, keyring, merchant_id=SHOP, payment_no=order, amount=500, now=now(), acquirer=teller.acquirer
    )


def state_of(books: Books, refund_no: str) -> str:
    with books.db.transaction(merchant=SHOP) as session:
        row = refunds.refund(session, SHOP, refund_no)
    assert row is not None
    return row.state


def execute(database: TestDatabase, statement: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement)
