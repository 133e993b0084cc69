"""Money put aside is asked about, proposed by one and agreed to by another; then it moves by new transfers, once."""

from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa

from portal.audit.models import AuditEntry
from portal.merchants import operations as merchants
from portal.merchants.rules import Function
from portal.notices import flows
from portal.notices.flows import Decision
from portal.payments import operations as payments
from portal.payments import queries as payment_queries
from portal.payments.operations import Outcome
from portal.plumbing.work import Tools
from portal.refunds import queries as refunds
from portal.suspense import operations
from portal.suspense.queries import CaseRow
from portal.suspense.rules import Fact, Way
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletRefused, WalletUnavailable
from portal.wallets.port import Acquirer, PaymentState
from tests.conftest import TestDatabase
from tests.portal.suspense.conftest import AT, ONE, SHOP, TWO, Aside

# 19.80 yuan at 0.38 %: 7.524 fen.
FEE = 8
RELEASED = {"clearing:wechat": 1980 - FEE, "fee:wechat": FEE, "merchant_payable": -1980}
ASIDE = {"clearing:wechat": 1980, "suspense": -1980}


def ask(aside: Aside, row: CaseRow) -> CaseRow:
    return flows.ask_about_case(aside.parties, merchant_id=SHOP, case_id=row.case_id, now=AT)


def propose(aside: Aside, row: CaseRow, way: Way, *, target: str | None = None, actor: object = ONE) -> str:
    decision = Decision(way, target, "和商户、账单核对过")
    return flows.propose_case(
        aside.parties, merchant_id=SHOP, case_id=row.case_id, decision=decision, actor=actor, now=AT
    )


def approve(aside: Aside, row: CaseRow, shown: str, *, actor: object = TWO) -> CaseRow:
    flows.approve_case(aside.parties, merchant_id=SHOP, case_id=row.case_id, shown=shown, actor=actor, now=AT)
    return aside.newest()


def resolve(aside: Aside, row: CaseRow, way: Way, *, target: str | None = None) -> CaseRow:
    ask(aside, row)
    return approve(aside, row, propose(aside, row, way, target=target))


def refused(reason: str, act: Callable[[], object]) -> None:
    with pytest.raises(NotAllowedNow) as refusal:
        act()
    assert refusal.value.reason == reason


