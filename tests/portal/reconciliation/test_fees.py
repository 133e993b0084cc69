"""The fee of each line is compared with what the ledger booked for it, in whole fen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.reconciliation import queries
from portal.reconciliation.queries import BatchRow, ItemRow
from portal.wallets.port import Acquirer, RefundState
from tests.factories.bills import Line, jd_bill, wechat_bill
from tests.factories.payments import add_refund
from tests.portal.reconciliation.conftest import AT, DAY, SHOP

Paid = Callable[..., Line]
Reconcile = Callable[..., dict[str, BatchRow]]
Differences = Callable[..., list[ItemRow]]


@pytest.mark.parametrize("told", ["3.8", "3.5", "4", "4.499"])
def test_a_fee_written_with_more_decimals_is_right_to_the_nearest_fen(
    paid: Paid, reconcile: Reconcile, told: str
) -> None:
    assert reconcile(wechat_bill(replace(paid(1000), fee=told)))["wechat"].state == "balanced"


@pytest.mark.parametrize(("told", "fen"), [("3.499", 3), ("6", 6), ("0", 0)])
def test_another_fee_is_a_difference_of_its_own(
    paid: Paid, reconcile: Reconcile, differences: Differences, told: str, fen: int
) -> None:
    line = paid(1000)
    assert reconcile(wechat_bill(replace(line, fee=told)))["wechat"].state == "unbalanced"
    (row,) = differences()
    assert (row.difference, row.bill_amount, row.our_amount) == ("fee", 1000, 1000)
    assert (row.bill_fee, row.our_fee, row.fee_off_by, row.off_by) == (fen, 4, fen - 4, 0)


def test_jd_fees_are_compared_too(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    line = paid(1000, acquirer=Acquirer.JDPAY)
    reconcile(None, jd_bill(replace(line, fee="5")))
    assert [(row.key.acquirer, row.bill_fee, row.our_fee) for row in differences()] == [("jdpay", 5, 4)]


@pytest.mark.parametrize(("told", "state"), [("-1", "balanced"), ("0", "unbalanced")])
def test_the_fee_that_comes_back_with_a_refund_is_compared(
    db: Database, keyring: Keyring, paid: Paid, reconcile: Reconcile, told: str, state: str
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.SUCCESS
    )
    back = replace(line, amount=300, refund_no=number, fee=told)
    assert reconcile(wechat_bill(line, back))["wechat"].state == state


def test_the_fee_of_a_refund_under_way_is_not_booked_yet_and_no_difference(
    db: Database, keyring: Keyring, paid: Paid, reconcile: Reconcile
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.PROCESSING
    )
    back = replace(line, amount=300, refund_no=number, state="PROCESSING", fee="-1")
    assert reconcile(wechat_bill(line, back))["wechat"].state == "balanced"


def test_another_amount_is_one_difference_with_both_fees(
    paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    reconcile(wechat_bill(replace(paid(1000), amount=2000)))
    assert [(row.difference, row.bill_fee, row.our_fee) for row in differences()] == [("amount", 8, 4)]


def test_the_sums_carry_both_fees(staff_db: Database, paid: Paid, reconcile: Reconcile) -> None:
    reconcile(wechat_bill(paid(1000), replace(paid(500), fee="9")))
    with staff_db.transaction() as session:
        (row,) = queries.sums(session, DAY)
    assert (row.bill_fee, row.our_fee, row.matched) == (13, 6, 1)
