"""One shop of ours, and what the portal's own tests are given."""

import pytest

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from tests.factories.merchants import add_merchant
from tests.mutants.bank import SHOP
from tests.portal.conftest import RememberedSms, db, keyring, settings, sms, staff_db

__all__ = ["RememberedSms", "db", "keyring", "settings", "shop", "sms", "staff_db"]


@pytest.fixture
def shop(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    return SHOP
