"""Messages of the clearing institution's stand-in: which wallet paid, and payments nobody else would report."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.codes.flows import lookup_key
from portal.codes.models import CodeLookup
from portal.payments.queries import PaymentRow
from portal.payments.queries import payment as payment_of
from portal.plumbing.clock import real_now
from portal.plumbing.db import Database
from portal.wallets.directory import Holding
from portal.wallets.interconnect.connector import interconnect_of
from tests.factories.static_codes import link
from tests.portal.notices.conftest import SHOP, Books, Message, Wechat, answer_of
from tests.portal.wallets.test_interconnect import MESSAGE, SECTION, body_of, signed

YES = (204, b"")
Tell = Callable[..., Message]


@pytest.fixture(autouse=True)
def source(app: Flask) -> None:
    app.extensions["interconnect"] = interconnect_of({"interconnect": SECTION})


def message(event: str, *, number: str = "1", **plain: Any) -> Message:
    told = deepcopy(MESSAGE) | {"event": event, "id": f"N-{event}-{number}"}
    told["plain"] |= plain
    body = body_of(told)
    return Message("/notify/interconnect", body, signed(body, at=real_now()))


def routed(*, transaction: str, amount: int = 1234, **more: Any) -> Message:
    """Which wallet paid a transaction of shop's own contract."""
    own = {"holding": "own_sub_merchant", "merchant_no": f"WX{SHOP}", "out_trade_no": "10001"}
    sums = {"amount": amount, "payer_amount": amount, "promotions": []}
    return message("PAYMENT.ROUTED", transaction_id=transaction, **{**own, **sums, **more})


def only_payment(books: Books) -> PaymentRow:
    with books.db.transaction(merchant=SHOP) as session:
        (number,) = session.connection().exec_driver_sql("SELECT payment_no FROM payments").scalars()
        row = payment_of(session, SHOP, number)
    assert row is not None
    return row


@pytest.fixture
def linked(db: Database) -> None:
    """A personal code that the shop's owner has linked."""
    with db.transaction(merchant=SHOP) as session:
        session.add(CodeLookup(key=lookup_key(MESSAGE["plain"]["code"]), merchant_id=SHOP, code_id=2))
        link(session, 2, Holding.PERSONAL)


def test_the_clearing_side_tells_who_paid_on_a_static_code(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    plain = wechat_teller.order("10001", amount=1234, transaction="4200009", trade_type="NATIVE", payer=None)
    wechat_teller.tell("TRANSACTION.SUCCESS", plain).send(client)
    assert only_payment(books).wallet == "unknown"
    for _ in range(2):
        assert answer_of(routed(transaction="4200009").send(client)) == YES
    assert (only_payment(books).wallet, only_payment(books).acquirer) == ("jdpay", "wechat")
    assert books.kinds() == ["payment.success", "payment.wallet_told"]
    assert sorted(books.inbox()) == [(SHOP, "applied", "")] * 2


def test_it_comes_again_when_the_acquirer_has_not_told_yet(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    early = routed(transaction="4200009")
    assert answer_of(early.send(client))[0] == 503
    books.assert_untouched()
    plain = wechat_teller.order("10001", amount=1234, transaction="4200009", trade_type="NATIVE", payer=None)
    wechat_teller.tell("TRANSACTION.SUCCESS", plain).send(client)
    assert answer_of(early.send(client)) == YES
    assert only_payment(books).wallet == "jdpay"


def test_another_sum_than_the_acquirers_is_for_somebody_to_look_at(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    plain = wechat_teller.order("10001", amount=1234, transaction="4200009", trade_type="NATIVE", payer=None)
    wechat_teller.tell("TRANSACTION.SUCCESS", plain).send(client)
    assert answer_of(routed(transaction="4200009", amount=1).send(client)) == YES
    assert (SHOP, "quarantined", "wrong_amount") in books.inbox()
    assert only_payment(books).wallet == "unknown"


def test_a_payment_on_a_linked_personal_code_is_a_receipt_without_a_debt(
    client: FlaskClient, linked: None, books: Books
) -> None:
    for number in ("1", "1", "2"):
        assert answer_of(message("CODE.PAID", number=number).send(client)) == YES
    assert sorted(books.inbox()) == [(SHOP, "applied", ""), (SHOP, "ignored", "already_booked")]
    assert (only_payment(books).source, only_payment(books).amount) == ("interconnect", 2000)
    assert (books.nets(), books.kinds()) == ({}, ["payment.success"])


def test_a_code_nobody_has_linked_is_kept_for_the_platform(client: FlaskClient, books: Books) -> None:
    assert answer_of(message("CODE.PAID").send(client)) == YES
    assert books.inbox() == [(0, "orphan", "unknown_code")]


def test_a_contract_nobody_has_is_kept_for_the_platform(client: FlaskClient, books: Books) -> None:
    assert answer_of(routed(transaction="T1", merchant_no="WX1").send(client)) == YES
    assert books.inbox() == [(0, "orphan", "unknown_sub_merchant")]


@pytest.mark.parametrize("name", ["Key-Id", "Timestamp", "Nonce", "Signature"])
def test_a_forged_message_leaves_nothing(client: FlaskClient, linked: None, books: Books, name: str) -> None:
    genuine = message("CODE.PAID")
    headers = {**genuine.headers, f"Interconnect-{name}": "x"}
    assert answer_of(Message(genuine.path, genuine.body, headers).send(client))[0] == 401
    books.assert_untouched()


def test_without_such_a_source_there_is_no_such_address(app: Flask, client: FlaskClient, books: Books) -> None:
    app.extensions["interconnect"] = None
    assert answer_of(message("CODE.PAID").send(client))[0] == 404
    books.assert_untouched()
