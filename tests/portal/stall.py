"""One shop with its owner, for the tests of the pages he sees: a conftest takes these fixtures in by name."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from tests.factories.merchants import add_merchant, add_user

SHOP, STRANGER = 482913057, 590271846
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def owner(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    return add_user(db, keyring, phone="+8613800138001", name="周建国", merchant_id=SHOP)


@pytest.fixture
def owners_browser(owner: int, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    """The owner's."""
    return client_of(owner, SHOP)


@pytest.fixture
def strangers_browser(db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    """The owner's of another shop."""
    add_merchant(db, keyring, merchant_id=STRANGER, name="老王早餐", code=None)
    user = add_user(db, keyring, phone="+8613800138002", name="老王", merchant_id=STRANGER)
    return client_of(user, STRANGER)
