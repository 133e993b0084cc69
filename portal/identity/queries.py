"""Read who is signed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.identity.models import SignInSession, SmsCode, User, UserMerchant
from portal.identity.rules import MERCHANT_IDLE, STAFF_IDLE


@dataclass(frozen=True)
class Person:
    """A user as pages know him."""

    user_id: int
    kind: str
    staff_role: str | None
    name: str
    locale: str
    phone_tail: str


@dataclass(frozen=True)
class SignedIn:
    """A person, the merchant he acts for now, and the browser he does it in."""

    person: Person
    merchant_id: int | None
    token_hash: str
    seen_at: datetime


@dataclass(frozen=True)
class OpenSession:
    """One live sign-in, for the owner's list of devices."""

    token_hash: str
    browser: str
    created_at: datetime
    seen_at: datetime


def signed_in(session: Session, token_hash: str, *, now: datetime) -> SignedIn | None:
    """The live sign-in behind a token, or None when it is unknown, revoked, expired or idle for too long."""
    row = session.execute(
        sa.select(SignInSession, User)
        .join(User, User.user_id == SignInSession.user_id)
        .where(
            SignInSession.token_hash == token_hash,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        return None
    live, user = row
    idle: timedelta = STAFF_IDLE if user.kind == "staff" else MERCHANT_IDLE
    if live.seen_at + idle < now:
        return None
    return SignedIn(_person(user), live.merchant_id, live.token_hash, live.seen_at)


def password_of(session: Session, phone_blind: str) -> tuple[Person, str] | None:
    """The person behind a number and his password hash."""
    user = session.scalar(sa.select(User).where(User.phone_blind == phone_blind))
    return (_person(user), user.password_hash) if user else None


def person(session: Session, user_id: int) -> Person | None:
    """One person by id."""
    user = session.get(User, user_id)
    return _person(user) if user else None


def people(session: Session, user_ids: list[int]) -> dict[int, Person]:
    """Several persons by id."""
    rows = session.scalars(sa.select(User).where(User.user_id.in_(user_ids)))
    return {row.user_id: _person(row) for row in rows}


def phone_sealed(session: Session, user_id: int) -> tuple[str, str]:
    """The sealed number of a person and the fingerprint whose `phone_place` opens it."""
    row = session.execute(sa.select(User.phone_sealed, User.phone_blind).where(User.user_id == user_id)).one()
    return row.phone_sealed, row.phone_blind


def merchants_of(session: Session, user_id: int) -> list[int]:
    """The merchants a person works for, oldest first."""
    return list(
        session.scalars(
            sa.select(UserMerchant.merchant_id)
            .where(UserMerchant.user_id == user_id)
            .order_by(UserMerchant.merchant_id)
        )
    )


def open_sessions(session: Session, user_id: int, *, now: datetime) -> list[OpenSession]:
    """Where a person is signed in, newest first."""
    rows = session.scalars(
        sa.select(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None), SignInSession.expires_at > now)
        .order_by(SignInSession.seen_at.desc())
    )
    return [OpenSession(row.token_hash, row.browser, row.created_at, row.seen_at) for row in rows]


def newest_sms_code(session: Session, phone_blind: str, purpose: str) -> SmsCode | None:
    """The last code sent to a number for a purpose, locked so that two tries are counted as two."""
    return session.scalar(
        sa.select(SmsCode)
        .where(SmsCode.phone_blind == phone_blind, SmsCode.purpose == purpose)
        .order_by(SmsCode.sms_code_id.desc())
        .limit(1)
        .with_for_update()
    )


def _person(user: User) -> Person:
    return Person(user.user_id, user.kind, user.staff_role, user.name, user.locale, user.phone_tail)
