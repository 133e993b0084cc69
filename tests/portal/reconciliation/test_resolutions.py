"""The bill is right: two of staff have it booked, by transfers that add to what is there, and the next look agrees."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.audit.rules import Actor
from portal.ledger import queries as ledger
from portal.payments import operations as payments
from portal.payments import queries as paid_rows
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.reconciliation import operations, queries
from portal.reconciliation.models import BillItem, BillResolution
from portal.reconciliation.queries import BatchRow, ItemRow
from portal.refunds import queries as refunds
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, RefundAnswer, RefundState, Wallet
from tests.factories.bills import Line, wechat_bill
from tests.factories.payments import add_order, add_refund
from tests.portal.reconciliation.conftest import AT, DAY, MORNING, SHOP, WX

Paid = Callable[..., Line]
Reconcile = Callable[..., dict[str, BatchRow]]
Differences = Callable[..., list[ItemRow]]
FIRST, SECOND = Actor("staff", 1, "许航"), Actor("staff", 2, "周宁")
WHY = "和微信核对过"


@pytest.fixture
def resolve(staff_db: Database, keyring: Keyring) -> Callable[..., None]:
    """`resolve(item)`: one proposes that the bill (or `answer`) is right, another agrees."""

    def run(item: ItemRow, answer: PaymentAnswer | RefundAnswer | None = None) -> None:
        with staff_db.transaction() as session:
            number = propose(session, item.item_id, answer)
        with staff_db.transaction(merchant=SHOP) as session:
            agree(session, number, keyring)

    return run


@pytest.fixture
def clearing(staff_db: Database) -> Callable[[], tuple[int, int]]:
    """What WeChat Pay owes the merchant and what fee it has kept, by the ledger."""

    def read() -> tuple[int, int]:
        with staff_db.transaction() as session:
            found = ledger.balances(session, SHOP)
            assert ledger.accounts_that_disagree(session) == []
        nets = [found[code].net if code in found else 0 for code in ("clearing:wechat", "fee:wechat")]
        return nets[0], nets[1]

    return read


def propose(session: Session, item_id: int, answer: PaymentAnswer | RefundAnswer | None = None) -> int:
    given = {"reason": WHY, "actor": FIRST, "now": MORNING}
    if answer is not None:
        return operations.propose_answer(session, item_id, answer=answer, **given)
    return operations.propose_bill(session, item_id, **given)


def agree(session: Session, number: int, keyring: Keyring, *, actor: Actor = SECOND, shown: str = "") -> None:
    proposed = queries.proposal(session, number)
    assert proposed is not None
    operations.approve(
        session,
        number,
        shown=shown or proposed.payload_sha256,
        reference_key=keyring.reference_key,
        actor=actor,
        now=MORNING,
    )


def test_another_amount_and_its_fee_are_corrected_by_transfers(
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
    staff_db: Database,
) -> None:
    line = paid(1000)
    bill = wechat_bill(replace(line, amount=2000))
    reconcile(bill)
    (item,) = differences()
    assert clearing() == (996, 4)
    resolve(item)
    assert clearing() == (1992, 8)
    with staff_db.transaction() as session:
        kinds = [(one.kind, one.ref, one.amount) for one in ledger.transfers(session, SHOP)]
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "bill_item.booked")).one()
    ref = f"bill:{item.item_id}:1"
    assert kinds[-2:] == [("bill_more", ref, 1000), ("bill_fee_more", ref, 4)]
    assert [kind for kind, _, _ in kinds[:-2]] == ["payment", "fee"]
    assert (entry.merchant_id, entry.actor_name, entry.facts["by"]) == (SHOP, "周宁", "许航")
    assert reconcile(bill)["wechat"].state == "balanced"
    assert [row.state for row in differences(only_open=False)] == ["resolved"]


def test_what_the_bill_does_not_have_is_taken_back(
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
) -> None:
    line, lost = paid(1000), paid(500)
    reconcile(wechat_bill(line))
    (item,) = differences()
    assert item.number == lost.order_no
    resolve(item)
    assert clearing() == (996, 4)
    assert reconcile(wechat_bill(line))["wechat"].state == "balanced"


def test_a_wrong_fee_is_corrected(
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
) -> None:
    bill = wechat_bill(replace(paid(1000), fee="3"))
    reconcile(bill)
    resolve(differences()[0])
    assert clearing() == (997, 3)
    assert reconcile(bill)["wechat"].state == "balanced"


def test_an_order_that_was_paid_there_is_booked_like_any_other(
    db: Database,
    keyring: Keyring,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    staff_db: Database,
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    bill = wechat_bill(Line(number, 900, AT, WX))
    reconcile(bill)
    resolve(differences()[0])
    with staff_db.transaction() as session:
        row = paid_rows.payment(session, SHOP, number)
    assert row is not None
    assert (row.state, row.paid_at, row.business_date, row.fee) == ("success", AT, DAY, 3)
    assert reconcile(bill)["wechat"].state == "balanced"


def test_an_order_of_another_amount_stays_unpaid_and_the_ledger_is_corrected(
    db: Database,
    keyring: Keyring,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    bill = wechat_bill(Line(number, 1000, AT, WX))
    reconcile(bill)
    resolve(differences()[0])
    assert clearing() == (996, 4)
    assert reconcile(bill)["wechat"].state == "balanced"


def test_a_payment_nobody_knew_is_booked(
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
) -> None:
    bill = wechat_bill(Line("STATIC404", 1000, AT, WX))
    reconcile(bill)
    resolve(differences()[0])
    assert clearing() == (996, 4)
    assert reconcile(bill)["wechat"].state == "balanced"


@pytest.mark.parametrize(("told", "state", "owed"), [("SUCCESS", "success", 697), ("FAIL", "closed", 996)])
def test_a_refund_ends_here_as_it_ended_there(
    db: Database,
    keyring: Keyring,
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
    staff_db: Database,
    told: str,
    state: str,
    owed: int,
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.PROCESSING
    )
    bill = wechat_bill(line, replace(line, amount=300, refund_no=number, state=told))
    reconcile(bill)
    (item,) = differences()
    # What failed there moved nothing there.
    assert item.difference == "status" if told == "SUCCESS" else reconcile(bill)["wechat"].state == "unbalanced"
    resolve(item)
    with staff_db.transaction() as session:
        row = refunds.refund(session, SHOP, number)
    assert row is not None
    assert (row.state, clearing()[0]) == (state, owed)
    assert reconcile(bill)["wechat"].state == "balanced"


def test_a_refund_nobody_asked_for_here_is_taken_off_by_transfers(
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    clearing: Callable[[], tuple[int, int]],
) -> None:
    line = paid(1000)
    bill = wechat_bill(line, replace(line, amount=300, refund_no="R404"))
    reconcile(bill)
    (item,) = differences()
    assert (item.difference, item.bill_amount) == ("channel_only", -300)
    resolve(item)
    assert clearing() == (996 - 300 + 1, 3)
    assert reconcile(bill)["wechat"].state == "balanced"


def test_the_wallets_answer_is_booked_exactly_as_it_was_given(
    db: Database,
    keyring: Keyring,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    staff_db: Database,
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    bill = wechat_bill(Line(number, 900, AT, WX))
    reconcile(bill)
    answer = PaymentAnswer(
        *(Acquirer.WECHAT, number, PaymentState.SUCCESS, WX, Wallet.JDPAY, "4200000001", 900, 600), paid_at=AT
    )
    resolve(differences()[0], answer)
    with staff_db.transaction() as session:
        row = paid_rows.payment(session, SHOP, number)
    assert row is not None
    assert (row.transaction_no, row.wallet, row.payer_amount) == ("4200000001", "jdpay", 600)


def test_an_answer_about_a_refund_is_booked(
    db: Database,
    keyring: Keyring,
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    resolve: Callable[..., None],
    staff_db: Database,
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.PROCESSING
    )
    reconcile(wechat_bill(line, replace(line, amount=300, refund_no=number)))
    (item,) = differences()
    for state in (RefundState.MISSING, RefundState.PROCESSING):
        with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="nothing_to_book"):
            propose(session, item.item_id, RefundAnswer(Acquirer.WECHAT, number, state, WX))
    resolve(item, RefundAnswer(Acquirer.WECHAT, number, RefundState.SUCCESS, WX, amount=300, arrived_at=AT))
    with staff_db.transaction() as session:
        row = refunds.refund(session, SHOP, number)
    assert row is not None
    assert (row.state, row.arrived_at) == ("success", AT)


@pytest.fixture
def off(paid: Paid, reconcile: Reconcile, differences: Differences) -> ItemRow:
    """A payment of ¥10.00 that the bill calls ¥20.00."""
    reconcile(wechat_bill(replace(paid(1000), amount=2000)))
    return differences()[0]


def test_nobody_agrees_to_his_own_proposal(off: ItemRow, staff_db: Database, keyring: Keyring) -> None:
    with staff_db.transaction() as session:
        number = propose(session, off.item_id)
    for actor in (FIRST, Actor("system", None, "一码")):
        with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="second_person"):
            agree(session, number, keyring, actor=actor)
    # And the database would not have it either.
    with staff_db.transaction() as session, pytest.raises(IntegrityError):
        session.execute(sa.update(BillResolution).values(state="booked", decided_by=1, decided_at=MORNING))


def test_what_is_agreed_to_is_what_was_shown(off: ItemRow, staff_db: Database, keyring: Keyring) -> None:
    with staff_db.transaction() as session:
        number = propose(session, off.item_id)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="proposal_changed"):
        agree(session, number, keyring, shown="0" * 64)
    with staff_db.transaction() as session:
        changed = session.get_one(BillResolution, number)
        changed.payload = {**changed.payload, "entries": []}
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="proposal_changed"):
        agree(session, number, keyring)


def test_a_difference_that_changed_since_is_looked_at_anew(off: ItemRow, staff_db: Database, keyring: Keyring) -> None:
    with staff_db.transaction() as session:
        number = propose(session, off.item_id)
        session.execute(sa.update(BillItem).values(bill_amount=2100))
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="item_changed"):
        agree(session, number, keyring)


def test_a_proposal_waits_alone_and_falls_once(off: ItemRow, staff_db: Database, keyring: Keyring) -> None:
    with staff_db.transaction() as session:
        number = propose(session, off.item_id)
        assert queries.waiting_of_day(session, DAY, today=DAY).proposed == 1
    for act in (operations.hold, operations.ignore):
        with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="waits_for_second"):
            act(session, off.item_id, reason=WHY, actor=SECOND, now=MORNING)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="waits_for_second"):
        propose(session, off.item_id)
    with staff_db.transaction() as session:
        operations.decline(session, number, reason="先等微信答复", actor=SECOND, now=MORNING)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="proposal_is_over"):
        agree(session, number, keyring)
    with staff_db.transaction() as session:
        second = propose(session, off.item_id)
        known = queries.proposal(session, second)
        assert known is not None
        assert known.payload["ref"] == f"bill:{off.item_id}:2"
        assert [row.state for row in queries.proposals(session, off.item_id)] == ["proposed", "declined"]


def test_what_does_not_exist_or_is_over_is_not_proposed(off: ItemRow, staff_db: Database, keyring: Keyring) -> None:
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="unknown_item"):
        operations.decline(session, 404, reason=WHY, actor=SECOND, now=MORNING)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="unknown_item"):
        propose(session, 404)
    answer = PaymentAnswer(Acquirer.WECHAT, off.number, PaymentState.SUCCESS, WX, amount=1000, transaction_id="42")
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="no_such_way"):
        propose(session, off.item_id, answer)
    with staff_db.transaction() as session:
        operations.ignore(session, off.item_id, reason=WHY, actor=FIRST, now=MORNING)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="item_is_over"):
        propose(session, off.item_id)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="item_is_over"):
        operations.hold(session, off.item_id, reason=WHY, actor=FIRST, now=MORNING)
    with staff_db.transaction() as session:
        operations.close_day(session, DAY, actor=FIRST, now=MORNING)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="day_closed"):
        propose(session, off.item_id)


def test_money_in_suspense_is_not_booked_a_second_time(
    db: Database, reconcile: Reconcile, differences: Differences, staff_db: Database
) -> None:
    answer = PaymentAnswer(
        *(Acquirer.WECHAT, "Y404", PaymentState.SUCCESS, WX), transaction_id="4200000000", amount=1000, paid_at=AT
    )
    with db.transaction(merchant=SHOP) as session:
        payments.book_unexplained(session, merchant_id=SHOP, answer=answer, reason="unknown_order", now=AT)
    reconcile(wechat_bill(Line("Y404", 1000, AT, WX)))
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="in_suspense"):
        propose(session, differences()[0].item_id)


def test_what_fits_no_order_of_ours_is_not_booked(
    db: Database,
    keyring: Keyring,
    reconcile: Reconcile,
    differences: Differences,
    staff_db: Database,
    clearing: Callable[[], tuple[int, int]],
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    reconcile(wechat_bill(Line(number, 900, AT, WX)))
    (item,) = differences()
    unpaid = PaymentAnswer(Acquirer.WECHAT, number, PaymentState.UNPAID, WX)
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="nothing_to_book"):
        propose(session, item.item_id, unpaid)
    other = PaymentAnswer(Acquirer.WECHAT, number, PaymentState.SUCCESS, WX, transaction_id="42", amount=800)
    with staff_db.transaction() as session:
        proposed = propose(session, item.item_id, other)
    with staff_db.transaction(merchant=SHOP) as session, pytest.raises(NotAllowedNow, match="does_not_fit"):
        agree(session, proposed, keyring)
    assert clearing() == (0, 0)


def test_a_hold_that_is_over_waits_for_somebody_again(off: ItemRow, staff_db: Database) -> None:
    with staff_db.transaction() as session:
        operations.hold(session, off.item_id, reason="已经问了微信", actor=FIRST, now=MORNING)
        (row,) = queries.items(session, DAY)
        last = row.hold_until
        assert (row.state, queries.waiting_of_day(session, DAY, today=DAY).on_hold) == ("on_hold", 1)
    assert last is not None
    with staff_db.transaction() as session:
        assert operations.expire_holds(session, today=last, now=MORNING) == 0
    with staff_db.transaction() as session:
        assert operations.expire_holds(session, today=last + timedelta(days=1), now=MORNING) == 1
        assert operations.expire_holds(session, today=last + timedelta(days=1), now=MORNING) == 0
    with staff_db.transaction() as session:
        (row,) = queries.items(session, DAY)
        waiting = queries.waiting_of_day(session, DAY, today=last + timedelta(days=1))
        acts = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert (row.state, row.reason, waiting.overdue, waiting.fresh) == ("mismatched", "已经问了微信", 1, 1)
    assert acts[-1] == "bill_item.due"


def test_other_amounts_open_what_was_left_at_that(
    paid: Paid,
    reconcile: Reconcile,
    differences: Differences,
    staff_db: Database,
    tools: Tools,
) -> None:
    line, stranger = paid(1000), Line("Y404", 7, AT, "WX999")
    reconcile(wechat_bill(replace(line, amount=2000), stranger))
    with staff_db.transaction() as session:
        for row in queries.items(session, DAY):
            operations.ignore(session, row.item_id, reason=WHY, actor=FIRST, now=MORNING)
    for file in (tools.settings.data_dir / "bills" / DAY.isoformat()).glob("*.bill"):
        file.unlink()
    assert reconcile(wechat_bill(replace(line, amount=2100), stranger))["wechat"].state == "unbalanced"
    assert [(row.bill_amount, row.reason, row.decided_by) for row in differences()] == [(2100, "", "")]


def test_a_refund_that_got_stuck_there_is_proposed_without_entries(
    db: Database, keyring: Keyring, paid: Paid, reconcile: Reconcile, differences: Differences, staff_db: Database
) -> None:
    line = paid(1000)
    number = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=line.order_no, amount=300, now=AT, state=RefundState.PROCESSING
    )
    reconcile(wechat_bill(line, replace(line, amount=300, refund_no=number, state="CHANGE")))
    answer = RefundAnswer(Acquirer.WECHAT, number, RefundState.ABNORMAL, WX, amount=300)
    with staff_db.transaction() as session:
        proposed = queries.proposal(session, propose(session, differences()[0].item_id, answer))
    assert proposed is not None
    assert (proposed.payload["booking"], proposed.payload["entries"]) == ("refund", [])


def test_steps_out_of_turn_change_nothing(off: ItemRow, staff_db: Database) -> None:
    key = off.key
    with staff_db.transaction() as session, pytest.raises(NotAllowedNow, match="not_read"):
        operations.begin_comparison(session, key)
    with staff_db.transaction() as session:
        operations.open_batches(session, [])
        operations.ignore(session, off.item_id, reason=WHY, actor=FIRST, now=MORNING)
        operations.close_day(session, DAY, actor=FIRST, now=MORNING)
        operations.close_day(session, DAY, actor=FIRST, now=MORNING + timedelta(days=1))
    with staff_db.transaction() as session:
        assert {row.state for row in queries.batches(session, DAY)} == {"closed"}
        assert operations.judge(session, key) == "closed"
