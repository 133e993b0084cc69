"""Cases of real money that fits nothing: what was told, what the wallet said when asked, and what two people agreed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class SuspenseCase(Base):
    """One transaction of an acquirer, amounts in its smallest unit (fen).

    `kept` says whether the ledger's suspense holds it (foreign money is only told of). `told` is the verified word that
    opened the case, `said` the wallet's answer since; both without whatever names the payer. The app itself can open
    cases and mark them booked; no column of a decision is open to it.
    """

    __tablename__ = "suspense_cases"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "case_id"),
        sa.CheckConstraint(
            "state IN ('open', 'proposed', 'returning', 'returned', 'booked', 'released', 'given_back', 'ignored')",
            name="state_known",
        ),
        sa.CheckConstraint("way IN ('', 'release', 'give_back', 'ignore')", name="way_known"),
        sa.CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
        sa.CheckConstraint(
            "state <> 'proposed' OR (way <> '' AND proposed_by IS NOT NULL AND length(why) >= 4"
            " AND length(fingerprint) = 64)",
            name="proposals_are_whole",
        ),
        sa.CheckConstraint(
            "state NOT IN ('released', 'given_back', 'ignored') OR (way <> '' AND proposed_by IS NOT NULL"
            " AND length(why) >= 4 AND length(fingerprint) = 64 AND approved_by IS NOT NULL)",
            name="decided_by_two",
        ),
        sa.CheckConstraint(
            "state NOT IN ('booked', 'released', 'given_back') OR payment_no IS NOT NULL", name="booked_as_a_payment"
        ),
        sa.CheckConstraint("closed_at IS NOT NULL OR state IN ('open', 'proposed', 'returning')", name="over_since"),
        sa.Index("ix_suspense_cases_unsettled", "opened_at", postgresql_where=sa.text("state IN ('open', 'proposed')")),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    transaction_no: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True))
    order_no: Mapped[str] = mapped_column(sa.String(64))
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.String(64))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(16))
    kept: Mapped[bool] = mapped_column(sa.Boolean)
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payer_blind: Mapped[str | None] = mapped_column(sa.String(64))
    opened_at: Mapped[datetime] = mapped_column(_MOMENT)
    state: Mapped[str] = mapped_column(sa.String(16))
    payment_no: Mapped[str | None] = mapped_column(sa.String(32))
    closed_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    said: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    said_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    way: Mapped[str] = mapped_column(sa.String(16), server_default="")
    target_no: Mapped[str | None] = mapped_column(sa.String(32))
    why: Mapped[str] = mapped_column(sa.Text, server_default="")
    fingerprint: Mapped[str] = mapped_column(sa.String(64), server_default="")
    proposed_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    proposed_name: Mapped[str] = mapped_column(sa.String(64), server_default="")
    proposed_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    approved_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    approved_name: Mapped[str] = mapped_column(sa.String(64), server_default="")
