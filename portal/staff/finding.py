"""Find a merchant by whatever somebody on the phone can read out: a name, a number, a plate, a receipt."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.identity.rules import masked_phone, read_phone
from portal.merchants import queries as merchants
from portal.merchants.queries import FoundMerchant
from portal.plumbing.crypto import Keyring
from portal.values.errors import InvalidReference, Refused
from portal.values.references import Kind, merchant_of, read_code

TEXT_MOST = 60
_NUMBER = re.compile(r"(?:M-?)?(\d{1,12})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Search:
    """What was searched for, how it was understood, and who was found. `shown` may stand in the record of acts."""

    kind: str
    shown: str
    rows: list[FoundMerchant]


def tidy(text: str) -> str:
    """As it is meant: full-width signs made plain, invisible ones and outer blanks left out, at most 60 signs."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cc", "Cf", "Cs")).strip()[:TEXT_MOST]


def find(session: Session, text: str, *, keys: Keyring, now: datetime) -> Search:
    """The merchants behind `text`; the first reading that finds somebody counts, a part of the name comes last."""
    understood = "name"
    for kind, merchant_id in _exact(session, text, keys):
        rows = merchants.search_merchants(session, text=str(merchant_id), now=now) if merchant_id is not None else []
        if rows:
            return Search(kind, text, rows)
        understood = kind
    phone = _phone(text)
    if phone is not None:
        blind = keys.blind(phone, kind="phone")
        rows = merchants.search_merchants(session, phone_blind=blind, now=now)
        return Search("phone", masked_phone(phone[-4:]), rows)
    rows = merchants.search_merchants(session, text=text, now=now)
    return Search("name" if rows else understood, text, rows)


def _exact(session: Session, text: str, keys: Keyring) -> Iterator[tuple[str, int | None]]:
    """Every way to read `text` as the number of something, and whose it is."""
    number = _NUMBER.fullmatch(text)
    if number is not None and _phone(text) is None:
        yield "number", int(number[1])
    try:
        owner = codes.whose(session, read_code(text))
        yield "code", owner[0] if owner else None
    except InvalidReference:
        pass
    for kind in (Kind.ORDER, Kind.REFUND):
        try:
            yield "payment", merchant_of(text.upper(), kind=kind, key=keys.reference_key)
        except InvalidReference:
            continue


def _phone(text: str) -> str | None:
    try:
        return read_phone(text)
    except Refused:
        return None
