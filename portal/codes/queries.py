"""Read codes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.codes.models import Code, CodeLookup
from portal.merchants.models import Shop


@dataclass(frozen=True)
class CodeRow:
    """One code with the shop it hangs at."""

    merchant_id: int
    code_id: int
    shop_id: int
    kind: str
    state: str
    name: str
    number: str | None
    printed_url: str | None
    foreign_issuer: str | None
    holding: str | None
    told_by: str | None
    created_at: datetime
    changed_at: datetime
    shop_name: str
    shop_address: str


def whose(session: Session, key: str) -> tuple[int, int] | None:
    """Merchant and code id behind a plate number or a linked text's fingerprint: a lookup without any scope."""
    row = session.execute(
        sa.select(CodeLookup.merchant_id, CodeLookup.code_id).where(CodeLookup.key == key)
    ).one_or_none()
    return (row.merchant_id, row.code_id) if row else None


def code(session: Session, merchant_id: int, code_id: int) -> CodeRow | None:
    """One code of one merchant."""
    row = session.execute(_select().where(Code.merchant_id == merchant_id, Code.code_id == code_id)).one_or_none()
    return CodeRow(*row) if row else None


def codes(session: Session, merchant_id: int) -> list[CodeRow]:
    """The merchant's codes, oldest first."""
    rows = session.execute(_select().where(Code.merchant_id == merchant_id).order_by(Code.code_id))
    return [CodeRow(*row) for row in rows]


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Code.merchant_id,
        Code.code_id,
        Code.shop_id,
        Code.kind,
        Code.state,
        Code.name,
        Code.number,
        Code.printed_url,
        Code.foreign_issuer,
        Code.holding,
        Code.told_by,
        Code.created_at,
        Code.changed_at,
        Shop.name,
        Shop.address,
    ).join(Shop, sa.and_(Shop.merchant_id == Code.merchant_id, Shop.shop_id == Code.shop_id))
