import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, TimeoutError

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.merchants.models import Restriction
from portal.payments import queries as payments
from portal.payments.models import Payment
from portal.payments.queries import PaymentRow
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations, queries
from portal.refunds.models import Refund
from portal.refunds.queries import RefundRow
from portal.values.errors import InvalidAmount, NotAllowedNow, Refused
from portal.wallets.port import Acquirer, RefundAnswer, RefundState
from tests.conftest import TestDatabase
from tests.factories.payments import add_order, add_payment
from tests.portal.stall import NOW, SHOP

Answer = TypeVar("Answer")


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    """¥100.00 by WeChat Pay, fee 38 fen."""
    return add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=NOW)


def ask(
    db: Database, keyring: Keyring, payment_no: str, amount: int, *, key: str = "k1", after: timedelta = timedelta(0)
) -> operations.Asked:
    with db.transaction(merchant=SHOP) as session:
        return operations.request(
            session,
            merchant_id=SHOP,
            payment_no=payment_no,
            amount=amount,
            reason="两个橙子坏了",
            form_key=key,
            asked_by=None,
            reference_key=keyring.reference_key,
            now=NOW + after,
        )


def tell(db: Database, refund_no: str, state: RefundState, **more: object) -> bool:
    facts: dict[str, object] = {"sub_merchant_no": f"WX{SHOP}", **more}
    answer = RefundAnswer(Acquirer.WECHAT, refund_no, state, **facts)  # type: ignore[arg-type]
    with db.transaction(merchant=SHOP) as session:
        return operations.note_answer(session, merchant_id=SHOP, answer=answer, now=NOW)


def look(db: Database, payment_no: str, refund_no: str) -> tuple[PaymentRow, RefundRow, dict[str, int]]:
    with db.transaction(merchant=SHOP) as session:
        row, refund = payments.payment(session, SHOP, payment_no), queries.refund(session, SHOP, refund_no)
        net = {code: balance.net for code, balance in ledger.balances(session, SHOP).items()}
    assert row is not None
    assert refund is not None
    return row, refund, net


