"""The inbox of signed wallet notices, and how many of each kind came. A row in the inbox: the signature was right."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class InboxNotice(Base):
    """One notice; merchant 0 is the platform's own scope for what nothing can attribute. The body lies sealed.

    `about`, `subject`, `sub_merchant_no` and `transaction_no` are what the wallet is asked by while it is `waiting`.
    """

    __tablename__ = "inbox_notices"
    __table_args__ = (
        sa.CheckConstraint("state IN ('applied', 'ignored', 'waiting', 'orphan', 'quarantined')", name="state_known"),
        sa.CheckConstraint("about IN ('payment', 'refund', 'transfer', 'routed', 'nothing')", name="about_known"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    acquirer: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    notice_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    about: Mapped[str] = mapped_column(sa.String(16), server_default="nothing")
    subject: Mapped[str] = mapped_column(sa.String(64))
    sub_merchant_no: Mapped[str] = mapped_column(sa.String(32), server_default="")
    transaction_no: Mapped[str | None] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.String(64))
    body_sealed: Mapped[str] = mapped_column(sa.Text)
    body_sha256: Mapped[str] = mapped_column(sa.String(64))
    received_at: Mapped[datetime] = mapped_column(_MOMENT)


class NoticeCount(Base):
    """How many notices of one sender ended in one way, ever. The only thing a refused one leaves behind."""

    __tablename__ = "notice_counts"
    __table_args__ = ({"info": {"owner": "platform"}},)

    sender: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    outcome: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    count: Mapped[int] = mapped_column(sa.BigInteger)
