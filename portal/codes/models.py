"""Codes: the portal's own plates, and WeChat codes a merchant already has and has linked."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.plumbing.db import Base

_MOMENT = sa.DateTime(timezone=True)


class Code(Base):
    """One code of one shop. A portal code carries `number`, a linked code the fingerprint of its foreign text."""

    __tablename__ = "codes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["merchant_id", "shop_id"], ["shops.merchant_id", "shops.shop_id"]),
        sa.CheckConstraint("kind IN ('portal', 'linked_merchant', 'linked_personal')", name="kind_known"),
        sa.CheckConstraint(
            "state IN ('printed', 'bound', 'active', 'suspended', 'suspect', 'lost', 'replaced', 'retired')",
            name="state_known",
        ),
        sa.CheckConstraint("(kind = 'portal') = (number IS NOT NULL)", name="number_only_on_portal_codes"),
        sa.CheckConstraint("(kind = 'portal') = (foreign_sealed IS NULL)", name="text_only_on_linked_codes"),
        sa.CheckConstraint("holding IN ('own_sub_merchant', 'other_contract', 'personal')", name="holding_known"),
        sa.CheckConstraint("told_by IN ('acquirer', 'interconnect', 'nobody')", name="told_by_known"),
        sa.CheckConstraint("(kind = 'portal') = (told_by IS NULL)", name="told_by_of_linked_codes"),
        sa.CheckConstraint("kind <> 'portal' OR holding IS NULL", name="holding_of_linked_codes"),
        {"info": {"owner": "merchant"}},
    )

    merchant_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    code_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    shop_id: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(30))
    number: Mapped[str | None] = mapped_column(sa.String(9))
    printed_url: Mapped[str | None] = mapped_column(sa.Text)
    foreign_sealed: Mapped[str | None] = mapped_column(sa.Text)
    foreign_issuer: Mapped[str | None] = mapped_column(sa.String(16))
    # Who receives what is paid to a linked code, as the directory told when it was linked; None where nobody told.
    holding: Mapped[str | None] = mapped_column(sa.String(20))
    # Who tells us of payments on a linked code.
    told_by: Mapped[str | None] = mapped_column(sa.String(16))
    # The name the directory had for the holder (a person's is masked there), sealed.
    holder_sealed: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    changed_at: Mapped[datetime] = mapped_column(_MOMENT)


class CodeLookup(Base):
    """Lookup: whose code is this? `key` is a plate number, or `sha256:` and the fingerprint of a linked text."""

    __tablename__ = "code_lookups"
    __table_args__ = ({"info": {"owner": "lookup"}},)

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    merchant_id: Mapped[int] = mapped_column(sa.BigInteger)
    code_id: Mapped[int] = mapped_column(sa.Integer)
