"""Sheets as arithmetic: whatever is posted, the sums add up, and nothing sealed is ever said twice or taken back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger.rules import Move
from portal.payments import postings as payments
from portal.rebates import postings as rebates
from portal.refunds import postings as refunds
from portal.settlement.rules import (
    BooksShrank,
    Figures,
    Group,
    Line,
    Rebate,
    Split,
    added,
    books_of,
    line_of,
    lines_of,
    missing_from,
    owed_by,
    rebate_of,
)
from portal.settlement.sealing import (
    as_json,
    canonical,
    days_to_seal,
    from_json,
    newest_closed,
    next_close,
    seal_of,
)

DAY = date(2026, 11, 21)
AMOUNTS = st.integers(1, 10_000_000)
PLACES = st.tuples(st.sampled_from(["wechat", "jdpay"]), st.sampled_from(["wechat", "jdpay", "unknown"]))


def split(move: Move, wallet: str = "wechat", discount: int = 0) -> Split:
    return Split(DAY, Group(move.kind, move.debit, move.credit, 1, move.amount), wallet, discount)


@st.composite
def a_day(draw: st.DrawFn) -> list[Split]:
    """Payments, refunds, fees and money put aside, of both acquirers and all wallets."""
    found: list[Split] = []
    for number in range(draw(st.integers(0, 8))):
        (acquirer, wallet), amount = draw(PLACES), draw(AMOUNTS)
        fee = draw(st.integers(0, amount))
        moves = payments.received(payment_no=f"Y{number}", acquirer=acquirer, amount=amount, fee_amount=fee, day=DAY)
        found += [split(move, wallet, draw(st.integers(0, amount)) if move.kind == "payment" else 0) for move in moves]
        if draw(st.booleans()):
            back = draw(st.integers(1, amount))
            asked = refunds.requested(refund_no=f"R{number}", acquirer=acquirer, amount=back, day=DAY)
            came = refunds.arrived(
                refund_no=f"R{number}", acquirer=acquirer, amount=back, fee_back=draw(st.integers(0, fee)), day=DAY
            )
            found += [split(move, wallet) for move in (*asked, *came)]
        if draw(st.booleans()):
            aside = payments.unexplained(acquirer=acquirer, transaction_no=f"T{number}", amount=amount, day=DAY)
            found.append(split(aside, "unknown"))
        if draw(st.booleans()):
            found += [split(move, wallet) for move in rebates.accrued(payment_no=f"Y{number}", amount=amount, day=DAY)]
    return found


def figures_of(splits: list[Split], **more: Any) -> Figures:
    books = books_of(splits)
    rest: dict[str, Any] = {"hours": (0,) * 24, "earlier": (), "elsewhere_count": 0, "elsewhere_gross": 0, "covered": 0}
    return Figures(day=DAY, lines=lines_of(splits), books=books, rebate=rebate_of(books), **{**rest, **more})


@given(a_day())
def test_what_an_acquirer_owes_is_what_its_clearing_account_grew_by(splits: list[Split]) -> None:
    owed = figures_of(splits).owed
    for acquirer in ("wechat", "jdpay"):
        account = f"clearing:{acquirer}"
        grown = sum(s.group.amount for s in splits if s.group.debit == account)
        shrunk = sum(s.group.amount for s in splits if s.group.credit == account)
        assert owed.get(acquirer, 0) == grown - shrunk


@given(a_day())
def test_owed_is_gross_less_refunds_less_fee_and_what_was_put_aside(splits: list[Split]) -> None:
    for acquirer, owed in figures_of(splits).owed.items():
        mine = added(line for line in lines_of(splits) if line.acquirer == acquirer)
        assert owed == mine.gross - mine.refunds - mine.fee + mine.held
        assert mine.other == 0


@given(a_day())
def test_the_lines_add_up_to_the_total(splits: list[Split]) -> None:
    figures = figures_of(splits)
    total = figures.total
    assert total.owed == sum(figures.owed.values()) == sum(line.owed for line in figures.lines)
    assert total.count == sum(1 for s in splits if s.group.kind == "payment")
    assert total.gross == sum(s.group.amount for s in splits if s.group.kind == "payment")
    assert total.refund_count == sum(1 for s in splits if s.group.kind == "refund_arrived")
    assert total.discount == sum(s.discount for s in splits)
    # Told apart by wallet or not, it is the same money.
    whole = [line_of(acquirer, "", figures.books, discount=total.discount) for acquirer in ("wechat", "jdpay")]
    assert added(whole).owed == total.owed


@given(a_day(), a_day())
def test_what_is_late_and_what_was_sealed_are_together_what_the_ledger_has(
    sealed: list[Split], late: list[Split]
) -> None:
    rest = missing_from(books_of(sealed), books_of([*sealed, *late]))
    assert rest == books_of(late)
    assert books_of(Split(DAY, group, "", 0) for group in (*books_of(sealed), *rest)) == books_of([*sealed, *late])


@given(a_day(), st.data())
def test_a_posting_that_is_gone_or_smaller_is_never_taken_for_a_late_one(
    splits: list[Split], data: st.DataObject
) -> None:
    books = books_of(splits)
    if not books:
        return
    victim = data.draw(st.sampled_from(books))
    changed = data.draw(
        st.sampled_from(
            [
                [],
                [Group(*victim.way, victim.count, victim.amount - 1)],
                [Group(*victim.way, victim.count, victim.amount + 1)],
                [Group(*victim.way, victim.count - 1, victim.amount)],
                [Group(*victim.way, victim.count + 1, victim.amount)],
            ]
        )
    )
    with pytest.raises(BooksShrank):
        missing_from(books, [*(group for group in books if group != victim), *changed])


@given(a_day(), st.integers(0, 10**9))
def test_a_sheet_is_read_back_as_it_was_written(splits: list[Split], covered: int) -> None:
    figures = figures_of(splits, covered=covered)
    assert from_json(as_json(figures)) == figures


def test_every_acquirer_and_wallet_has_its_own_line_and_the_unknown_wallet_comes_last() -> None:
    moves = payments.received(payment_no="Y1", acquirer="wechat", amount=1000, fee_amount=4, day=DAY)
    splits = [split(move, wallet) for wallet in ("unknown", "jdpay", "wechat") for move in moves]
    splits += [
        split(move, "jdpay", 300 if move.kind == "payment" else 0)
        for move in payments.received(payment_no="Y2", acquirer="jdpay", amount=2000, fee_amount=8, day=DAY)
    ]
    assert lines_of(splits) == (
        Line("wechat", "wechat", count=1, gross=1000, fee=4),
        Line("wechat", "jdpay", count=1, gross=1000, fee=4),
        Line("wechat", "unknown", count=1, gross=1000, fee=4),
        Line("jdpay", "jdpay", count=1, gross=2000, fee=8, discount=300),
    )
    assert owed_by(lines_of(splits)) == {"wechat": 2988, "jdpay": 1992}


def test_a_correction_against_an_account_of_its_own_is_owed_too() -> None:
    correction = Group("correction", "clearing:wechat", "adjustments", 1, 35)
    back = Group("refund_undone", "clearing:wechat", "refund_in_flight:wechat", 1, 100)
    line = line_of("wechat", "", [correction, back])
    assert (line.other, line.refunds, line.refund_count, line.owed) == (35, -100, 0, 135)


def test_a_rebate_is_counted_and_what_a_refund_took_back_is_taken_off() -> None:
    moves = [
        *rebates.accrued(payment_no="Y1", amount=20, day=DAY),
        *rebates.clawed_back(refund_no="R1", amount=5, day=DAY),
    ]
    rebate = rebate_of(books_of(split(move) for move in moves))
    assert (rebate, rebate.kept) == (Rebate(1, 20, 5), 15)
    assert lines_of(split(move) for move in moves) == ()


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        ("2026-11-21T16:04:59", date(2026, 11, 20)),
        ("2026-11-21T16:05:00", date(2026, 11, 21)),
        ("2026-11-22T15:59:59", date(2026, 11, 21)),
    ],
)
def test_a_day_is_closed_five_minutes_after_its_midnight_in_beijing(at: str, closed: date) -> None:
    assert newest_closed(datetime.fromisoformat(at).replace(tzinfo=UTC)) == closed


@pytest.mark.parametrize(
    ("at", "next_at"),
    [
        ("2026-11-21T16:04:59", "2026-11-21T16:05:00"),
        ("2026-11-21T16:05:00", "2026-11-22T16:05:00"),
        ("2026-11-22T01:00:00", "2026-11-22T16:05:00"),
    ],
)
def test_the_next_close_is_the_next_five_past_midnight(at: str, next_at: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert next_close(moment) == datetime.fromisoformat(next_at).replace(tzinfo=UTC)


@given(st.sets(st.integers(0, 20)), st.none() | st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_days_are_sealed_once_in_order_and_none_before_a_sealed_one(
    known: set[int], last: int | None, until: int, late: bool
) -> None:
    day_of = {number: DAY + timedelta(days=number) for number in range(21)}
    last_day = None if last is None else day_of[last]
    days = days_to_seal({day_of[n] for n in known}, last=last_day, until=day_of[until], late=late)
    assert days == sorted(set(days))
    assert all(day <= day_of[until] and (last_day is None or day > last_day) for day in days)
    assert {day_of[n] for n in known if n <= until and (last is None or n > last)} <= set(days)


def test_late_facts_do_not_wait_for_a_day_with_takings() -> None:
    sealed, yesterday = DAY, DAY + timedelta(days=3)
    assert days_to_seal([sealed], last=sealed, until=yesterday, late=True) == [yesterday]
    assert days_to_seal([sealed], last=sealed, until=yesterday, late=False) == []
    assert days_to_seal([sealed], last=sealed, until=sealed, late=True) == []


def test_a_seal_is_this_number_wherever_it_is_computed() -> None:
    at = datetime(2026, 11, 21, 16, 5, tzinfo=UTC)
    told = {"merchant_id": 1, "position": 1, "previous": "0" * 64, "sealed_at": at}
    assert seal_of(**told, figures={"b": 1, "a": "老周"}) == seal_of(**told, figures={"a": "老周", "b": 1})
    assert seal_of(**told, figures={"a": 1}) != seal_of(**{**told, "position": 2}, figures={"a": 1})
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()


def test_a_fraction_is_never_sealed() -> None:
    for fraction in (0.1, float("nan")):
        with pytest.raises(ValueError, match="not a whole number"):
            canonical({"a": fraction})


def test_a_sheet_of_another_form_is_not_guessed_at() -> None:
    told = as_json(figures_of([]))
    with pytest.raises(ValueError, match="form 2"):
        from_json({**told, "form": 2})
