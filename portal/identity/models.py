"""People who sign in, and what proves it is them. None of it belongs to one merchant."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class User(Base):
    """A person. `phone_blind` is the keyed fingerprint of his number; the number itself is sealed."""

    __tablename__ = "users"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('merchant', 'staff')", name="kind_known"),
        sa.CheckConstraint("locale IN ('zh', 'en')", name="locale_known"),
        {"info": {"owner": "person"}},
    )

    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    staff_role: Mapped[str | None] = mapped_column(sa.String(16))
    phone_blind: Mapped[str] = mapped_column(sa.String(64), unique=True)
    phone_sealed: Mapped[str] = mapped_column(sa.Text)
    phone_tail: Mapped[str] = mapped_column(sa.String(4))
    name: Mapped[str] = mapped_column(sa.String(64))
    password_hash: Mapped[str] = mapped_column(sa.Text)
    locale: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)


class SignInSession(Base):
    """One signed-in browser. The cookie holds the token, this row only its fingerprint; revoking is one update."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = ({"info": {"owner": "person"}},)

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.user_id"), index=True)
    merchant_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    seen_at: Mapped[datetime] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime] = mapped_column(_MOMENT)
    revoked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    browser: Mapped[str] = mapped_column(sa.String(200))


class SmsCode(Base):
    """A code sent by SMS for one purpose (`register`, `reset`): good once, for ten minutes, five tries."""

    __tablename__ = "sms_codes"
    __table_args__ = (sa.Index(None, "phone_blind", "purpose"), {"info": {"owner": "person"}})

    sms_code_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    phone_blind: Mapped[str] = mapped_column(sa.String(64))
    purpose: Mapped[str] = mapped_column(sa.String(16))
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime] = mapped_column(_MOMENT)
    tries: Mapped[int] = mapped_column(sa.Integer)
    used_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class Throttle(Base):
    """How often a thing was tried in one window of time; the database counts, so every process sees it."""

    __tablename__ = "throttles"
    __table_args__ = ({"info": {"owner": "platform"}},)

    key: Mapped[str] = mapped_column(sa.String(160), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(_MOMENT, primary_key=True)
    count: Mapped[int] = mapped_column(sa.Integer)


class Acceptance(Base):
    """A person accepted one version of a text, known by its SHA-256."""

    __tablename__ = "acceptances"
    __table_args__ = ({"info": {"owner": "person", "append_only": True}},)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.user_id"), primary_key=True)
    document: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    version: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    accepted_at: Mapped[datetime] = mapped_column(_MOMENT)


class UserMerchant(Base):
    """Lookup: the merchants a person works for, found before any merchant is known."""

    __tablename__ = "user_merchants"
    __table_args__ = ({"info": {"owner": "lookup"}},)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.user_id"), primary_key=True)
    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
