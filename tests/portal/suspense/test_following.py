"""A second payment of one order goes back by itself; its case follows the refund through the feed."""

import pytest

from portal.payments import operations as payments
from portal.payments.operations import Outcome
from portal.plumbing.work import Tools
from portal.refunds import operations as refunds
from portal.refunds import queries
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Acquirer, PaymentState, RefundAnswer, RefundState
from portal.worker import carry_events
from tests.portal.suspense.conftest import AT, SHOP, Aside


@pytest.fixture
def twice(aside: Aside, tools: Tools) -> str:
    """The refund of an order's second payment, just asked for."""
    number = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        for transaction in ("T1", "T2"):
            answer = aside.answer(number, transaction_id=transaction)
            payments.take(session, merchant_id=SHOP, answer=answer, payer_blind=None, now=AT)
    assert aside.newest().state == "open"
    carry_events(tools)
    with aside.staff_db.transaction() as session:
        (refund,) = queries.of_payment(session, SHOP, number)
    assert (refund.transaction_no, aside.newest().state) == ("T2", "returning")
    return refund.refund_no


@pytest.mark.parametrize(("said", "state"), [(RefundState.PROCESSING, "returning"), (RefundState.SUCCESS, "returned")])
def test_its_case_stands_where_its_refund_does(
    aside: Aside, tools: Tools, twice: str, said: RefundState, state: str
) -> None:
    with aside.db.transaction(merchant=SHOP) as session:
        answer = RefundAnswer(Acquirer.WECHAT, twice, said, f"WX{SHOP}", amount=1980)
        refunds.note_answer(session, merchant_id=SHOP, answer=answer, now=AT)
    carry_events(tools)
    assert aside.newest().state == state
    assert ("suspense" in aside.nets()) is False


def test_what_the_wallet_will_not_give_back_is_open_for_two_of_staff_again(
    aside: Aside, tools: Tools, twice: str
) -> None:
    with aside.db.transaction(merchant=SHOP) as session:
        refunds.note_refused(session, merchant_id=SHOP, refund_no=twice, refusal="不能退", now=AT)
    carry_events(tools)
    assert aside.newest().state == "open"
    assert aside.nets()["suspense"] == -1980


def test_an_ordinary_refund_has_no_case(aside: Aside, tools: Tools) -> None:
    number = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        payments.take(session, merchant_id=SHOP, answer=aside.answer(number), payer_blind=None, now=AT)
        refunds.request(
            session,
            merchant_id=SHOP,
            payment_no=number,
            amount=100,
            reason="少称了",
            form_key="k1",
            asked_by=None,
            reference_key=aside.keyring.reference_key,
            now=AT,
        )
    assert carry_events(tools) >= 2
    with pytest.raises(ValueError, match="max"):
        aside.newest()


def test_foreign_money_told_twice_has_one_case_and_one_fact(aside: Aside) -> None:
    answer = aside.answer(aside.order(), currency="USD")
    told = []
    for _ in range(2):
        with aside.db.transaction(merchant=SHOP) as session:
            told.append(
                payments.book_unexplained(session, merchant_id=SHOP, answer=answer, reason="wrong_currency", now=AT)
            )
    assert told == [True, False]


def test_only_what_is_paid_and_not_yet_booked_is_released(aside: Aside) -> None:
    def release(answer: object) -> str:
        with aside.db.transaction(merchant=SHOP) as session:
            return payments.book_released(
                session,
                merchant_id=SHOP,
                answer=answer,  # type: ignore[arg-type]
                payer_blind=None,
                reference_key=aside.keyring.reference_key,
                now=AT,
            )

    number = aside.order()
    with pytest.raises(ValueError, match="successful"):
        release(aside.answer(number, state=PaymentState.UNPAID, amount=None, transaction_id=None))
    assert release(aside.answer(number))
    with pytest.raises(NotAllowedNow, match="booked_already"):
        release(aside.answer(number))
    fitting = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        outcome = payments.book(session, merchant_id=SHOP, answer=aside.answer(fitting), payer_blind=None, now=AT)
    assert outcome is Outcome.BOOKED_ELSEWHERE
