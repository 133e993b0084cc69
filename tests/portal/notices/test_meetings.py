"""Two words about one thing: of another transaction, of two orders, of a notice that somebody else has settled."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from portal.codes.flows import lookup_key
from portal.codes.models import CodeLookup
from portal.notices import queries
from portal.notices.counting import Tally
from portal.notices.flows.receiving import Budget
from portal.plumbing.db import Database
from portal.wallets.directory import Holding
from portal.wallets.interconnect.connector import interconnect_of
from portal.wallets.port import Contract, PaymentAnswer
from tests.factories.static_codes import link
from tests.portal.notices.conftest import SHOP, Books, Jd, Scripted, StandsByIt, Teller, answer_of
from tests.portal.notices.test_routed import message
from tests.portal.wallets.test_interconnect import MESSAGE, SECTION

Stands = Callable[[Teller], StandsByIt]


def test_an_order_paid_by_another_transaction_than_the_notices_leaves_that_one_to_be_looked_at(
    client: FlaskClient, scripted_teller: Scripted, books: Books, stands: Stands
) -> None:
    """The order is booked as the wallet says; what became of the notice's own money nobody has said."""
    number = books.order(scripted_teller.acquirer)
    stands(scripted_teller).says[number] = scripted_teller.answer(number, transaction_id="T2")
    assert answer_of(scripted_teller.paid(number, amount=1, transaction="T1").send(client)) == scripted_teller.yes
    assert books.inbox() == [(SHOP, "quarantined", "not_confirmed")]
    assert (books.payment(number).transaction_no, books.kinds()) == ("T2", ["payment.success"])


def test_one_transaction_pays_one_order(client: FlaskClient, scripted_teller: Scripted, books: Books) -> None:
    first, second = books.order(scripted_teller.acquirer), books.order(scripted_teller.acquirer)
    for number, telling in ((first, 1), (second, 2)):
        assert answer_of(scripted_teller.paid(number, telling=telling).send(client)) == scripted_teller.yes
    assert books.inbox() == [(SHOP, "applied", ""), (SHOP, "quarantined", "booked_elsewhere")]
    assert (books.payment(second).state, books.nets()["merchant_payable"]) == ("created", -1234)


def test_what_was_settled_while_the_wallet_was_asked_is_settled_once(
    client: FlaskClient,
    jdpay_teller: Jd,
    books: Books,
    stands: Stands,
    worker: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number, wallet = books.order(jdpay_teller.acquirer), stands(jdpay_teller)
    ask, asked = wallet.ask_payment, []

    def overtaken(contract: Contract, order_no: str) -> PaymentAnswer:
        asked.append(order_no)
        if len(asked) == 1:
            assert worker() == 1
        return ask(contract, order_no)

    monkeypatch.setattr(wallet, "ask_payment", overtaken)
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert asked == [number, number]
    assert (books.inbox(), books.kinds()) == ([(SHOP, "applied", "")], ["payment.success"])


def test_a_notice_of_a_contract_that_was_replaced_is_asked_about_under_its_own_number(
    client: FlaskClient, scripted_teller: Scripted, books: Books, db: Database, stands: Stands
) -> None:
    """The lookup still knows the old number; the wallet is asked with it, not with the new one."""
    number = books.order(scripted_teller.acquirer)
    with db.transaction(merchant=SHOP) as session:
        session.connection().exec_driver_sql("UPDATE contracts SET sub_merchant_no = 'NEW' WHERE acquirer = 'wechat'")
    stands(scripted_teller).says[number] = scripted_teller.answer(number)
    assert answer_of(scripted_teller.paid(number, amount=1).send(client)) == scripted_teller.yes
    assert books.inbox() == [(SHOP, "applied", "wrong_amount")]


def test_a_payment_on_a_code_that_the_acquirer_tells_of_is_told_once(
    app: Flask, client: FlaskClient, books: Books, db: Database
) -> None:
    """The clearing side reports it too: the acquirer's own notice is the one that counts."""
    app.extensions["interconnect"] = interconnect_of({"interconnect": SECTION})
    with db.transaction(merchant=SHOP) as session:
        session.add(CodeLookup(key=lookup_key(MESSAGE["plain"]["code"]), merchant_id=SHOP, code_id=2))
        link(session, 2, Holding.OWN_SUB_MERCHANT)
    assert message("CODE.PAID").send(client).status_code == 204
    assert books.inbox() == [(SHOP, "ignored", "told_by_another")]
    assert (books.nets(), books.kinds()) == ({}, [])


def test_the_wallet_is_asked_only_while_the_sender_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert Budget(time.monotonic()).leaves_time_to_ask
    assert not Budget(time.monotonic() - 3).leaves_time_to_ask


def test_counters_that_cannot_be_written_down_now_are_written_later(db: Database) -> None:
    class Away:
        @contextmanager
        def transaction(self) -> Any:
            raise OperationalError("away", None, ConnectionError())
            yield

    tally = Tally()
    tally.add("wechat", "applied", database=None)
    tally.write(Away())  # type: ignore[arg-type]
    tally.add("wechat", "applied", database=None)
    tally.write(db)
    tally.write(db)
    with db.transaction() as session:
        assert queries.counts(session) == {("wechat", "applied"): 2}
