"""Register: prove the number, then open person and merchant in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.rules import Actor
from portal.identity import operations as identity
from portal.identity import queries as people
from portal.identity import texts
from portal.identity.rules import phone_place
from portal.merchants.operations import create_merchant, new_merchant_id
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import NotAllowedNow

_NUMBERS_TO_TRY = 5
KNOWN = "known"


@dataclass(frozen=True)
class Newcomer:
    """What somebody who registers has given."""

    phone: str
    password_hash: str
    shop_name: str
    locale: str


@dataclass(frozen=True)
class Registration:
    """Either a new user, or the reason there is none: one of the code's, or `known` for a number with an account."""

    user_id: int | None = None
    problem: str | None = None


def register(db: Database, keys: Keyring, newcomer: Newcomer, *, code: str, now: datetime) -> Registration:
    """Use up the code and open the merchant. Whether the number is known is told only to who has the right code."""
    blind = keys.blind(newcomer.phone, kind="phone")
    for _ in range(_NUMBERS_TO_TRY):
        merchant_id = new_merchant_id()
        try:
            with db.transaction(merchant=merchant_id) as session:
                problem = identity.try_sms_code(session, phone_blind=blind, purpose="register", code=code, now=now)
                if problem is not None:
                    return Registration(problem=problem)
                if people.password_of(session, blind) is not None:
                    return Registration(problem=KNOWN)
                return Registration(_open(session, keys, newcomer, blind, merchant_id, now))
        except NotAllowedNow:
            continue
        except IntegrityError:
            return Registration(problem=KNOWN)
    raise NotAllowedNow("number_taken")


def _open(session: Session, keys: Keyring, newcomer: Newcomer, blind: str, merchant_id: int, now: datetime) -> int:
    tail = newcomer.phone[-4:]
    name = f"店主 {tail}"
    user_id = identity.create_user(
        session,
        kind="merchant",
        phone_blind=blind,
        phone_sealed=keys.seal(newcomer.phone, place=phone_place(blind)),
        phone_tail=tail,
        name=name,
        password_hash=newcomer.password_hash,
        locale=newcomer.locale,
        now=now,
    )
    for document in texts.DOCUMENTS:
        text = texts.current(document, "zh")
        identity.accept(session, user_id=user_id, document=document, version=text.version, sha256=text.sha256, now=now)
    identity.join_merchant(session, user_id=user_id, merchant_id=merchant_id)
    owner = Actor("merchant", user_id, name)
    create_merchant(session, merchant_id=merchant_id, owner=owner, shop_name=newcomer.shop_name, now=now)
    return user_id
