"""Notices of refunds: also before the wallet's own answer, twice, wrong, and after we had given the refund up."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.refunds import flows, operations, queries
from portal.values.references import Kind, mint
from portal.wallets.port import RefundAnswer, RefundState, RefundToSend
from tests.factories.payments import add_payment, add_refund
from tests.portal.notices.conftest import OTHER, SHOP, Books, Scripted, Teller, answer_of

FEE, FEE_BACK = 5, 2


def refund_of(teller: Teller, books: Books, keyring: Keyring, *, amount: int = 500) -> str:
    """A refund that has been asked for and not answered, of a payment of 12.34 yuan."""
    paid = add_payment(books.db, keyring, merchant_id=SHOP, amount=1234, now=now(), acquirer=teller.acquirer)
    return add_refund(
        books.db, keyring, merchant_id=SHOP, payment_no=paid, amount=amount, now=now(), acquirer=teller.acquirer
    )


def state_of(books: Books, refund_no: str) -> str:
    with books.db.transaction(merchant=SHOP) as session:
        row = queries.refund(session, SHOP, refund_no)
    assert row is not None
    return row.state


def refunded(teller: Teller) -> dict[str, int]:
    return {
        f"clearing:{teller.acquirer}": 1234 - FEE - 500 + FEE_BACK,
        f"fee:{teller.acquirer}": FEE - FEE_BACK,
        "merchant_payable": -734,
    }


def in_flight(teller: Teller) -> dict[str, int]:
    return {
        f"clearing:{teller.acquirer}": 1234 - FEE,
        f"fee:{teller.acquirer}": FEE,
        "merchant_payable": -734,
        f"refund_in_flight:{teller.acquirer}": -500,
    }


def test_a_refund_that_arrived_is_booked_though_the_wallet_never_answered(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    assert books.nets() == in_flight(teller)
    assert answer_of(teller.refunded(number, amount=500).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.nets() == refunded(teller)
    assert books.kinds() == ["payment.success", "refund.requested", "refund.success"]
    assert state_of(books, number) == "success"


def test_a_refund_told_again_is_booked_once(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    for telling in (1, 1, 2):
        assert answer_of(teller.refunded(number, amount=500, telling=telling).send(client)) == teller.yes
    again = [(SHOP, "ignored", "known")] if teller.numbered else []
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), *again]
    assert books.nets() == refunded(teller)
    assert books.kinds().count("refund.success") == 1


def test_a_notice_that_overtakes_the_answer_is_not_undone_by_it(
    app: Flask, client: FlaskClient, scripted_teller: Scripted, books: Books, keyring: Keyring
) -> None:
    paid = add_payment(books.db, keyring, merchant_id=SHOP, amount=1234, now=now())

    def overtaken(refund: RefundToSend) -> RefundAnswer:
        assert answer_of(scripted_teller.refunded(refund.refund_no, amount=500).send(client)) == scripted_teller.yes
        return RefundAnswer(
            scripted_teller.acquirer, refund.refund_no, RefundState.PROCESSING, f"WX{SHOP}", amount=refund.amount
        )

    scripted_teller.wallet.refund = overtaken  # type: ignore[method-assign]
    parties = Parties(books.db, keyring, app.extensions["wallets"], "http://127.0.0.1:8000")
    number = flows.request(
        parties,
        merchant_id=SHOP,
        payment_no=paid,
        amount=500,
        reason="两个橙子坏了",
        form_key="k1",
        asked_by=None,
        now=now(),
    )
    assert state_of(books, number) == "success"
    assert books.nets() == refunded(scripted_teller)
    assert books.kinds() == ["payment.success", "refund.requested", "refund.success"]


def test_a_refund_of_another_amount_is_not_believed(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    assert answer_of(teller.refunded(number, amount=499).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "wrong_amount")]
    assert books.nets() == in_flight(teller)
    assert state_of(books, number) == "requested"


def test_a_refund_nobody_asked_for_changes_nothing(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring, worker: Callable[[], int]
) -> None:
    number = mint(Kind.REFUND, SHOP, key=keyring.reference_key, now=now())
    assert answer_of(teller.refunded(number, amount=500).send(client)) == teller.yes
    assert [state for _, state, _ in books.inbox()] == ["waiting"]
    assert [worker() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert books.inbox() == [(SHOP, "quarantined", "unknown_refund")]
    assert (books.nets(), books.kinds()) == ({}, [])


def test_a_refund_under_a_number_that_is_not_ours_is_an_orphan(
    client: FlaskClient, teller: Teller, books: Books
) -> None:
    assert answer_of(teller.refunded("MADE-AT-THE-WALLET", amount=500).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "orphan", "not_our_number")]
    assert books.nets() == {}


def test_a_shop_cannot_speak_of_its_neighbours_refund(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    assert answer_of(teller.refunded(number, amount=500, shop=OTHER).send(client)) == teller.yes
    assert books.inbox() == [(OTHER, "orphan", "other_merchants_number")]
    assert books.nets() == in_flight(teller)
    assert state_of(books, number) == "requested"


def test_an_orders_number_is_not_a_refunds(client: FlaskClient, teller: Teller, books: Books, keyring: Keyring) -> None:
    paid = add_payment(books.db, keyring, merchant_id=SHOP, amount=1234, now=now(), acquirer=teller.acquirer)
    assert answer_of(teller.refunded(paid, amount=500).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "orphan", "not_our_number")]


def test_a_refund_that_arrives_after_it_was_given_up_is_booked_again(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    with books.db.transaction(merchant=SHOP) as session:
        operations.note_refused(session, merchant_id=SHOP, refund_no=number, refusal="余额不足", now=now())
    assert answer_of(teller.refunded(number, amount=500).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "applied", "")]
    assert state_of(books, number) == "success"
    assert books.nets()["merchant_payable"] == -734


def test_a_refund_that_arrives_when_all_was_refunded_anew_is_for_somebody_to_look_at(
    client: FlaskClient, teller: Teller, books: Books, keyring: Keyring
) -> None:
    number = refund_of(teller, books, keyring)
    with books.db.transaction(merchant=SHOP) as session:
        operations.note_refused(session, merchant_id=SHOP, refund_no=number, refusal="余额不足", now=now())
        row = queries.refund(session, SHOP, number)
        assert row is not None
        operations.request(
            session,
            merchant_id=SHOP,
            payment_no=row.payment_no,
            amount=1234,
            reason="",
            form_key="anew",
            asked_by=None,
            reference_key=keyring.reference_key,
            now=now(),
        )
    assert answer_of(teller.refunded(number, amount=500).send(client)) == teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "refund_was_closed")]
    assert state_of(books, number) == "closed"
    assert books.nets().get("merchant_payable", 0) == 0
