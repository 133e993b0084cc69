"""The sealed day of a merchant: written once at its close, never changed."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base


class DaySheet(Base):
    """One sealed sheet. `position` counts a merchant's sheets from 1 without gaps; `previous` is the seal before."""

    __tablename__ = "day_sheets"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "position"),
        sa.CheckConstraint("position >= 1", name="position_counts_from_one"),
        sa.CheckConstraint("length(seal) = 64 AND length(previous) = 64", name="seals_are_whole"),
        {"info": {"owner": "merchant", "append_only": True}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # The days of `earlier` in the figures once more, so that looking for one opens no other sheet.
    earlier_days: Mapped[list[date]] = mapped_column(ARRAY(sa.Date))
    previous: Mapped[str] = mapped_column(sa.String(64))
    seal: Mapped[str] = mapped_column(sa.String(64))
    sealed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
