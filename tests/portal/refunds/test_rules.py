from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.refunds.rules import (
    MOST_PARTS,
    OVER,
    REFUND_WINDOW,
    TRANSITIONS,
    UNDER_WAY,
    Fact,
    State,
    after,
    check_window,
    fee_back,
    payer_gets,
    seconds_until_asked_again,
)
from portal.values.errors import Refused
from portal.values.money import fee_of

PAID = datetime(2026, 11, 22, 6, 32, tzinfo=UTC)


def test_the_table_answers_every_fact_in_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(row) == set(Fact) for row in TRANSITIONS.values())


def test_every_state_can_be_reached() -> None:
    reached = {State.REQUESTED}
    while more := {to for state in reached for to in TRANSITIONS[state].values() if to} - reached:
        reached |= more
    assert reached == set(State)


@pytest.mark.parametrize("state", sorted(OVER))
def test_what_is_over_stays_over(state: State) -> None:
    assert set(TRANSITIONS[state].values()) == {None}


@pytest.mark.parametrize("state", sorted(set(State) - OVER))
def test_what_is_not_over_has_a_way_on(state: State) -> None:
    assert any(TRANSITIONS[state].values())


@pytest.mark.parametrize("state", sorted(UNDER_WAY))
def test_the_wallets_last_word_ends_whatever_is_under_way(state: State) -> None:
    assert after(state, Fact.ARRIVED) is State.SUCCESS
    assert after(state, Fact.CAME_TO_NOTHING) is State.CLOSED


def test_a_refusal_says_nothing_about_a_refund_that_was_accepted() -> None:
    assert after(State.PROCESSING, Fact.REFUSED) is None
    assert after(State.REQUESTED, Fact.REFUSED) is State.CLOSED


def test_a_stuck_refund_may_still_arrive() -> None:
    assert after(State.ABNORMAL, Fact.ARRIVED) is State.SUCCESS


def test_a_year_is_the_window() -> None:
    check_window(paid_at=PAID, parts=0, now=PAID + REFUND_WINDOW)
    with pytest.raises(Refused, match="too_old"):
        check_window(paid_at=PAID, parts=0, now=PAID + REFUND_WINDOW + timedelta(seconds=1))


def test_fifty_parts_are_the_most() -> None:
    check_window(paid_at=PAID, parts=MOST_PARTS - 1, now=PAID)
    with pytest.raises(Refused, match="too_many_parts"):
        check_window(paid_at=PAID, parts=MOST_PARTS, now=PAID)


def test_the_example_of_the_check_page_is_right() -> None:
    assert payer_gets(amount=1200, payer_amount=1700, order_amount=2000) == 1020


def test_the_wallet_is_not_asked_while_a_web_request_may_still_wait_for_it() -> None:
    assert seconds_until_asked_again(0) > 4
    assert seconds_until_asked_again(10_000) == 3600


@st.composite
def parts_of_an_order(draw: st.DrawFn) -> tuple[int, list[int]]:
    """An order, and parts that refund it in all or in part."""
    order = draw(st.integers(1, 5_000_000))
    parts, left = [], order
    for _ in range(draw(st.integers(1, 12))):
        if not left:
            break
        parts.append(draw(st.integers(1, left)))
        left -= parts[-1]
    return order, parts


@given(parts_of_an_order(), st.integers(0, 1000))
def test_fees_never_come_back_twice(order: tuple[int, list[int]], rate_bp: int) -> None:
    amount, parts = order
    fee = fee_of(amount, rate_bp)
    returned = 0
    for part in parts:
        back = fee_back(fee=fee, fee_returned=returned, amount=part, order_amount=amount)
        assert back >= 0
        returned += back
    assert returned <= fee


@given(st.integers(1, 5_000_000), st.integers(0, 1000))
def test_a_full_refund_gives_the_whole_fee_back(amount: int, rate_bp: int) -> None:
    fee = fee_of(amount, rate_bp)
    assert fee_back(fee=fee, fee_returned=0, amount=amount, order_amount=amount) == fee


@given(st.data(), st.integers(1, 5_000_000))
def test_the_payer_never_gets_more_than_he_paid(data: st.DataObject, order: int) -> None:
    payer = data.draw(st.integers(0, order))
    part = data.draw(st.integers(1, order))
    gets = payer_gets(amount=part, payer_amount=payer, order_amount=order)
    assert 0 <= gets <= min(payer, part)
    assert payer_gets(amount=order, payer_amount=payer, order_amount=order) == payer
