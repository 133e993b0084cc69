"""The inbox of signed wallet notices. A row here means the signature was right."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class InboxNotice(Base):
    """One notice; merchant 0 is the platform's own scope for what nothing can attribute. The body lies sealed."""

    __tablename__ = "inbox_notices"
    __table_args__ = (
        sa.CheckConstraint("state IN ('applied', 'ignored', 'orphan', 'quarantined')", name="state_known"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    notice_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.String(64))
    body_sealed: Mapped[str] = mapped_column(sa.Text)
    body_sha256: Mapped[str] = mapped_column(sa.String(64))
    received_at: Mapped[datetime] = mapped_column(_MOMENT)
