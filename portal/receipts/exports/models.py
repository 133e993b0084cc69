"""Files that owners asked for: what is in them, how far they are, and where their parts lie."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Export(Base):
    """One file. `tries` counts its runs and tells a run that was overtaken; `parts` are documents of the store."""

    __tablename__ = "exports"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "form_key"),
        sa.CheckConstraint("subject IN ('receipts', 'refunds')", name="subject_known"),
        sa.CheckConstraint("form IN ('csv', 'xlsx')", name="form_known"),
        sa.CheckConstraint("state IN ('queued', 'running', 'ready', 'failed', 'expired')", name="state_known"),
        sa.CheckConstraint("last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("state <> 'ready' OR (finished_at IS NOT NULL AND expires_at IS NOT NULL)", name="ready"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    export_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(16))
    form: Mapped[str] = mapped_column(sa.String(8))
    first_day: Mapped[date] = mapped_column(sa.Date)
    last_day: Mapped[date] = mapped_column(sa.Date)
    state: Mapped[str] = mapped_column(sa.String(16))
    done: Mapped[int] = mapped_column(sa.BigInteger)
    total: Mapped[int | None] = mapped_column(sa.BigInteger)
    tries: Mapped[int] = mapped_column(sa.Integer)
    parts: Mapped[list[str]] = mapped_column(JSONB)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    form_key: Mapped[str] = mapped_column(sa.String(64))
    asked_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    finished_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime | None] = mapped_column(_MOMENT)
