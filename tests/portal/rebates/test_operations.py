"""Rebates as the relay books them, in the real database."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from portal.audit.rules import SYSTEM
from portal.events import queries as feed
from portal.events.models import EventCursor
from portal.ledger import queries as ledger
from portal.merchants.operations import lift, restrict
from portal.merchants.rules import Function
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from portal.rebates import operations, queries
from portal.rebates.models import Lease, Programme, RebateEntry, ShareLink
from portal.rebates.rules import LEASE_SLICE
from portal.values.errors import NotAllowedNow
from portal.values.references import Kind, merchant_of
from tests.factories.merchants import add_code, add_merchant
from tests.portal.rebates.conftest import SHOP, Stall, add_programme


def balance(stall: Stall, account: str) -> int:
    with stall.db.transaction(merchant=stall.merchant_id) as session:
        found = ledger.balances(session, stall.merchant_id).get(account)
    return found.net if found else 0


def leases(staff_db: Database) -> tuple[int, int, int]:
    """Leased of the programme; leased and used by the stall."""
    with staff_db.transaction() as session:
        lease = session.get(Lease, (SHOP, 1))
        programme = session.get_one(Programme, 1)
        return programme.leased, lease.leased if lease else 0, lease.used if lease else 0


def hold_rebates(stall: Stall) -> None:
    with stall.db.transaction(merchant=SHOP) as session:
        restrict(
            session,
            merchant_id=SHOP,
            function=Function.REBATE,
            reason="同一顾客反复刷单",
            way_out="请在三天内说明情况",
            actor=SYSTEM,
            now=now(),
        )


@pytest.mark.usefixtures("programme")
def test_a_payment_through_the_page_accrues_one_per_cent(stall: Stall, staff_db: Database) -> None:
    number = stall.pay(60_00, token=stall.share())
    (entry,) = stall.entries()
    assert (entry.ref, entry.kind, entry.amount, entry.base_amount, entry.rate_bp) == (number, "accrual", 60, 6000, 100)
    assert (balance(stall, "rebate_payable"), balance(stall, "rebate_expense")) == (-60, 60)
    assert balance(stall, "merchant_payable") == -6000
    assert leases(staff_db) == (LEASE_SLICE, LEASE_SLICE, 60)
    with stall.db.transaction(merchant=SHOP) as session:
        last = feed.since(session, SHOP, after=0)[-1]
    assert (last.kind, last.subject, last.facts["amount"]) == ("rebate.accrual", number, 60)


@pytest.mark.usefixtures("programme")
def test_a_payment_at_the_stall_earns_nothing(stall: Stall) -> None:
    stall.share()
    stall.pay(60_00, token=None)
    assert stall.entries() == []


@pytest.mark.usefixtures("programme")
def test_half_a_refund_takes_half_back(stall: Stall, staff_db: Database) -> None:
    paid = stall.pay(60_00, token=stall.share())
    refund = stall.refund(paid, 30_00)
    entry = stall.entries()[-1]
    assert (entry.ref, entry.kind, entry.amount, entry.base_amount, entry.reason) == (
        refund,
        "clawback",
        -30,
        3000,
        "refund",
    )
    assert (balance(stall, "rebate_payable"), balance(stall, "rebate_expense")) == (-30, 30)
    assert leases(staff_db)[2] == 30
    assert stall.kept() == 30


@pytest.mark.usefixtures("programme")
def test_many_small_refunds_take_everything_back(stall: Stall) -> None:
    paid = stall.pay(60, token=stall.share())
    for _ in range(3):
        stall.refund(paid, 20)
    assert [(entry.kind, entry.amount, entry.reason) for entry in stall.entries()] == [
        ("accrual", 1, ""),
        ("not_counted", 0, "refund_too_small"),
        ("clawback", -1, "refund"),
        ("not_counted", 0, "refund_too_small"),
    ]
    assert stall.kept() == 0


@pytest.mark.usefixtures("programme")
def test_an_amount_too_small_says_so(stall: Stall) -> None:
    stall.pay(49, token=stall.share())
    (entry,) = stall.entries()
    assert (entry.kind, entry.amount, entry.reason) == ("not_counted", 0, "too_small")


def test_a_used_up_budget_is_said_and_its_last_fen_is_used(stall: Stall, staff_db: Database) -> None:
    add_programme(staff_db, budget=100)
    token = stall.share()
    for amount in (60_00, 60_00, 40_00):
        stall.pay(amount, token=token)
    assert [(entry.amount, entry.reason) for entry in stall.entries()] == [(60, ""), (0, "budget_used_up"), (40, "")]
    assert leases(staff_db) == (100, 100, 100)


def test_a_reward_larger_than_a_slice_leases_what_it_needs(stall: Stall, staff_db: Database) -> None:
    add_programme(staff_db, budget=3 * LEASE_SLICE)
    stall.pay(2 * LEASE_SLICE * 100, token=stall.share())
    assert stall.kept() == 2 * LEASE_SLICE
    assert leases(staff_db) == (2 * LEASE_SLICE,) * 3


@pytest.mark.usefixtures("programme")
def test_what_a_refund_took_back_may_be_earned_again(stall: Stall, staff_db: Database) -> None:
    token = stall.share()
    stall.refund(stall.pay(60_00, token=token), 60_00)
    stall.pay(60_00, token=token)
    assert stall.kept() == 60
    assert leases(staff_db) == (LEASE_SLICE, LEASE_SLICE, 60)


@pytest.mark.usefixtures("programme")
def test_a_feed_carried_again_from_the_start_changes_nothing(stall: Stall, staff_db: Database) -> None:
    paid = stall.pay(60_00, token=stall.share())
    stall.refund(paid, 30_00)
    stall.pay(49, token=stall.share())
    before = (stall.entries(), leases(staff_db), balance(stall, "rebate_payable"))
    with staff_db.transaction() as session:
        session.execute(sa.update(EventCursor).values(seq=0))
    stall.relay()
    assert (stall.entries(), leases(staff_db), balance(stall, "rebate_payable")) == before


@pytest.mark.usefixtures("programme")
def test_the_database_itself_keeps_one_line_for_each_payment(stall: Stall) -> None:
    stall.pay(60_00, token=stall.share())
    (entry,) = stall.entries()
    row = {"merchant_id": SHOP, "ref": entry.ref, "payment_no": entry.payment_no, "programme_id": 1, "reason": ""}
    row |= {"kind": "accrual", "amount": 1, "base_amount": 1, "rate_bp": 1, "at": now()}
    with pytest.raises(IntegrityError), stall.db.transaction(merchant=SHOP) as session:
        session.execute(sa.insert(RebateEntry).values(row))
    with pytest.raises(ProgrammingError), stall.db.transaction(merchant=SHOP) as session:
        session.execute(sa.update(RebateEntry).values(amount=99))


@pytest.mark.usefixtures("programme")
def test_two_payments_before_the_relay_comes_are_both_counted(stall: Stall) -> None:
    token = stall.share()
    stall.pay(60_00, token=token, relay=False)
    stall.pay(40_00, token=token, relay=False)
    stall.relay()
    assert [entry.amount for entry in stall.entries()] == [60, 40]


@pytest.mark.usefixtures("programme")
def test_a_restriction_stops_new_links_and_accrual_and_its_end_starts_them(stall: Stall) -> None:
    token = stall.share()
    early = stall.pay(60_00, token=token, relay=False)
    hold_rebates(stall)
    stall.pay(60_00, token=token)
    with pytest.raises(NotAllowedNow, match="rebate_restricted"):
        stall.share()
    assert [(entry.ref == early, entry.reason) for entry in stall.entries()] == [(True, ""), (False, "restricted")]
    with stall.db.transaction(merchant=SHOP) as session:
        lift(session, merchant_id=SHOP, function=Function.REBATE, reason="已经说明清楚", actor=SYSTEM, now=now())
    assert stall.share() == token
    stall.pay(60_00, token=token)
    assert stall.kept() == 120


@pytest.mark.usefixtures("programme")
def test_a_restriction_does_not_spare_a_refund(stall: Stall) -> None:
    paid = stall.pay(60_00, token=stall.share())
    hold_rebates(stall)
    stall.refund(paid, 60_00)
    assert stall.kept() == 0


@pytest.mark.usefixtures("programme")
def test_the_link_names_its_merchant_and_stays_the_same(stall: Stall) -> None:
    token = stall.share()
    assert merchant_of(token, kind=Kind.SHARE_LINK, key=stall.keyring.reference_key) == SHOP
    assert stall.share() == token
    with stall.db.transaction(merchant=SHOP) as session:
        session.get_one(ShareLink, (SHOP, token)).ended_at = now()
    assert stall.share() != token


def test_no_link_without_a_programme(stall: Stall, staff_db: Database) -> None:
    with pytest.raises(NotAllowedNow, match="programme_over"):
        stall.share()
    add_programme(staff_db)
    with staff_db.transaction() as session:
        session.get_one(Programme, 1).ends_at = now() - timedelta(seconds=1)
    with pytest.raises(NotAllowedNow, match="programme_over"):
        stall.share()


@pytest.mark.usefixtures("programme")
def test_a_programme_that_ended_counts_no_more(stall: Stall, staff_db: Database) -> None:
    token = stall.share()
    with staff_db.transaction() as session:
        session.get_one(Programme, 1).ends_at = now() - timedelta(seconds=1)
    stall.pay(60_00, token=token)
    assert [entry.reason for entry in stall.entries()] == ["programme_over"]


@pytest.mark.usefixtures("programme")
@pytest.mark.parametrize("code_id", [2, 3])
def test_only_a_portal_code_in_use_can_be_shared(stall: Stall, code_id: int) -> None:
    with stall.db.transaction(merchant=SHOP) as session:
        add_code(session, merchant_id=SHOP, code="8KQ42MHDW", code_id=2, state="suspended")
    with pytest.raises(NotAllowedNow, match="code_unfit"), stall.db.transaction(merchant=SHOP) as session:
        operations.open_link(
            session,
            merchant_id=SHOP,
            programme_id=1,
            code_id=code_id,
            reference_key=stall.keyring.reference_key,
            now=now(),
        )


@pytest.mark.usefixtures("programme")
def test_another_shop_sees_none_of_it(stall: Stall) -> None:
    token = stall.share()
    stall.pay(60_00, token=token)
    add_merchant(stall.db, stall.keyring, merchant_id=7, name="别家")
    with stall.db.transaction(merchant=7) as session:
        assert queries.link(session, SHOP, token) is None
        assert queries.entries(session, SHOP) == []
    with stall.db.transaction() as session:
        assert queries.entries(session, SHOP) == []
