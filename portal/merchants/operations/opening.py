"""Open a merchant: himself, his owner, his first shop."""

import secrets
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.events.operations import append
from portal.merchants.models import Member, Merchant, Shop
from portal.merchants.rules import MerchantStatus
from portal.values.errors import NotAllowedNow

FIRST_SHOP = 1


def new_merchant_id() -> int:
    """A random nine-digit number: it tells nobody how many merchants there are."""
    return 10**8 + secrets.randbelow(9 * 10**8)


def create_merchant(session: Session, *, merchant_id: int, owner: Actor, shop_name: str, now: datetime) -> None:
    """A merchant with his owner and first shop. Raises NotAllowedNow(`number_taken`): try another number."""
    made = session.execute(
        insert(Merchant)
        .values(merchant_id=merchant_id, status=MerchantStatus.PENDING, name=shop_name, created_at=now)
        .on_conflict_do_nothing()
        .returning(Merchant.merchant_id)
    )
    if made.first() is None:
        raise NotAllowedNow("number_taken")
    session.add_all(
        [
            Member(merchant_id=merchant_id, user_id=owner.user_id, role="owner", name=owner.name, joined_at=now),
            Shop(merchant_id=merchant_id, shop_id=FIRST_SHOP, name=shop_name, address="", created_at=now),
        ]
    )
    session.flush()
    append(session, merchant_id=merchant_id, kind="merchant.registered", subject=str(merchant_id), now=now)
    record(
        session,
        Act(at=now, actor=owner, action="merchant.registered", subject=str(merchant_id), facts={"shop": shop_name}),
        merchant_id=merchant_id,
    )
