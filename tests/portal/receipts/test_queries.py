from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.receipts import queries
from portal.receipts.rules import Filter
from portal.wallets.port import Acquirer, RefundState
from tests.factories.payments import add_order, add_payment, add_refund
from tests.portal.stall import NOW, SHOP


@pytest.fixture
def numbers(db: Database, keyring: Keyring) -> list[str]:
    """Seven receipts, oldest first; the third and fourth came in the same moment."""
    minutes = [0, 1, 2, 2, 3, 4, 5]
    return [
        add_payment(
            db,
            keyring,
            merchant_id=SHOP,
            amount=100 + place,
            now=NOW + timedelta(minutes=minute),
            acquirer=Acquirer.JDPAY if place % 3 == 0 else Acquirer.WECHAT,
        )
        for place, minute in enumerate(minutes)
    ]


def page(db: Database, **how: object) -> queries.ReceiptPage:
    facts: dict[str, object] = {"chosen": Filter.ALL, "most": 3, **how}
    with db.transaction(merchant=SHOP) as session:
        return queries.page(session, SHOP, **facts)  # type: ignore[arg-type]


def shown(found: queries.ReceiptPage) -> list[str]:
    return [row.payment_no for row in found.rows]


def test_paging_down_shows_every_receipt_once(db: Database, numbers: list[str]) -> None:
    seen: list[str] = []
    before = None
    while True:
        found = page(db, before=before)
        seen += shown(found)
        before = found.older
        if before is None:
            break
    assert len(seen) == 7
    assert sorted(seen) == sorted(numbers)
    assert (seen[0], seen[-1]) == (numbers[-1], numbers[0])


def test_paging_up_again_shows_the_same_pages(db: Database, numbers: list[str]) -> None:
    first = page(db)
    second = page(db, before=first.older)
    back = page(db, after=second.newer)
    assert shown(back) == shown(first)
    assert back.newer is None
    assert back.older == first.older


def test_the_newest_page_has_no_newer_one(db: Database, numbers: list[str]) -> None:
    assert page(db).newer is None


def test_a_receipt_that_comes_in_meanwhile_moves_nothing(db: Database, keyring: Keyring, numbers: list[str]) -> None:
    first = page(db)
    expected = shown(page(db, before=first.older))
    add_payment(db, keyring, merchant_id=SHOP, amount=1, now=NOW + timedelta(hours=1))
    assert shown(page(db, before=first.older)) == expected


@pytest.mark.parametrize("nonsense", ["Y", "' OR 1=1", "Y" * 30])
def test_a_place_nobody_knows_is_the_newest_page(db: Database, numbers: list[str], nonsense: str) -> None:
    assert shown(page(db, before=nonsense)) == shown(page(db))


def test_unpaid_orders_are_not_receipts(db: Database, keyring: Keyring) -> None:
    add_order(db, keyring, merchant_id=SHOP, amount=1, now=NOW)
    assert page(db).rows == []
    with db.transaction(merchant=SHOP) as session:
        assert not queries.exists(session, SHOP)


def test_the_chips_let_through_what_they_say(db: Database, keyring: Keyring, numbers: list[str]) -> None:
    add_refund(db, keyring, merchant_id=SHOP, payment_no=numbers[1], amount=50, now=NOW, state=RefundState.SUCCESS)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=numbers[2], amount=50, now=NOW)
    assert {row.wallet for row in page(db, chosen=Filter.JDPAY, most=9).rows} == {"jdpay"}
    assert len(page(db, chosen=Filter.WECHAT, most=9).rows) == 4
    assert set(shown(page(db, chosen=Filter.REFUNDED, most=9))) == {numbers[1], numbers[2]}


def test_the_sums_of_a_day_follow_the_chip(db: Database, keyring: Keyring, numbers: list[str]) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=9, now=NOW - timedelta(days=1))
    today, yesterday, never = date(2026, 11, 22), date(2026, 11, 21), date(2020, 1, 1)
    with db.transaction(merchant=SHOP) as session:
        every = queries.day_sums(session, SHOP, [today, yesterday, never], chosen=Filter.ALL)
        jd = queries.day_sums(session, SHOP, [today, yesterday, never], chosen=Filter.JDPAY)
    assert (every[today].count, every[today].received) == (7, 721)
    assert every[yesterday].received == 9
    assert jd == {today: queries.DaySum(3, 100 + 103 + 106)}


def test_a_page_is_read_along_its_index(db: Database, numbers: list[str]) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        plan = "\n".join(
            session.scalars(
                sa.text(
                    "EXPLAIN SELECT * FROM payments WHERE merchant_id = :m AND state = 'success'"
                    " AND (paid_at, payment_no) < (now(), 'Y') ORDER BY paid_at DESC, payment_no DESC LIMIT 20"
                ),
                {"m": SHOP},
            )
        )
    assert "ix_payments_paid" in plan
    assert "Sort" not in plan


def test_another_shop_sees_no_page(db: Database, numbers: list[str]) -> None:
    with db.transaction(merchant=590271846) as session:
        assert queries.newest(session, SHOP, most=9) == []
