"""A seed is one plan and no other; its faults and refunds are what the run says they are."""

from tests.chaos.plan import PLATES, Asking, plan_of


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan_of(7, payments=300, faults=40) == plan_of(7, payments=300, faults=40)


def test_another_seed_is_another_plan() -> None:
    assert plan_of(7, payments=300, faults=40).digest != plan_of(8, payments=300, faults=40).digest


def test_every_fault_has_its_place_in_the_run() -> None:
    plan = plan_of(3, payments=500, faults=60)
    assert len(plan.faults) + sum(bool(buy.notice) for buy in plan.buys) == 60
    places = [fault.after for fault in plan.faults]
    assert places == sorted(places)
    assert 0 < places[0] <= places[-1] < 500


def test_only_orders_that_can_be_asked_about_lose_their_notice() -> None:
    plan = plan_of(4, payments=500, faults=80)
    assert {buy.way for buy in plan.buys if buy.notice} <= set(PLATES)


def test_refunds_fit_their_payment_unless_they_are_rivals() -> None:
    for buy in plan_of(5, payments=2000, faults=0).buys:
        fits = sum(buy.refunds) <= buy.amount
        assert fits == (buy.asking is not Asking.RIVALS)
        assert all(0 < fen <= buy.amount for fen in buy.refunds)
