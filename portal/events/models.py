"""One feed per merchant of everything that happened to its money, written in the fact's own transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base


class EventHead(Base):
    """The last number given out; its row lock makes the numbers of one merchant gapless."""

    __tablename__ = "event_heads"
    __table_args__ = ({"info": {"owner": "merchant"}},)

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(sa.BigInteger)


class Event(Base):
    """One fact: `kind` such as `payment.success`, `subject` the payment or refund number."""

    __tablename__ = "events"
    __table_args__ = (
        sa.Index(None, "merchant_id", "subject"),
        {"info": {"owner": "merchant", "append_only": True}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class EventCursor(Base):
    """How far the relay has carried each merchant's feed to the higher slices."""

    __tablename__ = "event_cursors"
    __table_args__ = ({"info": {"owner": "merchant"}},)

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    relay: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger)
