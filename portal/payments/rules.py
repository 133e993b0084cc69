"""What a payment may become, and which app has opened the payer's page."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from portal.wallets.port import Acquirer, Wallet

# An order nobody pays is closed after this; WeChat's own prepay id lives for two hours (partner docs 4012738519).
ORDER_LIFE = timedelta(minutes=30)
NOTE_MOST = 30


class State(StrEnum):
    """A payment's life. `success` is never left: what is paid stays paid."""

    CREATED = "created"
    PAYING = "paying"
    SUCCESS = "success"
    CLOSED = "closed"
    FAILED = "failed"


class Fact(StrEnum):
    """What can happen to a payment. `late_payment`: the wallet says paid of an order that had ended unpaid here."""

    OPENED = "opened"
    PAID = "paid"
    LATE_PAYMENT = "late_payment"
    CLOSED = "closed"
    FAILED = "failed"


_NOTHING: dict[Fact, State | None] = dict.fromkeys(Fact)
# An order that ended unpaid is opened again by one fact alone, which has its own event: the merchant is told.
_ENDED_UNPAID: dict[Fact, State | None] = {**_NOTHING, Fact.LATE_PAYMENT: State.SUCCESS}

# Complete over State × Fact. None means the fact changes nothing: late answers never take back a payment.
TRANSITIONS: dict[State, dict[Fact, State | None]] = {
    State.CREATED: {
        **_NOTHING,
        Fact.OPENED: State.PAYING,
        Fact.PAID: State.SUCCESS,
        Fact.CLOSED: State.CLOSED,
        Fact.FAILED: State.FAILED,
    },
    State.PAYING: {
        **_NOTHING,
        Fact.PAID: State.SUCCESS,
        Fact.CLOSED: State.CLOSED,
        Fact.FAILED: State.FAILED,
    },
    State.SUCCESS: _NOTHING,
    State.CLOSED: _ENDED_UNPAID,
    State.FAILED: _ENDED_UNPAID,
}
# From these the wallet is still asked what became of the order.
OPEN = frozenset({State.CREATED, State.PAYING})


def after(state: State, fact: Fact) -> State | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return TRANSITIONS[state][fact]


def said_paid(state: State) -> Fact:
    """Which fact a wallet's word "paid" is to an order in `state`."""
    return Fact.PAID if state in OPEN else Fact.LATE_PAYMENT


class Source(StrEnum):
    """Where we know a payment from.

    `static_code`: the acquirer's own notice, about a code of a sub-merchant of this provider. `interconnect`: the
    stand-in's message; the money belongs to another contract or to a person, and nobody owes it under ours.
    `suspense`: money that fitted no order and was released by two of staff.
    """

    ORDER = "order"
    STATIC_CODE = "static_code"
    INTERCONNECT = "interconnect"
    SUSPENSE = "suspense"


class Availability(StrEnum):
    """Whether a payment can be refunded. `pending`: the rest is in refunds under way; `full`: all went back."""

    AVAILABLE = "available"
    PENDING = "pending"
    FULL = "full"
    UNAVAILABLE = "unavailable"


def availability(*, source: str, paid: bool, amount: int, refunded: int, reserved: int) -> Availability:
    """How refunds of a payment of `amount` fen stand."""
    if not paid or source == Source.INTERCONNECT:
        return Availability.UNAVAILABLE
    if refunded >= amount:
        return Availability.FULL
    return Availability.PENDING if refunded + reserved >= amount else Availability.AVAILABLE


class App(StrEnum):
    """The program that opened the page, as far as its User-Agent tells. It chooses a page, it grants nothing."""

    WECHAT = "wechat"
    JD = "jd"
    ALIPAY = "alipay"
    UNIONPAY = "unionpay"
    OTHER = "other"


# In this order: JD Finance carries "UnionPay/1.0" and, on Android, tokens of other browsers as well.
# WeChat's own marker: WeChat Pay partner FAQ 4013334850. The others are as seen in public aggregators.
_MARKS: tuple[tuple[App, re.Pattern[str]], ...] = (
    (App.JD, re.compile(r"JDJR-App", re.IGNORECASE)),
    (App.JD, re.compile(r"^jdapp;", re.IGNORECASE)),
    (App.WECHAT, re.compile(r"MicroMessenger/", re.IGNORECASE)),
    (App.ALIPAY, re.compile(r"AlipayClient", re.IGNORECASE)),
    (App.UNIONPAY, re.compile(r"UnionPay/|CloudPay", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Road:
    """Which wallet pays and which acquirer receives when this app pays a portal code."""

    wallet: Wallet
    acquirer: Acquirer


ROADS = {App.WECHAT: Road(Wallet.WECHAT, Acquirer.WECHAT), App.JD: Road(Wallet.JDPAY, Acquirer.JDPAY)}


def recognise(user_agent: str) -> App:
    """The app behind a User-Agent header."""
    for app, mark in _MARKS:
        if mark.search(user_agent):
            return app
    return App.OTHER