def test_released_money_is_a_receipt_of_its_own_and_leaves_suspense(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    row = confirmed()
    assert aside.nets() == ASIDE
    over = resolve(aside, row, Way.RELEASE)
    assert aside.nets() == RELEASED
    with aside.staff_db.transaction() as session:
        paid = payment_queries.payment(session, SHOP, over.payment_no or "")
    assert paid is not None
    assert (paid.amount, paid.source, paid.transaction_no, paid.acquirers_number, paid.code_id) == (
        1980,
        "suspense",
        "T1",
        row.order_no,
        1,
    )
    assert (over.state, over.proposed_name, over.approved_name) == ("released", "许航", "周宁")


def test_it_is_released_under_the_order_it_fits(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    wanted = aside.order(amount=1980)
    over = resolve(aside, confirmed(), Way.RELEASE, target=wanted)
    assert over.payment_no == wanted
    assert aside.nets() == RELEASED


def test_an_order_that_came_after_its_money_is_simply_paid(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    number = aside.order(amount=1980)
    over = resolve(aside, confirmed(number, reason="unknown_order"), Way.RELEASE)
    assert over.payment_no == number


@pytest.mark.parametrize("target", ["Y00000000000000000000000000000", "of another amount"])
def test_an_order_that_does_not_fit_takes_nothing(aside: Aside, confirmed: Callable[..., CaseRow], target: str) -> None:
    row = confirmed()
    wanted = aside.order(amount=1981) if target == "of another amount" else target
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE, target=wanted)
    refused("target_does_not_fit", lambda: approve(aside, row, shown))
    assert (aside.nets(), aside.newest().state) == (ASIDE, "proposed")


def test_money_given_back_is_refunded_in_full_once_however_often_the_job_runs(
    aside: Aside, confirmed: Callable[..., CaseRow], tools: Tools, database: TestDatabase
) -> None:
    over = resolve(aside, confirmed(), Way.GIVE_BACK)
    with psycopg.connect(database.staff) as connection:
        queued = connection.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'suspense.give_back'"
        ).fetchall()
    assert queued == [({"merchant_id": SHOP, "case_id": over.case_id},)]
    for _ in range(2):
        flows.give_back(tools, **queued[0][0])
    with aside.staff_db.transaction() as session:
        given = refunds.of_payment(session, SHOP, over.payment_no or "")
    assert [(one.amount, one.state) for one in given] == [(1980, "processing")]
    asked = [question for method, question in aside.wallets[Acquirer.WECHAT].asked if method == "refund"]
    assert [(sent.transaction_id, sent.amount, sent.order_no) for sent in asked] == [("T1", 1980, over.order_no)]
    assert aside.nets()["refund_in_flight:wechat"] == -1980
    assert "suspense" not in aside.nets()


def test_the_job_leaves_alone_what_nobody_agreed_to_give_back(
    aside: Aside, confirmed: Callable[..., CaseRow], tools: Tools
) -> None:
    row = confirmed()
    flows.give_back(tools, merchant_id=SHOP, case_id=row.case_id)
    flows.give_back(tools, merchant_id=SHOP, case_id=row.case_id + 7)
    resolve(aside, row, Way.RELEASE)
    flows.give_back(tools, merchant_id=SHOP, case_id=row.case_id)
    assert aside.nets() == RELEASED


@pytest.mark.parametrize("said", ["unpaid", "another transaction", "refused"])
def test_what_the_wallet_does_not_stand_by_is_ignored_and_never_released(aside: Aside, said: str) -> None:
    number = aside.order()
    row = aside.put(aside.answer(number))
    unpaid = aside.answer(number, state=PaymentState.UNPAID, transaction_id=None, amount=None)
    answers = {"another transaction": aside.answer(number, transaction_id="T2"), "refused": WalletRefused("NO_ORDER")}
    aside.says(answers.get(said, unpaid))
    ask(aside, row)
    for way in (Way.RELEASE, Way.GIVE_BACK):
        refused("not_confirmed", lambda way=way: propose(aside, row, way))
    over = approve(aside, row, propose(aside, row, Way.IGNORE))
    assert (over.state, aside.nets()) == ("ignored", {})


def test_real_money_is_never_ignored(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    refused("ask_first", lambda: propose(aside, row, Way.IGNORE))
    ask(aside, row)
    refused("money_is_there", lambda: propose(aside, row, Way.IGNORE))


def test_nothing_is_proposed_before_the_wallet_was_asked(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    refused("ask_first", lambda: propose(aside, row, Way.RELEASE))


def test_foreign_money_is_no_fen_and_can_only_be_ignored(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed(reason="wrong_currency", currency="USD")
    assert (row.kept, aside.nets()) == (False, {})
    ask(aside, row)
    refused("foreign_money", lambda: propose(aside, row, Way.RELEASE))
    over = approve(aside, row, propose(aside, row, Way.IGNORE))
    assert (over.state, aside.nets()) == ("ignored", {})


def test_money_that_the_wallet_now_calls_foreign_is_not_booked_as_fen(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    row = confirmed()
    aside.says(aside.answer(row.order_no, currency="USD"))
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    refused("foreign_money", lambda: approve(aside, row, shown))


def test_money_on_a_contract_the_shop_does_not_have_is_not_released(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    row = confirmed(reason="wrong_merchant", sub_merchant_no="WX-OLD")
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    refused("other_contract", lambda: approve(aside, row, shown))


def test_one_person_alone_moves_nothing(
    aside: Aside, confirmed: Callable[..., CaseRow], database: TestDatabase
) -> None:
    row = confirmed()
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    refused("own_proposal", lambda: approve(aside, row, shown, actor=ONE))
    assert aside.nets() == ASIDE
    with (
        psycopg.connect(database.staff) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="four_eyes"),
    ):
        connection.execute("UPDATE suspense_cases SET approved_by = proposed_by")


def test_what_serves_merchants_cannot_decide_a_case(confirmed: Callable[..., CaseRow], database: TestDatabase) -> None:
    confirmed()
    for column in ("way", "why", "proposed_by", "approved_by", "fingerprint", "said", "amount"):
        with (
            psycopg.connect(database.app) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"UPDATE suspense_cases SET {column} = DEFAULT")  # noqa: S608 - our own names


def test_what_runs_is_what_was_shown(aside: Aside, confirmed: Callable[..., CaseRow], database: TestDatabase) -> None:
    row = confirmed()
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    refused("changed_meanwhile", lambda: approve(aside, row, "0" * 64))
    with psycopg.connect(database.staff) as connection:
        connection.execute("UPDATE suspense_cases SET way = 'give_back'")
    refused("changed_meanwhile", lambda: approve(aside, row, shown))
    assert aside.nets() == ASIDE


def test_a_proposal_may_be_sent_back_and_another_made(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    ask(aside, row)
    shown = propose(aside, row, Way.GIVE_BACK)
    refused("case_is_over", lambda: propose(aside, row, Way.RELEASE))
    named = {"merchant_id": SHOP, "case_id": row.case_id, "actor": TWO, "now": AT}
    refused("case_is_over", lambda: flows.decline_case(aside.parties, shown="0" * 64, **named))
    flows.decline_case(aside.parties, shown=shown, **named)
    refused("case_is_over", lambda: approve(aside, row, shown))
    assert approve(aside, row, propose(aside, row, Way.RELEASE, actor=TWO), actor=ONE).state == "released"


def test_a_case_that_is_over_is_not_decided_nor_asked_about_again(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    row = confirmed()
    over = resolve(aside, row, Way.RELEASE)
    refused("case_is_over", lambda: ask(aside, row))
    refused("case_is_over", lambda: propose(aside, row, Way.RELEASE))
    refused("case_is_over", lambda: approve(aside, row, over.fingerprint))
    refused("unknown_case", lambda: flows.ask_about_case(aside.parties, merchant_id=SHOP, case_id=999, now=AT))
    with aside.staff_db.transaction() as session:
        refused("unknown_case", lambda: operations.locked(session, SHOP, 999))
    assert aside.nets() == RELEASED


def test_every_step_stands_in_the_chain_of_acts(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    over = resolve(aside, confirmed(), Way.RELEASE)
    with aside.staff_db.transaction() as session:
        acts = list(session.scalars(sa.select(AuditEntry).where(AuditEntry.action.like("suspense.%"))))
        found = [(one.action, one.actor_name, one.reason, one.facts["fingerprint"]) for one in acts]
    assert found == [
        ("suspense.proposed", "许航", "和商户、账单核对过", over.fingerprint),
        ("suspense.released", "周宁", "和商户、账单核对过", over.fingerprint),
    ]


def test_a_wallet_that_does_not_answer_changes_nothing(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    aside.says(WalletUnavailable("down"))
    with pytest.raises(WalletUnavailable):
        ask(aside, row)
    assert aside.newest().said is None


def test_money_without_an_orders_number_cannot_be_asked_about(aside: Aside) -> None:
    row = aside.put(aside.answer(None), "not_our_number")
    refused("nothing_to_ask", lambda: ask(aside, row))


def test_what_a_proposal_rests_on_does_not_change_under_it(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    aside.says(aside.answer(row.order_no, amount=5))
    ask(aside, row)
    assert approve(aside, row, shown).state == "released"
    assert aside.nets() == RELEASED


def test_a_shop_that_may_not_refund_gives_nothing_back(aside: Aside, confirmed: Callable[..., CaseRow]) -> None:
    row = confirmed()
    ask(aside, row)
    with aside.staff_db.transaction(merchant=SHOP) as session:
        merchants.restrict(
            session,
            merchant_id=SHOP,
            function=Function.REFUND,
            reason="退款异常，正在核实",
            way_out="联系客服说明情况",
            until=None,
            actor=TWO,
            now=AT,
        )
    refused("refund_restricted", lambda: propose(aside, row, Way.GIVE_BACK))


def test_a_wallet_that_knows_orders_alone_is_not_asked_to_give_one_of_two_payments_back(aside: Aside) -> None:
    number = aside.order(acquirer=Acquirer.JDPAY)
    jd = {"acquirer": Acquirer.JDPAY, "sub_merchant_no": f"JD{SHOP}"}
    with aside.db.transaction(merchant=SHOP) as session:
        first = aside.answer(number, amount=2000, **jd)
        payments.take(session, merchant_id=SHOP, answer=first, payer_blind=None, now=AT)
    second = aside.answer(number, amount=2000, transaction_id="T2", **jd)
    row = aside.put(second, "second_payment")
    aside.says(second, Acquirer.JDPAY)
    ask(aside, row)
    refused("by_hand", lambda: propose(aside, row, Way.GIVE_BACK))
    assert resolve(aside, row, Way.RELEASE).state == "released"


def test_a_payment_booked_meanwhile_ends_its_case_and_no_proposal_is_carried_out(
    aside: Aside, confirmed: Callable[..., CaseRow]
) -> None:
    row = confirmed()
    ask(aside, row)
    shown = propose(aside, row, Way.RELEASE)
    fitting = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        answer = aside.answer(fitting)
        assert payments.book(session, merchant_id=SHOP, answer=answer, payer_blind=None, now=AT) is Outcome.BOOKED
    assert (aside.newest().state, aside.newest().payment_no) == ("booked", fitting)
    refused("case_is_over", lambda: approve(aside, row, shown))
    assert aside.nets() == RELEASED


def test_money_that_was_ignored_and_comes_after_all_is_booked(aside: Aside) -> None:
    number = aside.order()
    row = aside.put(aside.answer(number))
    aside.says(WalletRefused("NO_ORDER"))
    ask(aside, row)
    approve(aside, row, propose(aside, row, Way.IGNORE))
    fitting = aside.order(amount=1980)
    with aside.db.transaction(merchant=SHOP) as session:
        payments.book(session, merchant_id=SHOP, answer=aside.answer(fitting), payer_blind=None, now=AT)
    assert (aside.newest().state, aside.nets()) == ("booked", RELEASED)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([Fact.GOES_BACK], "returning"),
        ([Fact.GOES_BACK, Fact.WENT_BACK], "returned"),
        ([Fact.GOES_BACK, Fact.STAYED], "open"),
        ([Fact.STAYED], "open"),
        ([Fact.WENT_BACK, Fact.GOES_BACK], "returned"),
    ],
)
def test_a_case_follows_the_refund_that_goes_back_by_itself(
    aside: Aside, confirmed: Callable[..., CaseRow], facts: list[Fact], state: str
) -> None:
    row = confirmed(reason="second_payment")
    with aside.staff_db.transaction() as session:
        for fact in facts:
            operations.follow(session, merchant_id=SHOP, acquirer=row.acquirer, transaction_no="T1", fact=fact, now=AT)
    assert aside.newest().state == state
