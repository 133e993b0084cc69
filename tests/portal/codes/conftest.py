"""The fruit stall and the people who look after it."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from portal.codes.plates import printing
from portal.codes.scanning import asking
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from tests.factories.merchants import add_merchant, add_user

SHOP = 482913057
OTHER = 482913058
CODE = "7KQ42MHDW"


@pytest.fixture(scope="session", autouse=True)
def _end_the_children() -> Iterator[None]:
    yield
    printing._press.close()
    asking._scanner.close()


@pytest.fixture
def shop(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊")
    return SHOP


@pytest.fixture
def owner(shop: int, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    user = add_user(db, keyring, phone="+8613800000001", name="陈珍珍", merchant_id=shop)
    return client_of(user, shop)


@pytest.fixture
def clerk(shop: int, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    user = add_user(db, keyring, phone="+8613800000002", name="周姐", merchant_id=shop, role="clerk")
    return client_of(user, shop)


@pytest.fixture
def stranger(db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    add_merchant(db, keyring, merchant_id=OTHER, name="城东豆腐店")
    user = add_user(db, keyring, phone="+8613800000003", name="老周", merchant_id=OTHER)
    return client_of(user, OTHER)
