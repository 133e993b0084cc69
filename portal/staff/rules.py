"""What the console checks by itself on an application, and how long one may wait. Only what is really looked at."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from stdnum import luhn
from stdnum.cn import ric, uscc

from portal.merchants.rules import STEP_DOCUMENTS, Answers

# An application that waits longer is late.
PATIENCE = timedelta(hours=4)
# A card that runs out so soon will be asked for again by the wallets.
_SOON = timedelta(days=60)
# The first two signs of a credit code name the registrar and the kind; 92 is an individual business (GB 32100-2015).
_INDIVIDUAL = "92"
_OLD_LICENCE = re.compile(r"\d{15}", re.ASCII)
_CARD = re.compile(r"\d{16,19}", re.ASCII)
# How the chain of acts calls a look, as against a deed.
LOOKS = frozenset({"merchant.viewed", "application.viewed", "document.viewed"})


class Sign(StrEnum):
    """How a check came out. `warn` wants a person's eyes, `bad` forbids to approve."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(StrEnum):
    """What a check found; each has its words."""

    LICENCE_RIGHT = "licence_right"
    LICENCE_OLD = "licence_old"
    LICENCE_WRONG = "licence_wrong"
    INDIVIDUAL = "individual"
    NOT_INDIVIDUAL = "not_individual"
    ID_RIGHT = "id_right"
    ID_WRONG = "id_wrong"
    ID_VALID = "id_valid"
    ID_ENDS_SOON = "id_ends_soon"
    ID_NOT_VALID = "id_not_valid"
    CARD_RIGHT = "card_right"
    CARD_WRONG = "card_wrong"
    HOLDER_IS_OPERATOR = "holder_is_operator"
    HOLDER_UNKNOWN = "holder_unknown"
    PICTURES_THERE = "pictures_there"
    PICTURES_MISSING = "pictures_missing"


class Point(StrEnum):
    """What is checked."""

    LICENCE_NUMBER = "licence_number"
    SUBJECT = "subject"
    ID_NUMBER = "id_number"
    ID_VALIDITY = "id_validity"
    HOLDER = "holder"
    CARD = "card"
    PICTURES = "pictures"


@dataclass(frozen=True)
class Check:
    """One automatic check. `days` is how long a card that ends soon is still valid."""

    point: Point
    finding: Finding
    sign: Sign
    days: int = 0


def checks(given: Answers, *, today: date) -> tuple[Check, ...]:
    """Every automatic check of one application, what is wrong first."""
    found = (
        _licence_number(given.licence_number),
        _subject(given.licence_number),
        _id_number(given.id_number),
        _id_validity(given, today),
        _holder(given),
        _card(given.account_number),
        _pictures(given),
    )
    order = (Sign.BAD, Sign.WARN, Sign.OK)
    return tuple(sorted(found, key=lambda check: order.index(check.sign)))


def forbids(found: tuple[Check, ...]) -> int:
    """How many findings stand against approving."""
    return sum(check.sign is Sign.BAD for check in found)


def is_late(since: datetime, now: datetime) -> bool:
    """Whether an application has waited too long."""
    return now - since > PATIENCE


def hours_and_minutes(span: timedelta) -> str:
    """`5:12`; days are counted in hours, for a column of figures."""
    minutes = max(0, int(span.total_seconds()) // 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def application_number(merchant_id: int, application_id: int) -> str:
    """`A-482913057-1`, as it is read out."""
    return f"A-{merchant_id}-{application_id}"


def merchant_number(merchant_id: int) -> str:
    """`M-482913057`, as it is read out."""
    return f"M-{merchant_id}"


def document_subject(application_id: int, document: str) -> str:
    """How the chain of acts names one picture: `1/licence`."""
    return f"{application_id}/{document}"


def _licence_number(number: str) -> Check:
    if _OLD_LICENCE.fullmatch(number):
        return Check(Point.LICENCE_NUMBER, Finding.LICENCE_OLD, Sign.WARN)
    if uscc.is_valid(number):
        return Check(Point.LICENCE_NUMBER, Finding.LICENCE_RIGHT, Sign.OK)
    return Check(Point.LICENCE_NUMBER, Finding.LICENCE_WRONG, Sign.BAD)


def _subject(number: str) -> Check:
    if number.startswith(_INDIVIDUAL):
        return Check(Point.SUBJECT, Finding.INDIVIDUAL, Sign.OK)
    return Check(Point.SUBJECT, Finding.NOT_INDIVIDUAL, Sign.WARN)


def _id_number(number: str) -> Check:
    if ric.is_valid(number):
        return Check(Point.ID_NUMBER, Finding.ID_RIGHT, Sign.OK)
    return Check(Point.ID_NUMBER, Finding.ID_WRONG, Sign.BAD)


def _id_validity(given: Answers, today: date) -> Check:
    until = given.id_valid_until
    begun = given.id_valid_from is not None and given.id_valid_from <= today
    if not begun or (not given.id_forever and (until is None or until < today)):
        return Check(Point.ID_VALIDITY, Finding.ID_NOT_VALID, Sign.BAD)
    if not given.id_forever and until is not None and until - today <= _SOON:
        return Check(Point.ID_VALIDITY, Finding.ID_ENDS_SOON, Sign.WARN, (until - today).days)
    return Check(Point.ID_VALIDITY, Finding.ID_VALID, Sign.OK)


def _holder(given: Answers) -> Check:
    """The wallets are given the operator's name as the card holder's: no other name was ever asked for."""
    if given.legal_person:
        return Check(Point.HOLDER, Finding.HOLDER_IS_OPERATOR, Sign.OK)
    return Check(Point.HOLDER, Finding.HOLDER_UNKNOWN, Sign.BAD)


def _card(number: str) -> Check:
    if _CARD.fullmatch(number) and luhn.is_valid(number):
        return Check(Point.CARD, Finding.CARD_RIGHT, Sign.OK)
    return Check(Point.CARD, Finding.CARD_WRONG, Sign.BAD)


def _pictures(given: Answers) -> Check:
    wanted = [document for group in STEP_DOCUMENTS.values() for document in group]
    if all(document in given.documents for document in wanted):
        return Check(Point.PICTURES, Finding.PICTURES_THERE, Sign.OK)
    return Check(Point.PICTURES, Finding.PICTURES_MISSING, Sign.BAD)
