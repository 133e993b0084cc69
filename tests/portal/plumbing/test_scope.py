"""The merchant a transaction may see is gone with the transaction, however it ended, on a connection used again."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from portal.merchants.models import Merchant
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant

SHOP, OTHER = 482913057, 482913058


@pytest.fixture
def single(database: TestDatabase, keyring: Keyring) -> Iterator[Database]:
    """Every transaction gets the same connection."""
    opened = Database(database.app, pool_size=1)
    add_merchant(opened, keyring, merchant_id=SHOP, name="阿珍水果摊")
    add_merchant(opened, keyring, merchant_id=OTHER, name="老周豆腐")
    yield opened
    opened.close()


def seen(database: Database, merchant: int | None = None) -> list[int]:
    with database.transaction(merchant=merchant) as session:
        return list(session.scalars(sa.select(Merchant.merchant_id)))


def test_the_next_transaction_without_a_scope_sees_nothing(single: Database) -> None:
    assert seen(single, SHOP) == [SHOP]
    assert seen(single) == []
    assert seen(single, OTHER) == [OTHER]


def test_a_scope_entered_later_ends_as_well(single: Database) -> None:
    with single.transaction() as session:
        single.enter(session, OTHER)
        assert list(session.scalars(sa.select(Merchant.merchant_id))) == [OTHER]
    assert seen(single) == []


def test_a_transaction_taken_back_leaves_no_scope_behind(single: Database) -> None:
    with pytest.raises(ZeroDivisionError), single.transaction(merchant=SHOP):
        raise ZeroDivisionError
    assert seen(single) == []
