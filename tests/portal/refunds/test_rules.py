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
    needs_approval,
    payer_gets,
    said_arrived,
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


# Written by hand, whole: every fact in every state. A dash changes nothing.
MATRIX = """
                  held              approved  declined  accepted    no_answer  refused  arrived  stuck     came_to_nothing  sent_on     late_arrival
requested         pending_approval  -         -         processing  unknown    closed   success  abnormal  closed           -           -
pending_approval  -                 approved  declined  -           -          -        -        -         -                -           -
approved          -                 -         -         processing  unknown    closed   success  abnormal  closed           -           -
declined          -                 -         -         -           -          -        -        -         -                -           -
processing        -                 -         -         -           -          -        success  abnormal  closed           -           -
unknown           -                 -         -         processing  -          closed   success  abnormal  closed           -           -
success           -                 -         -         -           -          -        -        -         -                -           -
abnormal          -                 -         -         -           -          -        success  -         closed           processing  -
closed            -                 -         -         -           -          -        -        -         -                -           success
"""  # noqa: E501


def test_every_fact_in_every_state_leads_where_the_matrix_says() -> None:
    head, *lines = MATRIX.strip().splitlines()
    facts = [Fact(word) for word in head.split()]
    written = {
        State(state): {fact: None if to == "-" else State(to) for fact, to in zip(facts, ways, strict=True)}
        for state, *ways in (line.split() for line in lines)
    }
    assert written == TRANSITIONS


@pytest.mark.parametrize("state", sorted(OVER - {State.CLOSED}))
def test_what_is_over_stays_over(state: State) -> None:
    assert set(TRANSITIONS[state].values()) == {None}


def test_only_a_late_arrival_opens_what_had_come_to_nothing() -> None:
    assert {fact for fact, to in TRANSITIONS[State.CLOSED].items() if to} == {Fact.LATE_ARRIVAL}
    assert said_arrived(State.CLOSED) is Fact.LATE_ARRIVAL
    assert {said_arrived(state) for state in set(State) - {State.CLOSED}} == {Fact.ARRIVED}


@given(st.lists(st.sampled_from(Fact)))
def test_what_has_arrived_stays_arrived(facts: list[Fact]) -> None:
    state = State.REQUESTED
    arrived = False
    for fact in facts:
        state = after(state, fact) or state
        arrived = arrived or state is State.SUCCESS
        assert (state is State.SUCCESS) == arrived


@pytest.mark.parametrize(
    ("role", "amount", "by_himself", "asks"),
    [
        ("clerk", 20_000, 0, False),
        ("clerk", 20_001, 0, True),
        ("clerk", 10_001, 10_000, True),
        ("clerk", 10_000, 10_000, False),
        ("manager", 1_000_000, 0, False),
        ("owner", 1_000_000, 0, False),
        ("somebody new", 20_001, 0, True),
    ],
)
def test_a_clerk_asks_above_the_limit_and_parts_are_no_way_around(
    role: str, amount: int, by_himself: int, asks: bool
) -> None:
    assert needs_approval(role=role, amount=amount, by_himself=by_himself, limit=20_000) is asks


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
    assert seconds_until_asked_again(State.REQUESTED, 0) > 4


def test_an_unknown_refund_is_asked_about_on_the_written_ladder() -> None:
    waits = [seconds_until_asked_again(State.UNKNOWN, rung) for rung in range(14)]
    assert waits == [5, 5, 15, 60, 60, 60, 60, 60, 300, 600, 1200, 1800, 3600, 3600]
    assert seconds_until_asked_again(State.ABNORMAL, 0) == 3600


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
