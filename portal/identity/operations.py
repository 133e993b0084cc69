"""Register, prove a number, sign in and out, count tries."""

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.identity.models import Acceptance, SignInSession, SmsCode, Throttle, User, UserMerchant
from portal.identity.queries import newest_sms_code
from portal.identity.rules import (
    LIMITS,
    MERCHANT_SESSION,
    SMS_CODE_LIFE_MINUTES,
    SMS_CODE_TRIES,
    STAFF_SESSION,
    Limit,
    window_start,
)


def count_try(session: Session, limit: Limit, key: str, *, now: datetime) -> datetime | None:
    """Count one try. Answers when to come again if it was one too many, else None: the count is kept either way."""
    allowance = LIMITS[limit]
    start = window_start(now, allowance.window)
    count: int = session.execute(
        insert(Throttle)
        .values(key=f"{limit}:{key}", window_start=start, count=1)
        .on_conflict_do_update(index_elements=[Throttle.key, Throttle.window_start], set_={"count": Throttle.count + 1})
        .returning(Throttle.count)
    ).scalar_one()
    return start + allowance.window if count > allowance.most else None


def keep_sms_code(session: Session, *, phone_blind: str, purpose: str, now: datetime) -> str:
    """Make a six-digit code for a number and keep only its fingerprint. Answers the code to be sent."""
    code = f"{secrets.randbelow(10**6):06d}"
    session.add(
        SmsCode(
            phone_blind=phone_blind,
            purpose=purpose,
            code_hash=_code_hash(phone_blind, purpose, code),
            created_at=now,
            expires_at=now + timedelta(minutes=SMS_CODE_LIFE_MINUTES),
            tries=0,
        )
    )
    session.flush()
    return code


def try_sms_code(session: Session, *, phone_blind: str, purpose: str, code: str, now: datetime) -> str | None:
    """Use up a code: None when it was right, else the reason `code_wrong`, `code_expired` or `code_used_up`.

    The number of tries must be committed even when the answer is a refusal, so this answers instead of raising.
    """
    kept = newest_sms_code(session, phone_blind, purpose)
    if kept is None:
        return "code_wrong"
    if kept.used_at is not None or kept.expires_at <= now:
        return "code_expired"
    if kept.tries >= SMS_CODE_TRIES:
        return "code_used_up"
    kept.tries += 1
    if not secrets.compare_digest(kept.code_hash, _code_hash(phone_blind, purpose, code)):
        session.flush()
        return "code_wrong"
    kept.used_at = now
    session.flush()
    return None


def create_user(
    session: Session,
    *,
    kind: str,
    phone_blind: str,
    phone_sealed: str,
    phone_tail: str,
    name: str,
    password_hash: str,
    locale: str,
    now: datetime,
    staff_role: str | None = None,
) -> int:
    """A new person. Raises IntegrityError when the number is taken (the caller looked before)."""
    user = User(
        kind=kind,
        staff_role=staff_role,
        phone_blind=phone_blind,
        phone_sealed=phone_sealed,
        phone_tail=phone_tail,
        name=name,
        password_hash=password_hash,
        locale=locale,
        created_at=now,
    )
    session.add(user)
    session.flush()
    return user.user_id


def accept(session: Session, *, user_id: int, document: str, version: str, sha256: str, now: datetime) -> None:
    """Keep that a person accepted this very text; a second click changes nothing."""
    session.execute(
        insert(Acceptance)
        .values(user_id=user_id, document=document, version=version, sha256=sha256, accepted_at=now)
        .on_conflict_do_nothing()
    )


def join_merchant(session: Session, *, user_id: int, merchant_id: int) -> None:
    """Write the lookup from person to merchant; repeatable."""
    session.execute(insert(UserMerchant).values(user_id=user_id, merchant_id=merchant_id).on_conflict_do_nothing())


def sign_in(
    session: Session, *, user_id: int, staff: bool, merchant_id: int | None, browser: str, now: datetime
) -> str:
    """Open a session and answer its token: 256 random bits, of which the database keeps the fingerprint."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignInSession(
            token_hash=token_hash(token),
            user_id=user_id,
            merchant_id=merchant_id,
            created_at=now,
            seen_at=now,
            expires_at=now + (STAFF_SESSION if staff else MERCHANT_SESSION),
            browser=browser[:200],
        )
    )
    session.flush()
    return token


def seen(session: Session, token_hash_value: str, *, now: datetime) -> None:
    """Note that a session is in use."""
    session.execute(sa.update(SignInSession).where(SignInSession.token_hash == token_hash_value).values(seen_at=now))


def sign_out(session: Session, token_hash_value: str, *, now: datetime) -> None:
    """Revoke one session."""
    session.execute(
        sa.update(SignInSession)
        .where(SignInSession.token_hash == token_hash_value, SignInSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def sign_out_device(session: Session, *, user_id: int, token_hash_value: str, now: datetime) -> bool:
    """Revoke one of a person's own sessions; False when it is not his or already over."""
    done = session.execute(
        sa.update(SignInSession)
        .where(
            SignInSession.user_id == user_id,
            SignInSession.token_hash == token_hash_value,
            SignInSession.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(SignInSession.token_hash)
    )
    return done.first() is not None


def sign_out_everywhere(session: Session, user_id: int, *, now: datetime, but: str | None = None) -> None:
    """Revoke every session of a person, except perhaps the one he is using."""
    statement = sa.update(SignInSession).where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
    if but is not None:
        statement = statement.where(SignInSession.token_hash != but)
    session.execute(statement.values(revoked_at=now))


def set_password(session: Session, user_id: int, password_hash: str, *, now: datetime) -> None:
    """A new password ends every session opened with the old one."""
    session.execute(sa.update(User).where(User.user_id == user_id).values(password_hash=password_hash))
    sign_out_everywhere(session, user_id, now=now)


def token_hash(token: str) -> str:
    """The fingerprint under which a session is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _code_hash(phone_blind: str, purpose: str, code: str) -> str:
    return hashlib.sha256(f"{phone_blind}|{purpose}|{code}".encode()).hexdigest()
