"""The tables are complete, agreement is what it says, and the nightly job never asks before ten."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.payments.rules import State as Payment
from portal.reconciliation.agreeing import (
    AGREES,
    DUE_HERE,
    FEE_BOOKED,
    MOVES_HERE,
    MOVES_THERE,
    Here,
    LineSort,
    There,
    difference,
    sort_of,
    whole_fee,
)
from portal.reconciliation.nights import READY_AT, hold_until, newest_ready, next_run
from portal.reconciliation.rules import (
    BATCHES,
    FACT_OF,
    ITEMS,
    SETTLED,
    UNSETTLED,
    Amounts,
    BatchFact,
    BatchState,
    Difference,
    ItemFact,
    ItemState,
    after_hold,
    batch_after,
    item_after,
    seen_again,
    stage,
    verdict,
)
from portal.refunds.rules import State as Refund
from portal.values.day import in_shanghai
from portal.wallets.bills import LineKind

MOMENTS = st.integers(1_700_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
WORDS = {sort: st.sampled_from([*AGREES[sort], "another"]) for sort in LineSort}
OURS = {LineSort.PAYMENT: st.sampled_from(list(Payment)), LineSort.REFUND: st.sampled_from(list(Refund))}


def test_the_tables_are_complete() -> None:
    assert set(BATCHES) == set(BatchState)
    assert all(set(facts) == set(BatchFact) for facts in BATCHES.values())
    assert set(ITEMS) == set(ItemState)
    assert all(set(facts) == set(ItemFact) for facts in ITEMS.values())
    assert set(FACT_OF) == set(Difference)


@given(st.lists(st.sampled_from(BatchFact)))
def test_a_closed_bill_stays_closed_and_is_closed_only_when_balanced_or_not_reported(facts: list[BatchFact]) -> None:
    state = BatchState.AWAITING_BILL
    for fact in facts:
        then = batch_after(state, fact)
        if then is BatchState.CLOSED:
            assert state in (BatchState.BALANCED, BatchState.NOT_REPORTED)
        assert state is not BatchState.CLOSED or then is None
        state = then or state


@given(st.sampled_from(ItemState), st.sampled_from(Difference))
def test_a_difference_that_is_seen_is_open_unless_somebody_ignored_these_very_amounts(
    state: ItemState, kind: Difference
) -> None:
    known = Amounts(100, 90, 4, 3)
    assert seen_again(state, kind, known, Amounts(100, 91, 4, 3)) in UNSETTLED
    assert (seen_again(state, kind, known, known) in UNSETTLED) == (state is not ItemState.IGNORED)
    another_fee = seen_again(state, kind, known, Amounts(100, 90, 5, 3))
    assert (another_fee in UNSETTLED) == (state is not ItemState.IGNORED or kind is Difference.FEE)


@pytest.mark.parametrize("kind", Difference)
def test_a_hold_that_is_over_leaves_the_difference_as_it_was_found(kind: Difference) -> None:
    assert after_hold(kind) is item_after(ItemState.MATCHED, FACT_OF[kind])


def test_what_was_on_hold_is_resolved_and_the_rest_is_matched_when_it_agrees() -> None:
    after = {state: item_after(state, ItemFact.AGREES) for state in UNSETTLED}
    assert after.pop(ItemState.ON_HOLD) is ItemState.RESOLVED
    assert set(after.values()) == {ItemState.MATCHED}


@given(st.data(), st.sampled_from(LineSort), st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_two_sides_agree_exactly_when_states_and_moved_amounts_do(
    data: st.DataObject, sort: LineSort, theirs: int, ours: int
) -> None:
    there, here = There(data.draw(WORDS[sort]), theirs), Here(data.draw(OURS[sort]), ours)
    found = difference(sort, there, here)
    agree = here.state in AGREES[sort].get(there.state, frozenset())
    assert (found is Difference.STATUS) == (not agree)
    assert found in (None, Difference.AMOUNT, Difference.STATUS)
    if found is Difference.AMOUNT:
        assert theirs != ours
    if there.state == "success" and here.state == "success":
        assert (found is None) == (theirs == ours)


@given(st.data(), st.sampled_from(LineSort), st.integers(-99, 99), st.integers(-99, 99))
def test_fees_are_compared_once_both_sides_have_booked_them(
    data: st.DataObject, sort: LineSort, theirs: int, ours: int
) -> None:
    there = There(data.draw(WORDS[sort]), 100, theirs)
    here = Here(data.draw(OURS[sort]), 100, ours)
    found = difference(sort, there, here)
    agrees = here.state in AGREES[sort].get(there.state, frozenset())
    told = there.state in MOVES_THERE[sort] and here.state in FEE_BOOKED[sort]
    assert (found is Difference.FEE) == (agrees and told and theirs != ours)


@pytest.mark.parametrize(("told", "fen"), [("3.8", 4), ("3.5", 4), ("3.499", 3), ("-3.5", -4), ("0", 0), ("0.4", 0)])
def test_a_fee_with_more_decimals_is_taken_in_whole_fen(told: str, fen: int) -> None:
    assert whole_fee(Decimal(told)) == fen


@given(st.data(), st.sampled_from(LineSort), st.integers(1, 99))
def test_where_staff_had_transfers_booked_the_amounts_decide(data: st.DataObject, sort: LineSort, amount: int) -> None:
    state = data.draw(OURS[sort])
    corrected = Here(state, amount, 1, corrected=True)
    assert difference(sort, There("success", amount, 1), corrected) is None
    assert difference(sort, There("success", amount, 2), corrected) is Difference.FEE
    assert difference(sort, There("failed", 0), Here(state, 0, 0, corrected=True)) is None
    assert difference(sort, There("success", amount + 1, 1), corrected) in (Difference.AMOUNT, Difference.STATUS)
    assert difference(sort, None, Here(state, 0, 0, corrected=True)) is None
    assert difference(sort, None, corrected) is Difference.LOCAL_ONLY


@given(st.data(), st.sampled_from(LineSort))
def test_one_side_alone_differs_where_money_moved(data: st.DataObject, sort: LineSort) -> None:
    assert difference(sort, None, Here(data.draw(OURS[sort]), 1)) is Difference.LOCAL_ONLY
    assert difference(sort, There("success", 1), None) is Difference.CHANNEL_ONLY
    assert difference(sort, There("failed", 1), None) is None


@pytest.mark.parametrize("sort", LineSort)
def test_whatever_a_bill_must_have_has_moved_money_here(sort: LineSort) -> None:
    assert all(due[sort] <= MOVES_HERE[sort] for due in DUE_HERE.values())


@given(MOMENTS)
def test_a_bill_is_never_asked_for_before_five_past_ten_of_the_next_day(moment: datetime) -> None:
    local = in_shanghai(moment)
    age = local.date() - newest_ready(moment)
    assert age in (timedelta(days=1), timedelta(days=2))
    assert (age == timedelta(days=1)) == (local.time() >= READY_AT)


@given(MOMENTS, st.booleans())
def test_the_next_look_is_ahead_and_at_most_a_day(moment: datetime, waiting: bool) -> None:
    at = next_run(moment, waiting=waiting)
    assert moment < at <= moment + (timedelta(minutes=30) if waiting else timedelta(days=1))


def test_a_revocation_is_looked_up_as_a_refund() -> None:
    assert [sort_of(kind) for kind in LineKind] == [LineSort.PAYMENT, LineSort.REFUND, LineSort.REFUND]


def test_a_day_stands_where_its_least_advanced_bill_does() -> None:
    assert stage({BatchState.BALANCED: 2, BatchState.AWAITING_BILL: 1}) is BatchState.AWAITING_BILL
    assert stage({BatchState.BALANCED: 2, BatchState.UNBALANCED: 1}) is BatchState.UNBALANCED
    assert stage({BatchState.NOT_REPORTED: 2, BatchState.BALANCED: 1}) is BatchState.BALANCED
    assert stage({BatchState.NOT_REPORTED: 2}) is BatchState.NOT_REPORTED
    assert (verdict(0), verdict(1)) == (BatchFact.NOTHING_OPEN, BatchFact.SOMETHING_OPEN)


def test_a_bill_that_is_not_reported_is_settled_and_never_balanced() -> None:
    assert batch_after(BatchState.AWAITING_BILL, BatchFact.WITHHELD) is BatchState.NOT_REPORTED
    assert BatchState.NOT_REPORTED in SETTLED
    reached = {batch_after(BatchState.NOT_REPORTED, fact) for fact in BatchFact} - {None}
    assert reached == {BatchState.PARSED, BatchState.CLOSED}


@given(MOMENTS)
def test_a_hold_lasts_seven_days(moment: datetime) -> None:
    assert hold_until(moment) == in_shanghai(moment).date() + timedelta(days=7)
