"""What may be done about a difference, and what would be booked for it; an answer is kept and read back whole."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.payments.rules import State as Payment
from portal.reconciliation.agreeing import AGREES, LineSort
from portal.reconciliation.answers import kept, payment_kept, payment_told, refund_kept, refund_told
from portal.reconciliation.postings import CORRECTIONS, correcting
from portal.reconciliation.rules import UNSETTLED, Difference, ItemState
from portal.reconciliation.ways import MONEY, Booking, Side, Way, booking, digest, missing, ways
from portal.refunds.rules import State as Refund
from portal.wallets.port import (
    Acquirer,
    PaymentAnswer,
    PaymentState,
    Promotion,
    RefundAnswer,
    RefundState,
    Wallet,
)

AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
FEN = st.integers(-(10**9), 10**9)
STATES = st.sampled_from(["", "corrected", *Payment, *Refund])
SIDES = st.builds(
    Side,
    sort=st.sampled_from(LineSort),
    difference=st.sampled_from(Difference),
    state=st.sampled_from(ItemState),
    has_merchant=st.booleans(),
    bill_state=st.sampled_from(["", *AGREES[LineSort.PAYMENT], *AGREES[LineSort.REFUND], "another"]),
    our_state=STATES,
    bill_amount=st.none() | FEN,
    our_amount=st.none() | FEN,
    bill_fee=st.none() | FEN,
    our_fee=st.none() | FEN,
)


def side(difference: Difference, sort: LineSort = LineSort.PAYMENT, **given: object) -> Side:
    blank = {"bill_state": "success", "our_state": "success", "bill_amount": 1000, "our_amount": 1000}
    fees = {"bill_fee": 4, "our_fee": 4}
    return Side(sort, difference, ItemState.MISMATCHED, **{"has_merchant": True, **blank, **fees, **given})


@given(SIDES)
def test_whatever_is_open_can_rest_or_be_left_and_nothing_else_can(one: Side) -> None:
    offered = ways(one)
    assert bool(offered) == (one.state in UNSETTLED)
    assert len(set(offered)) == len(offered)
    if offered:
        assert {Way.HOLD, Way.IGNORE} <= set(offered)
    if not one.has_merchant or one.difference is Difference.DUPLICATE:
        assert not MONEY & set(offered)
    if Way.ACCEPT in offered:
        assert booking(one) is not None


@given(SIDES)
def test_correcting_transfers_make_up_exactly_what_is_missing(one: Side) -> None:
    amount, fee = missing(one)
    entries = correcting(acquirer="wechat", amount=amount, fee_amount=fee)
    added = {"amount": 0, "fee": 0}
    for entry in entries:
        column, sign = CORRECTIONS[entry.kind]
        added[column] += sign * entry.amount
        assert entry.amount > 0
        assert "clearing:wechat" in (entry.debit, entry.credit)
    assert (added["amount"], added["fee"]) == (amount, fee)


@pytest.mark.parametrize(
    ("one", "how"),
    [
        (side(Difference.CHANNEL_ONLY, our_state="", our_amount=None), Booking.BORN),
        (side(Difference.STATUS, our_state="closed", our_amount=0), Booking.ORDER),
        (side(Difference.STATUS, bill_state="failed", bill_amount=0), Booking.TRANSFERS),
        (
            side(Difference.STATUS, LineSort.REFUND, our_state="processing", bill_amount=-3, our_amount=-3),
            Booking.REFUND,
        ),
        (
            side(Difference.STATUS, LineSort.REFUND, our_state="closed", bill_amount=-3, our_amount=0),
            Booking.TRANSFERS,
        ),
        (
            side(Difference.STATUS, LineSort.REFUND, our_state="processing", bill_amount=-3, our_amount=-4),
            Booking.TRANSFERS,
        ),
        (
            side(Difference.STATUS, LineSort.REFUND, our_state="processing", bill_state="abnormal", bill_amount=-3),
            Booking.REFUND,
        ),
        (side(Difference.AMOUNT, bill_amount=1001), Booking.TRANSFERS),
        (side(Difference.FEE, bill_fee=5), Booking.TRANSFERS),
        (side(Difference.STATUS, bill_state="processing", our_fee=0), None),
    ],
)
def test_the_bills_word_is_booked_by_the_slice_whose_money_it_is(one: Side, how: Booking | None) -> None:
    assert booking(one) is how
    assert (Way.ACCEPT in ways(one)) == (how is not None)


def test_the_fee_of_a_refund_under_way_is_not_missing() -> None:
    under_way = side(Difference.AMOUNT, LineSort.REFUND, our_state="processing", bill_amount=-5, our_amount=-3)
    assert missing(under_way) == (-2, 0)


def test_a_digest_changes_with_every_part() -> None:
    payload = {"entries": [{"amount": 1}], "ref": "bill:1:1"}
    assert digest(payload) == digest(dict(reversed(payload.items())))
    assert digest(payload) != digest({**payload, "entries": [{"amount": 2}]})


@given(st.sampled_from(PaymentState), st.none() | st.datetimes(timezones=st.just(UTC)), st.none() | st.integers(1))
def test_a_payments_answer_is_read_back_as_it_was(
    state: PaymentState, moment: datetime | None, amount: int | None
) -> None:
    answer = PaymentAnswer(
        *(Acquirer.JDPAY, "Y1", state, "JD1", Wallet.JDPAY, "T1", amount, amount),
        promotions=(Promotion("P1", "立减", 3, "wallet"),),
        paid_at=moment,
        trade_type="JSAPI",
        bank_type="CMB",
    )
    assert payment_kept("jdpay", kept(answer)) == answer


@given(st.sampled_from(RefundState), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_a_refunds_answer_is_read_back_as_it_was(state: RefundState, moment: datetime | None) -> None:
    answer = RefundAnswer(Acquirer.WECHAT, "R1", state, "WX1", "50", "Y1", 3, 3, "招商银行", moment)
    assert refund_kept("wechat", kept(answer)) == answer


class _Told:
    acquirer, number, merchant_no, bill_wallet, transaction_no = "wechat", "Y1", "WX1", "", "42"
    bill_amount, payer_amount, at, bill_state = 1000, 900, AT, "success"


def test_a_bills_line_is_as_good_as_an_answer() -> None:
    line = _Told()
    told = payment_told(line)
    assert (told.state, told.amount, told.payer_amount, told.wallet) == (PaymentState.SUCCESS, 1000, 900, "unknown")
    line.bill_amount = -300
    assert (refund_told(line).state, refund_told(line).amount) == (RefundState.SUCCESS, 300)
    line.bill_state, line.bill_amount = "failed", 0
    assert (refund_told(line).state, refund_told(line).amount) == (RefundState.CLOSED, None)
