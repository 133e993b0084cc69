"""A merchant that may receive, written by the portal's own tables; every important fact must be named."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from portal.codes.models import Code, CodeLookup
from portal.identity.models import User, UserMerchant
from portal.identity.operations import sign_in
from portal.identity.rules import phone_place
from portal.merchants.contracts import seal_keys
from portal.merchants.models import ContractLookup, Member, Merchant, MerchantContract, Shop
from portal.plumbing.crypto import Keyring, hash_password
from portal.plumbing.db import Database

OPENED = datetime(2026, 11, 1, tzinfo=UTC)
PASSWORD = "one-stall-one-code"
_PASSWORD_HASH = hash_password(PASSWORD)


def add_merchant(
    database: Database, keyring: Keyring, *, merchant_id: int, name: str, code: str | None = None, fee_rate_bp: int = 38
) -> None:
    """An active merchant with one shop, contracts with both acquirers (`WX<id>`, `JD<id>`) and perhaps a code."""
    numbers = {"wechat": f"WX{merchant_id}", "jdpay": f"JD{merchant_id}"}
    with database.transaction(merchant=merchant_id) as session:
        session.add(Merchant(merchant_id=merchant_id, status="active", name=name, created_at=OPENED))
        session.flush()
        session.add(Shop(merchant_id=merchant_id, shop_id=1, name=name, address="城东菜市场 B12", created_at=OPENED))
        for acquirer, number in numbers.items():
            keys = {"des_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "md5_key": "k"} if acquirer == "jdpay" else {}
            session.add(ContractLookup(acquirer=acquirer, sub_merchant_no=number, merchant_id=merchant_id))
            session.add(
                MerchantContract(
                    merchant_id=merchant_id,
                    acquirer=acquirer,
                    sub_merchant_no=number,
                    keys_sealed=seal_keys(keyring, merchant_id=merchant_id, acquirer=acquirer, keys=keys),
                    fee_rate_bp=fee_rate_bp,
                    opened_at=OPENED,
                )
            )
        session.flush()
        if code is not None:
            add_code(session, merchant_id=merchant_id, code=code)


def add_code(session: Session, *, merchant_id: int, code: str, code_id: int = 1, state: str = "active") -> None:
    """A portal code of shop 1."""
    session.add(CodeLookup(key=code, merchant_id=merchant_id, code_id=code_id))
    session.add(
        Code(
            merchant_id=merchant_id,
            code_id=code_id,
            shop_id=1,
            kind="portal",
            state=state,
            name="柜台",
            number=code,
            printed_url=f"http://127.0.0.1/c/{code}",
            created_at=OPENED,
            changed_at=OPENED,
        )
    )
    session.flush()


def add_user(
    database: Database,
    keyring: Keyring,
    *,
    phone: str,
    name: str,
    merchant_id: int | None = None,
    role: str = "owner",
    staff_role: str | None = None,
) -> int:
    """A person with PASSWORD; staff when `staff_role` is named (give the staff database then)."""
    blind = keyring.blind(phone, kind="phone")
    with database.transaction(merchant=merchant_id) as session:
        user = User(
            kind="staff" if staff_role else "merchant",
            staff_role=staff_role,
            phone_blind=blind,
            phone_sealed=keyring.seal(phone, place=phone_place(blind)),
            phone_tail=phone[-4:],
            name=name,
            password_hash=_PASSWORD_HASH,
            locale="zh",
            created_at=OPENED,
        )
        session.add(user)
        session.flush()
        if merchant_id is not None:
            session.add(UserMerchant(user_id=user.user_id, merchant_id=merchant_id))
            session.add(Member(merchant_id=merchant_id, user_id=user.user_id, role=role, name=name, joined_at=OPENED))
        return user.user_id


def open_session(database: Database, *, user_id: int, merchant_id: int | None, staff: bool, now: datetime) -> str:
    """The token of a fresh sign-in."""
    with database.transaction() as session:
        return sign_in(session, user_id=user_id, staff=staff, merchant_id=merchant_id, browser="test", now=now)
