"""A day's bills are fetched, read and compared; each kind of lie is found, and running again does no harm."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from portal.config import Settings
from portal.payments.models import Payment
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.jobs import is_waiting
from portal.plumbing.work import Tools
from portal.reconciliation import fetching, flows, queries, reading
from portal.reconciliation.queries import BatchKey, BatchRow, ItemRow
from portal.wallets.bills import BillAnswer, BillState
from portal.wallets.errors import WalletUnavailable
from portal.wallets.port import Acquirer, RefundState, Wallet
from tests.factories.bills import Line, jd_bill, wechat_bill
from tests.factories.payments import add_order, add_payment, add_refund
from tests.factories.wallets import ScriptedWallet
from tests.portal.reconciliation.conftest import AT, DAY, MORNING, SHOP, WX

Paid = Callable[..., Line]
Reconcile = Callable[..., dict[str, BatchRow]]
Differences = Callable[..., list[ItemRow]]


def kinds(rows: list[ItemRow]) -> list[tuple[str, str, int | None, int | None]]:
    return [(row.difference, row.number, row.bill_amount, row.our_amount) for row in rows]


def test_a_right_bill_balances_the_day(
    db: Database, keyring: Keyring, staff_db: Database, paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    line, jd_line = paid(1000), paid(500, acquirer=Acquirer.JDPAY)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.SUCCESS
    )
    back = replace(line, amount=300, refund_no=number)
    rows = reconcile(wechat_bill(line, back), jd_bill(jd_line))
    assert {name: (row.state, row.lines) for name, row in rows.items()} == {
        "wechat": ("balanced", 2),
        "jdpay": ("balanced", 1),
    }
    assert differences(only_open=False) == []
    with staff_db.transaction() as session:
        sums = queries.sums(session, DAY)
    assert [(s.acquirer, s.wallet, s.bill_lines, s.bill_amount, s.our_amount, s.matched) for s in sums] == [
        ("wechat", "wechat", 2, 700, 700, 2),
        ("jdpay", "jdpay", 1, 500, 500, 1),
    ]


def test_a_line_that_is_missing_there_is_found(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    line, lost = paid(1000), paid(1250)
    assert reconcile(wechat_bill(line))["wechat"].state == "unbalanced"
    assert kinds(differences()) == [("local_only", lost.order_no, None, 1250)]


def test_a_line_that_is_missing_here_is_found(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    stranger = Line("Y404", 3500, AT, WX)
    reconcile(wechat_bill(paid(1000), stranger))
    (row,) = differences()
    assert kinds([row]) == [("channel_only", "Y404", 3500, None)]
    assert (row.merchant_id, row.merchant_name, row.line, row.at) == (SHOP, "阿珍水果摊", 2, AT)


def test_a_changed_amount_is_found(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    line = paid(1000)
    reconcile(wechat_bill(replace(line, amount=1001)))
    assert kinds(differences()) == [("amount", line.order_no, 1001, 1000)]


def test_a_line_told_twice_is_found(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    line = paid(800)
    reconcile(wechat_bill(line, line))
    assert kinds(differences()) == [("duplicate", line.order_no, 800, None)]


def test_a_line_told_in_the_bills_of_two_days_is_found(
    paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    line = paid(800)
    reconcile(wechat_bill(line))
    following = DAY + timedelta(days=1)
    reconcile(wechat_bill(line), day=following)
    assert kinds(differences(following)) == [("duplicate", line.order_no, 800, None)]


def test_a_payment_that_is_not_paid_here_is_found(
    db: Database, keyring: Keyring, reconcile: Reconcile, differences: Differences
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    reconcile(wechat_bill(Line(number, 900, AT, WX)))
    assert [(row.difference, row.our_state, row.off_by) for row in differences()] == [("status", "created", 900)]


def test_a_refund_that_has_not_arrived_here_is_found(
    db: Database, keyring: Keyring, paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.PROCESSING
    )
    reconcile(wechat_bill(line, replace(line, amount=300, refund_no=number)))
    assert [(row.difference, row.our_state, row.off_by) for row in differences()] == [("status", "processing", 0)]


def test_a_payment_just_before_midnight_may_stand_in_the_next_days_bill(
    paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    late = paid(1000, at=datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC))
    assert reconcile(BillAnswer(BillState.EMPTY))["wechat"].state == "unbalanced"
    following = DAY + timedelta(days=1)
    assert reconcile(wechat_bill(late), day=following)["wechat"].state == "balanced"
    assert reconcile()["wechat"].state == "balanced"
    assert [row.state for row in differences(only_open=False)] == ["matched"]


def test_a_bill_whose_sums_are_wrong_is_not_believed_and_asked_for_again(
    paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    line = paid(1000)
    row = reconcile(wechat_bill(line, more=100))["wechat"]
    assert (row.state, row.answer) == ("awaiting_bill", "unreadable")
    assert row.trouble.startswith("line 4: ")
    assert differences(only_open=False) == []
    assert reconcile(wechat_bill(line))["wechat"].state == "balanced"


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (BillAnswer(BillState.NOT_READY), "not_ready"),
        (WalletUnavailable("NO_ROUTE", "down"), "failed"),
    ],
)
def test_a_bill_that_is_missing_is_waited_for(
    reconcile: Reconcile, paid: Paid, told: object, answer: str, differences: Differences
) -> None:
    line = paid(1000)
    row = reconcile(told)["wechat"]
    assert (row.state, row.answer) == ("awaiting_bill", answer)
    assert differences(only_open=False) == []
    assert reconcile(wechat_bill(line))["wechat"].state == "balanced"


def test_a_number_that_is_none_makes_a_bill_unreadable(reconcile: Reconcile) -> None:
    row = reconcile(wechat_bill(Line("Y" * 65, 100, AT, WX)))["wechat"]
    assert (row.state, row.answer) == ("awaiting_bill", "unreadable")


def test_another_merchants_line_is_nobodys(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    line = paid(1000)
    reconcile(wechat_bill(replace(line, merchant_no="WX999")))
    assert sorted((row.difference, row.merchant_id) for row in differences()) == [
        ("channel_only", None),
        ("local_only", SHOP),
    ]


def test_a_bill_sets_no_wallet(db: Database, keyring: Keyring, reconcile: Reconcile, staff_db: Database) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=700, now=AT, wallet=Wallet.UNKNOWN)
    reconcile(wechat_bill(Line(number, 700, AT, WX)))
    with staff_db.transaction() as session:
        assert session.scalar(sa.select(Payment.wallet)) == "unknown"
        assert [row.wallet for row in queries.sums(session, DAY)] == ["unknown"]


def test_the_bill_is_compared_with_the_ledger(
    staff_db: Database, paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    line = paid(1000)
    with staff_db.transaction() as session:
        session.execute(sa.update(Payment).values(payment_no="Y-not-in-the-ledger"))
    reconcile(wechat_bill(replace(line, order_no="Y-not-in-the-ledger")))
    assert kinds(differences()) == [("amount", "Y-not-in-the-ledger", 1000, 0)]


def test_differences_add_up_to_what_the_sums_differ_by(
    staff_db: Database, paid: Paid, reconcile: Reconcile, differences: Differences
) -> None:
    good, twice, changed, _lost = paid(100), paid(200), paid(300), paid(400)
    stranger = Line("Y404", 7, AT, "WX999")
    reconcile(wechat_bill(good, twice, twice, replace(changed, amount=333), stranger))
    with staff_db.transaction() as session:
        sums = queries.sums(session, DAY)
    assert sum(row.off_by for row in sums) == sum(row.off_by for row in differences()) == 200 + 33 - 400 + 7
    assert sum(row.matched for row in sums) == 2


def test_running_again_changes_nothing(paid: Paid, reconcile: Reconcile, differences: Differences) -> None:
    bill = wechat_bill(replace(paid(1000), amount=1001))
    reconcile(bill)
    first = differences(only_open=False)
    reconcile(bill)
    assert differences(only_open=False) == first


def test_a_difference_that_is_gone_is_matched(
    db: Database, keyring: Keyring, paid: Paid, reconcile: Reconcile, differences: Differences, settings: Settings
) -> None:
    line = paid(1000)
    reconcile(wechat_bill(replace(line, amount=1001)))
    for file in (settings.data_dir / "bills" / DAY.isoformat()).glob("*.bill"):
        file.unlink()
    assert reconcile(wechat_bill(line))["wechat"].state == "balanced"
    assert [row.state for row in differences(only_open=False)] == ["matched"]


@pytest.mark.parametrize("where", ["read", "to_table", "Comparison"])
def test_killed_on_the_way_it_is_run_again(
    monkeypatch: pytest.MonkeyPatch, paid: Paid, reconcile: Reconcile, differences: Differences, where: str
) -> None:
    line, lost = paid(1000), paid(5)
    bill = wechat_bill(line)
    with monkeypatch.context() as patch:
        patch.setattr(flows if where == "Comparison" else reading, where, _killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile(bill)
    assert reconcile(bill)["wechat"].state == "unbalanced"
    assert kinds(differences()) == [("local_only", lost.order_no, None, 5)]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_bill_is_kept_where_only_we_can_read_it(paid: Paid, reconcile: Reconcile, settings: Settings) -> None:
    reconcile(wechat_bill(paid(1000)))
    folder = settings.data_dir / "bills" / DAY.isoformat()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.suffix for path in folder.iterdir()) == [".bill", ".bill", ".parquet", ".parquet"]


def test_what_a_wallet_calls_a_merchant_leads_nowhere_in_the_file_system() -> None:
    key = queries.BatchKey("jdpay", DAY, "trades", "../../etc")
    assert "/" not in fetching.name_of(key)


def test_the_work_is_watched(tools: Tools, paid: Paid, wallets: dict[Acquirer, ScriptedWallet]) -> None:
    wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(paid(1000))
    seen: list[tuple[BatchKey, int]] = []
    flows.reconcile(tools, DAY, now=MORNING, watch=lambda key, percent: seen.append((key, percent)))
    everybodys = BatchKey("wechat", DAY, "trades", "")
    assert [percent for key, percent in seen if key == everybodys] == [0, 80, 100]


def test_the_nightly_job_takes_every_day_that_is_not_balanced_and_comes_again(
    tools: Tools, staff_db: Database, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "clock_now", lambda: MORNING)
    flows.nightly(tools)
    with staff_db.transaction() as session:
        days = queries.days(session, most=99)
        assert is_waiting(session, flows.NIGHTLY)
        at = session.scalar(sa.text("SELECT scheduled_at FROM procrastinate_jobs"))
    # The first contract was opened on the morning of the 1st.
    assert [row.day for row in days] == [date(2026, 11, 21) - timedelta(days=back) for back in range(21)]
    assert {row.state for row in days} == {"balanced"}
    assert at == datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
    wallets[Acquirer.WECHAT].asked.clear()
    flows.nightly(tools)
    assert [method for method, _ in wallets[Acquirer.WECHAT].asked if method == "fetch_bill"] == []
    with staff_db.transaction() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) == 1


def test_the_nightly_job_comes_again_soon_while_a_bill_is_missing(
    tools: Tools, staff_db: Database, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "clock_now", lambda: MORNING)
    wallets[Acquirer.JDPAY].script["fetch_bill"] = BillAnswer(BillState.NOT_READY)
    flows.nightly(tools)
    with staff_db.transaction() as session:
        at = session.scalar(sa.text("SELECT scheduled_at FROM procrastinate_jobs"))
    assert at == MORNING + timedelta(minutes=30)


def test_a_job_that_came_a_moment_too_early_is_followed_by_one_at_its_time(
    tools: Tools, staff_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime(2026, 11, 22, 2, 5, tzinfo=UTC)
    moments = itertools.chain([due - timedelta(milliseconds=100)], itertools.repeat(due + timedelta(seconds=2)))
    monkeypatch.setattr(flows, "clock_now", lambda: next(moments))
    flows.nightly(tools)
    with staff_db.transaction() as session:
        assert max(row.day for row in queries.days(session, most=99)) == date(2026, 11, 20)
        assert session.scalar(sa.text("SELECT scheduled_at FROM procrastinate_jobs")) == due


def test_jd_lines_that_name_nobody_are_the_bills_own_merchants(paid: Paid, reconcile: Reconcile) -> None:
    line = paid(500, acquirer=Acquirer.JDPAY)
    assert reconcile(None, jd_bill(replace(line, merchant_no="")))["jdpay"].state == "balanced"


def test_a_long_bill_is_watched_per_cent_by_per_cent(
    tools: Tools, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_TELL_EVERY", 1)
    # Read line by line, as an unusual bill is.
    monkeypatch.setattr(wallets[Acquirer.WECHAT], "bulk_trades", lambda bill: None)
    lines = [Line(f"Y{number}", 100, AT, WX) for number in range(150)]
    wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(*lines)
    seen: list[int] = []
    everybodys = BatchKey("wechat", DAY, "trades", "")
    flows.reconcile(
        tools, DAY, now=MORNING, watch=lambda key, percent: seen.append(percent) if key == everybodys else None
    )
    assert seen == sorted(set(seen))
    assert len(seen) > 50
