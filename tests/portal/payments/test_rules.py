"""What a payment may become, and which app opened the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.payments.rules import ROADS, TRANSITIONS, App, Fact, State, after, recognise, said_paid


def test_the_table_knows_every_fact_in_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(row) == set(Fact) for row in TRANSITIONS.values())


@given(st.lists(st.sampled_from(Fact)), st.lists(st.sampled_from(Fact)))
def test_what_is_paid_stays_paid_whatever_was_before_and_comes_after(before: list[Fact], later: list[Fact]) -> None:
    state = State.CREATED
    for fact in before:
        state = after(state, fact) or state
    state = after(state, said_paid(state)) or state
    for fact in later:
        state = after(state, fact) or state
    assert state is State.SUCCESS


@given(st.lists(st.sampled_from(sorted(set(Fact) - {Fact.PAID, Fact.LATE_PAYMENT}))))
def test_nothing_but_a_payment_makes_an_order_paid(facts: list[Fact]) -> None:
    state = State.CREATED
    for fact in facts:
        state = after(state, fact) or state
    assert state is not State.SUCCESS


@pytest.mark.parametrize("fact", Fact)
def test_a_fact_leads_to_one_state_only(fact: Fact) -> None:
    assert len({after(state, fact) for state in State} - {None}) == 1


def test_a_closed_order_is_not_opened_again_but_may_turn_out_paid() -> None:
    assert after(State.CLOSED, Fact.OPENED) is None
    assert after(State.CLOSED, Fact.PAID) is None
    assert after(State.CLOSED, Fact.LATE_PAYMENT) is State.SUCCESS


# Written by hand, whole: every fact in every state. A blank changes nothing.
MATRIX = """
            opened   paid     late_payment  closed   failed
created     paying   success  -             closed   failed
paying      -        success  -             closed   failed
success     -        -        -             -        -
closed      -        -        success       -        -
failed      -        -        success       -        -
"""


def test_every_fact_in_every_state_leads_where_the_matrix_says() -> None:
    head, *lines = MATRIX.strip().splitlines()
    facts = [Fact(word) for word in head.split()]
    written = {
        State(state): {fact: None if to == "-" else State(to) for fact, to in zip(facts, ways, strict=True)}
        for state, *ways in (line.split() for line in lines)
    }
    assert written == TRANSITIONS


def test_nothing_leads_away_from_a_paid_order() -> None:
    assert {after(State.SUCCESS, fact) for fact in Fact} == {None}


@pytest.mark.parametrize("state", State)
def test_a_wallets_word_paid_is_the_one_fact_that_books_in_that_state(state: State) -> None:
    assert after(state, said_paid(state)) in (State.SUCCESS, None)
    other = {Fact.PAID, Fact.LATE_PAYMENT} - {said_paid(state)}
    assert {after(state, fact) for fact in other} == {None}


@given(st.lists(st.sampled_from(Fact)))
def test_no_order_goes_back_to_where_it_was(facts: list[Fact]) -> None:
    state, seen = State.CREATED, [State.CREATED]
    for fact in facts:
        state = after(state, fact) or state
        if state is not seen[-1]:
            seen.append(state)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("agent", "app"),
    [
        ("Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.50 Language/zh_CN", App.WECHAT),
        ("Mozilla/5.0 (iPhone) micromessenger/8.0.50", App.WECHAT),
        ("Mozilla/5.0 MQQBrowser/9 CpayJS=UnionPay/1.0 JDJR application=JDJR-App&clientType=android", App.JD),
        ("Mozilla/5.0 MicroMessenger/8 JDJR-App", App.JD),
        ("jdapp;iPhone;13.1.0;;;M/5.0", App.JD),
        ("Mozilla/5.0 not at its beginning jdapp;", App.OTHER),
        ("Mozilla/5.0 AlipayClient/10.5", App.ALIPAY),
        ("Mozilla/5.0 (com.unionpay.chsp) UnionPay/1.0 CloudPay", App.UNIONPAY),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140", App.OTHER),
        ("", App.OTHER),
    ],
)
def test_an_app_is_known_by_its_mark(agent: str, app: App) -> None:
    assert recognise(agent) is app


@given(st.text())
def test_any_agent_is_some_app(agent: str) -> None:
    assert recognise(agent) in App


def test_only_the_two_wallets_have_a_road() -> None:
    assert {app: (road.wallet, road.acquirer) for app, road in ROADS.items()} == {
        App.WECHAT: ("wechat", "wechat"),
        App.JD: ("jdpay", "jdpay"),
    }
