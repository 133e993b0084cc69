"""Staff at their desks, and shops whose applications wait for them."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from PIL import Image

from portal.audit.rules import Actor
from portal.config import Settings
from portal.merchants import operations, queries
from portal.merchants.rules import STEP_DOCUMENTS, Step
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.storage import documents
from tests.factories.merchants import add_user
from tests.portal.merchants.conftest import ACCOUNT, LICENCE, PERSON, SHOP

TOFU, FRUIT = 482913057, 590271846
OWNER_PHONE = "+8613800138001"


@dataclass
class Desk:
    """One member of staff at his browser."""

    user_id: int
    name: str
    browser: FlaskClient


@pytest.fixture
def desk(staff_db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> Callable[..., Desk]:
    """`desk("reviewer")`: a new person of that role, signed in."""
    hired: list[int] = []

    def make(role: str, name: str = "林岚") -> Desk:
        phone = f"+861390013{9001 + len(hired):04d}"
        user_id = add_user(staff_db, keyring, phone=phone, name=name, staff_role=role)
        hired.append(user_id)
        return Desk(user_id, name, client_of(user_id, staff=True))

    return make


@pytest.fixture
def apply(db: Database, keyring: Keyring, settings: Settings) -> Callable[..., int]:
    """A shop whose application waits; answers the owner's user id. `changes` go over the answers."""

    def make(
        merchant_id: int = TOFU,
        *,
        shop: str = "老周豆腐",
        phone: str = OWNER_PHONE,
        at: datetime | None = None,
        submit: bool = True,
        **changes: object,
    ) -> int:
        owner_id = _register(db, keyring, merchant_id, shop, phone)
        actor, moment = Actor("merchant", owner_id, "周建国"), at or now()
        store = documents(settings, keyring)
        answers = {
            Step.LICENCE: LICENCE,
            Step.PERSON: {**PERSON, "id_valid_from": day("2016-03-01"), "id_valid_until": day("2036-03-01")},
            Step.ACCOUNT: {**ACCOUNT, "account_number": ACCOUNT["account_number"].replace(" ", "")},
            Step.SHOP: {**SHOP, "shop_name": shop},
        }
        with db.transaction(merchant=merchant_id) as session:
            at_it = {"merchant_id": merchant_id, "application_id": 1}
            operations.start_application(session, keyring, merchant_id=merchant_id, now=moment)
            for step, given in answers.items():
                own = {name: value for name, value in changes.items() if name in given}
                operations.save_answers(session, keyring, **at_it, step=step, changes={**given, **own})
                for document in STEP_DOCUMENTS[step]:
                    name = store.put(photo(), owner=f"{merchant_id}-1")
                    operations.save_picture(session, keyring, **at_it, document=document, name=name)
            if submit:
                rates = queries.fee_terms(session, now=moment)
                operations.submit(session, keyring, **at_it, rates=rates, actor=actor, now=moment)
        return owner_id

    return make


def _register(db: Database, keyring: Keyring, merchant_id: int, shop: str, phone: str) -> int:
    owner_id = add_user(db, keyring, phone=phone, name="周建国")
    with db.transaction(merchant=merchant_id) as session:
        operations.create_merchant(
            session, merchant_id=merchant_id, owner=Actor("merchant", owner_id, "周建国"), shop_name=shop, now=now()
        )
    return owner_id


def photo() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 120, 40)).save(written, "JPEG")
    return written.getvalue()


def day(text: str) -> object:
    return datetime.fromisoformat(text).date()
