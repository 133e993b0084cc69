"""A notice that waited within its own request is counted under what became of it, not under "waiting"."""

from flask import Flask
from flask.testing import FlaskClient

from portal.notices.counting import Tally
from portal.plumbing.db import Database
from portal.wallets.errors import WalletUnavailable
from portal.wallets.port import Acquirer
from tests.portal.notices.conftest import Books, Jd, StandsByIt, answer_of


class Remembering(Tally):
    """Counters that keep every outcome in the order they came, and write nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    def add(self, sender: str, outcome: str, *, database: Database | None) -> None:
        self.told.append((sender, outcome))


def test_what_was_asked_about_at_once_is_counted_as_what_the_wallet_said(
    app: Flask, client: FlaskClient, jdpay_teller: Jd, books: Books
) -> None:
    counters = app.extensions["notice_tally"] = Remembering()
    number = books.order(Acquirer.JDPAY)
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert counters.told == [("jdpay", "applied")]


def test_what_could_not_be_asked_about_is_counted_as_waiting(
    app: Flask, client: FlaskClient, jdpay_teller: Jd, books: Books
) -> None:
    counters = app.extensions["notice_tally"] = Remembering()
    wallet: StandsByIt = app.extensions["wallets"][Acquirer.JDPAY]
    number = books.order(Acquirer.JDPAY)
    wallet.says[number] = WalletUnavailable("cut")
    assert answer_of(jdpay_teller.paid(number).send(client)) == jdpay_teller.yes
    assert counters.told == [("jdpay", "waiting")]