def test_asking_sets_the_amount_aside_at_once(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    row, refund, net = look(db, paid, number)
    assert (row.refund_reserved, row.refunded, row.refundable) == (3_000, 0, 7_000)
    assert refund.state == "requested"
    assert (net["merchant_payable"], net["refund_in_flight:wechat"]) == (-7_000, -3_000)


def test_an_arrived_refund_moves_the_money_and_its_part_of_the_fee(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    assert tell(db, number, RefundState.PROCESSING)
    assert tell(db, number, RefundState.SUCCESS, arrived_at=NOW)
    row, refund, net = look(db, paid, number)
    assert (row.refund_reserved, row.refunded, row.fee_returned) == (0, 3_000, 11)
    assert (refund.state, refund.arrived_at) == ("success", NOW)
    assert net == {
        "clearing:wechat": 10_000 - 38 - 3_000 + 11,
        "merchant_payable": -7_000,
        "refund_in_flight:wechat": 0,
        "fee:wechat": 38 - 11,
    }


def test_the_same_answer_twice_changes_nothing(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    assert tell(db, number, RefundState.SUCCESS)
    assert not tell(db, number, RefundState.SUCCESS)
    assert look(db, paid, number)[0].refunded == 3_000


def test_an_answer_that_comes_late_does_not_undo_an_arrival(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    tell(db, number, RefundState.SUCCESS)
    for late in (RefundState.PROCESSING, RefundState.CLOSED, RefundState.ABNORMAL):
        assert not tell(db, number, late)
    assert look(db, paid, number)[1].state == "success"


def test_a_closed_refund_gives_the_amount_free_by_a_new_transfer(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    assert tell(db, number, RefundState.CLOSED)
    row, refund, net = look(db, paid, number)
    assert (refund.state, row.refundable) == ("closed", 10_000)
    assert (net["merchant_payable"], net["refund_in_flight:wechat"]) == (-10_000, 0)


def test_a_stuck_refund_keeps_its_amount_until_it_is_handled(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    tell(db, number, RefundState.ABNORMAL)
    assert look(db, paid, number)[0].refund_reserved == 3_000
    assert tell(db, number, RefundState.SUCCESS)
    assert look(db, paid, number)[0].refunded == 3_000


def test_a_refusal_frees_the_amount_and_keeps_the_wallets_words(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    with db.transaction(merchant=SHOP) as session:
        operations.note_refused(session, merchant_id=SHOP, refund_no=number, refusal="余额不足", now=NOW)
    row, refund, _ = look(db, paid, number)
    assert (refund.state, refund.refusal, row.refundable) == ("closed", "余额不足", 10_000)


def test_a_refusal_of_what_was_accepted_meanwhile_is_not_believed(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    tell(db, number, RefundState.PROCESSING)
    with db.transaction(merchant=SHOP) as session:
        operations.note_refused(session, merchant_id=SHOP, refund_no=number, refusal="重复请求", now=NOW)
    assert look(db, paid, number)[1].state == "processing"


def test_no_answer_keeps_the_amount_set_aside(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    with db.transaction(merchant=SHOP) as session:
        operations.note_no_answer(session, merchant_id=SHOP, refund_no=number, now=NOW)
    row, refund, _ = look(db, paid, number)
    assert (refund.state, row.refund_reserved) == ("unknown", 3_000)


def test_the_same_form_asks_once(db: Database, keyring: Keyring, paid: str) -> None:
    first, second = ask(db, keyring, paid, 3_000), ask(db, keyring, paid, 3_000)
    assert (first.refund_no, first.fresh, second.fresh) == (second.refund_no, True, False)
    assert look(db, paid, first.refund_no)[0].refund_reserved == 3_000


def test_the_same_form_cannot_ask_for_another_amount(db: Database, keyring: Keyring, paid: str) -> None:
    ask(db, keyring, paid, 3_000)
    with pytest.raises(Refused, match="form_used"):
        ask(db, keyring, paid, 2_000)


def test_more_than_is_left_is_refused_with_what_is_left(db: Database, keyring: Keyring, paid: str) -> None:
    ask(db, keyring, paid, 3_000)
    with pytest.raises(Refused, match="more_than_available") as refusal:
        ask(db, keyring, paid, 7_001, key="k2")
    assert refusal.value.facts == {"available": 7_000}


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_than_nothing_cannot_be_refunded(
    db: Database, keyring: Keyring, paid: str, amount: int
) -> None:
    with pytest.raises(InvalidAmount, match="zero"):
        ask(db, keyring, paid, amount)


def test_an_unpaid_order_cannot_be_refunded(db: Database, keyring: Keyring) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=500, now=NOW)
    with pytest.raises(NotAllowedNow, match="not_paid"):
        ask(db, keyring, number, 500)


def test_after_a_year_it_is_too_late(db: Database, keyring: Keyring, paid: str) -> None:
    with pytest.raises(Refused, match="too_old"):
        ask(db, keyring, paid, 1, after=timedelta(days=366))


def test_the_fifty_first_part_is_refused_but_what_came_to_nothing_is_no_part(
    db: Database, keyring: Keyring, paid: str
) -> None:
    tell(db, ask(db, keyring, paid, 1, key="nothing").refund_no, RefundState.CLOSED)
    for number in range(50):
        ask(db, keyring, paid, 1, key=f"part-{number}")
    with pytest.raises(Refused, match="too_many_parts"):
        ask(db, keyring, paid, 1, key="one too many")


def test_a_restricted_merchant_cannot_refund(db: Database, keyring: Keyring, paid: str) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.add(
            Restriction(
                merchant_id=SHOP,
                restriction_id=1,
                function="refund",
                reason="银行卡要核对",
                way_out="请联系客服核对银行卡",
                since=NOW,
                lift_reason="",
            )
        )
    with pytest.raises(NotAllowedNow, match="restricted"):
        ask(db, keyring, paid, 1)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"amount": 2_999}, "wrong_amount"),
        ({"sub_merchant_no": "WX1"}, "wrong_merchant"),
    ],
)
def test_an_answer_that_does_not_fit_is_not_booked(
    db: Database, keyring: Keyring, paid: str, more: dict[str, object], reason: str
) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    with pytest.raises(NotAllowedNow, match=reason):
        tell(db, number, RefundState.SUCCESS, **more)
    assert look(db, paid, number)[1].state == "requested"


def test_an_answer_about_a_number_we_never_gave_out_is_refused(db: Database) -> None:
    with pytest.raises(NotAllowedNow, match="unknown_refund"):
        tell(db, "RNOBODY", RefundState.SUCCESS)


def test_every_step_is_told_in_the_feed(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    tell(db, number, RefundState.PROCESSING)
    tell(db, number, RefundState.SUCCESS)
    with db.transaction(merchant=SHOP) as session:
        told = feed.about(session, SHOP, [number])
    assert [happening.kind for happening in told] == ["refund.requested", "refund.processing", "refund.success"]
    assert {(happening.facts["payment"], happening.facts["amount"]) for happening in told} == {(paid, 3_000)}


def patiently(act: Callable[[], Answer]) -> Answer:
    """Who waited too long for a lock, as happens on a busy machine, asks again; nothing of his first try is there."""
    for _ in range(9):
        try:
            return act()
        except (OperationalError, TimeoutError):
            continue
    return act()


def test_forty_refunds_at_once_never_give_back_more_than_was_paid(
    database: TestDatabase, db: Database, keyring: Keyring, paid: str
) -> None:
    """¥30 each of ¥100.00: three pass, whichever; ¥90 are set aside."""
    everybody = threading.Barrier(40)
    many = Database(database.app, pool_size=40)

    def one(number: int) -> str:
        everybody.wait()
        try:
            patiently(lambda: ask(many, keyring, paid, 3_000, key=f"at-once-{number}"))
        except Refused as refusal:
            return refusal.reason
        return "passed"

    try:
        with ThreadPoolExecutor(40) as pool:
            ends = Counter(pool.map(one, range(40)))
    finally:
        many.close()
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
        written = session.scalar(sa.select(sa.func.sum(Refund.amount)).where(Refund.merchant_id == SHOP))
        in_flight = ledger.balances(session, SHOP)["refund_in_flight:wechat"].net
    assert row is not None
    assert ends == {"passed": 3, "more_than_available": 37}
    assert (row.refund_reserved, written, in_flight) == (9_000, 9_000, -9_000)


def test_twenty_taps_at_once_are_one_refund(database: TestDatabase, db: Database, keyring: Keyring, paid: str) -> None:
    everybody = threading.Barrier(20)
    many = Database(database.app, pool_size=20)

    def tap(_number: int) -> operations.Asked:
        everybody.wait()
        return patiently(lambda: ask(many, keyring, paid, 3_000))

    try:
        with ThreadPoolExecutor(20) as pool:
            asked = list(pool.map(tap, range(20)))
    finally:
        many.close()
    assert len({one.refund_no for one in asked}) == 1
    assert [one.fresh for one in asked].count(True) == 1


def test_an_arrival_told_by_twenty_at_once_is_booked_once(
    database: TestDatabase, db: Database, keyring: Keyring, paid: str
) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    many = Database(database.app, pool_size=20)
    try:
        with ThreadPoolExecutor(20) as pool:
            changed = list(pool.map(lambda _: patiently(lambda: tell(many, number, RefundState.SUCCESS)), range(20)))
    finally:
        many.close()
    assert changed.count(True) == 1
    assert look(db, paid, number)[0].refunded == 3_000


def test_the_database_itself_refuses_to_give_back_more_than_was_paid(db: Database, keyring: Keyring, paid: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="never_over_refunded"), db.transaction(merchant=SHOP) as session:
        session.execute(
            sa.update(Payment)
            .where(Payment.merchant_id == SHOP, Payment.payment_no == paid)
            .values(refunded=9_000, refund_reserved=1_001)
        )


def test_cached_balances_stay_the_sum_of_their_transfers(
    db: Database, staff_db: Database, keyring: Keyring, paid: str
) -> None:
    tell(db, ask(db, keyring, paid, 3_000, key="a").refund_no, RefundState.SUCCESS)
    tell(db, ask(db, keyring, paid, 4_000, key="b").refund_no, RefundState.CLOSED)
    tell(db, ask(db, keyring, paid, 7_000, key="c").refund_no, RefundState.SUCCESS)
    with staff_db.transaction() as session:
        assert ledger.accounts_that_disagree(session) == []


def test_another_shop_sees_no_refund(db: Database, keyring: Keyring, paid: str) -> None:
    number = ask(db, keyring, paid, 3_000).refund_no
    for scope in (590271846, None):
        with db.transaction(merchant=scope) as session:
            assert queries.refund(session, SHOP, number) is None
            assert queries.newest(session, SHOP, most=9) == []
