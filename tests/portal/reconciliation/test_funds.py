"""What really went to the bank, by the fund bills; and what a merchant may read of his own day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.audit.rules import Actor
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.reconciliation import flows, operations, queries
from portal.reconciliation.queries import BatchRow
from portal.reconciliation.standings import PaidState, Standing, StandingState, paid_of_day, standing_of_day
from portal.values.errors import NotAllowedNow
from portal.wallets.bills import BillAnswer, BillState
from portal.wallets.errors import WalletUnavailable
from portal.wallets.port import Acquirer
from tests.factories.bills import Flow, Line, fund_bill, wechat_bill
from tests.factories.wallets import ScriptedWallet
from tests.portal.reconciliation.conftest import DAY, MORNING, SHOP

Paid = Callable[..., Line]
Reconcile = Callable[..., dict[str, BatchRow]]
NEXT = DAY + timedelta(days=1)
AT_SIX = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
BOSS = Actor("staff", 1, "许航")


@pytest.fixture
def take(tools: Tools, wallets: dict[Acquirer, ScriptedWallet], db: Database) -> Callable[..., dict[str, object]]:
    """`take(bill)`: the fund bills of the day after say so; answers what the merchant reads of the day, by acquirer."""

    def run(told: object) -> dict[str, object]:
        wallets[Acquirer.WECHAT].script["fetch_funds"] = told
        flows.reconcile(tools, NEXT, now=MORNING + timedelta(days=1))
        with db.transaction(merchant=SHOP) as session:
            return {one.acquirer: one for one in paid_of_day(session, merchant_id=SHOP, day=DAY)}

    return run


@pytest.fixture
def standing(db: Database) -> Callable[..., Standing]:
    """What the merchant himself reads of the day."""

    def read() -> Standing:
        with db.transaction(merchant=SHOP) as session:
            return standing_of_day(session, merchant_id=SHOP, day=DAY)

    return read


def test_what_left_for_the_bank_on_the_next_morning_was_paid_for_the_day(take: Callable[..., dict]) -> None:
    bill = fund_bill(
        Flow("F1", 1000, AT_SIX, "交易"), Flow("F2", -4, AT_SIX, "扣除交易手续费"), Flow("F3", -996, AT_SIX)
    )
    paid = take(bill)["wechat"]
    assert (paid.state, paid.amount) == (PaidState.REPORTED, 996)
    assert [(one.flow_no, one.amount, one.at) for one in paid.payouts] == [("F3", 996, AT_SIX)]
    assert "6210" in paid.payouts[0].remark


def test_a_day_on_which_nothing_moved_was_paid_nothing_which_is_known(take: Callable[..., dict]) -> None:
    paid = take(BillAnswer(BillState.EMPTY))["wechat"]
    assert (paid.state, paid.amount, paid.payouts) == (PaidState.REPORTED, 0, ())


def test_without_permission_it_is_not_reported_and_never_nothing(
    take: Callable[..., dict], reconcile: Reconcile, staff_db: Database, paid: Paid
) -> None:
    reconcile(wechat_bill(paid(1000)))
    told = take(BillAnswer(BillState.NOT_PERMITTED))
    assert {name: (one.state, one.amount) for name, one in told.items()} == {
        "wechat": (PaidState.NOT_REPORTED, None),
        # JD has no bill of what it paid out.
        "jdpay": (PaidState.NOT_REPORTED, None),
    }
    with staff_db.transaction() as session:
        states = {row.key.kind: row.state for row in queries.batches(session, NEXT)}
    assert states["merchant_funds"] == "not_reported"


@pytest.mark.parametrize("told", [BillAnswer(BillState.NOT_READY), WalletUnavailable("NO_ROUTE", "down")])
def test_a_fund_bill_that_is_missing_is_waited_for(
    take: Callable[..., dict], reconcile: Reconcile, paid: Paid, told: object
) -> None:
    reconcile(wechat_bill(paid(1000)))
    assert (take(told)["wechat"].state, take(fund_bill(Flow("F1", -996, AT_SIX)))["wechat"].amount) == (
        PaidState.AWAITING_BILL,
        996,
    )


@pytest.mark.parametrize(
    "told",
    [
        fund_bill(Flow("F1", -996, AT_SIX), more=1),
        fund_bill(Flow("F1", -500, AT_SIX), Flow("F1", -496, AT_SIX)),
        fund_bill(Flow("", -996, AT_SIX)),
        fund_bill(Flow("F" * 65, -996, AT_SIX)),
    ],
)
def test_a_fund_bill_that_cannot_be_right_is_not_believed(
    take: Callable[..., dict], reconcile: Reconcile, staff_db: Database, paid: Paid, told: bytes
) -> None:
    reconcile(wechat_bill(paid(1000)))
    assert take(told)["wechat"].state is PaidState.AWAITING_BILL
    with staff_db.transaction() as session:
        answers = {row.key.kind: row.answer for row in queries.batches(session, NEXT)}
    assert answers["merchant_funds"] == "unreadable"


def test_taken_twice_it_is_told_once(take: Callable[..., dict]) -> None:
    bill = fund_bill(Flow("F1", -996, AT_SIX))
    assert take(bill) == take(bill)


def test_a_day_with_right_bills_is_matched(reconcile: Reconcile, paid: Paid, standing: Callable[..., Standing]) -> None:
    assert standing().state is StandingState.AWAITING_BILL
    reconcile(wechat_bill(paid(1000)))
    told = standing()
    assert (told.state, told.looked_at) == (StandingState.MATCHED, 0)
    assert told.compared_at is not None
    wechat = next(one for one in told.acquirers if one.acquirer == "wechat")
    assert (wechat.lines, wechat.gross, wechat.refunds, wechat.fee) == (1, 1000, 0, 4)


def test_a_day_with_a_difference_says_how_much_is_looked_at(
    reconcile: Reconcile, paid: Paid, standing: Callable[..., Standing]
) -> None:
    first, second = paid(1000), paid(500)
    reconcile(wechat_bill(replace(first, amount=1300), replace(second, fee="9")))
    assert (standing().state, standing().looked_at) == (StandingState.DIFFERENCE, 300 + 7)


def test_a_decision_is_heard_at_once(
    reconcile: Reconcile, paid: Paid, standing: Callable[..., Standing], staff_db: Database
) -> None:
    reconcile(wechat_bill(replace(paid(1000), amount=1300)))
    with staff_db.transaction() as session:
        (item,) = queries.items(session, DAY)
        operations.ignore(session, item.item_id, reason="已经问清楚", actor=BOSS, now=MORNING)
    assert standing().state is StandingState.MATCHED


def test_a_bill_that_is_awaited_leaves_the_day_waiting(
    reconcile: Reconcile, paid: Paid, standing: Callable[..., Standing]
) -> None:
    paid(1000)
    reconcile(BillAnswer(BillState.NOT_READY))
    assert standing().state is StandingState.AWAITING_BILL
    assert [one.gross for one in standing().acquirers] == [None, 0]


def test_a_merchant_whose_bill_is_withheld_is_named_and_keeps_no_day_open(
    reconcile: Reconcile, paid: Paid, standing: Callable[..., Standing], staff_db: Database
) -> None:
    rows = reconcile(wechat_bill(paid(1000)), BillAnswer(BillState.NOT_PERMITTED))
    assert rows["jdpay"].state == "not_reported"
    assert {one.acquirer: one.state for one in standing().acquirers} == {
        "wechat": StandingState.MATCHED,
        "jdpay": StandingState.NOT_REPORTED,
    }
    assert standing().state is StandingState.MATCHED
    with staff_db.transaction() as session:
        (day,) = queries.days(session, most=9)
        assert (day.state, day.missing, day.not_reported) == ("balanced", 0, 1)
        assert queries.unfinished_days(session, newest=NEXT, first=DAY) == [NEXT]
        operations.close_day(session, DAY, actor=BOSS, now=MORNING)
    with staff_db.transaction() as session:
        assert {row.state for row in queries.batches(session, DAY)} == {"closed"}


def test_a_bill_that_is_given_to_us_later_is_compared(reconcile: Reconcile, paid: Paid) -> None:
    line = paid(1000)
    assert reconcile(BillAnswer(BillState.NOT_PERMITTED))["wechat"].state == "not_reported"
    assert reconcile(wechat_bill(line))["wechat"].state == "balanced"


def test_a_day_is_not_closed_while_a_bill_is_awaited(reconcile: Reconcile, paid: Paid, staff_db: Database) -> None:
    paid(1000)
    reconcile(BillAnswer(BillState.NOT_READY))
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="not_balanced"):
        operations.close_day(session, DAY, actor=BOSS, now=MORNING)


def test_only_not_reported_is_only_where_all_are() -> None:
    assert Standing(()).state is StandingState.AWAITING_BILL
    assert Standing(()).compared_at is None
