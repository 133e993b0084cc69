"""The same six events in any order, with a fault before any of them, come to the same end.

The short run takes orders in which any four events come in each of their 24 orders, and faults on the edges of those in
which any two do; `MACHINE=long` takes all 720, and a fault on every edge of each.
"""

from tests.machine.stories import Story, covering_orders, edges, every_order
from tests.machine.test_machine import LONG
from tests.machine.world import World

# 10.00 paid at 0.38 %, 4.00 of it given back with its part of the fee; in fen.
THE_END = {
    "payment": ("success", 1000, 400, 0, 2),
    "refunds": [("success", 400, True)],
    "nets": {"clearing:wechat": 598, "fee:wechat": 2, "merchant_payable": -600},
    "day": [(1, 1000, 400)],
    "told": {"payment.success": 1, "refund.requested": 1, "refund.success": 1},
    "queued": [],
}


def test_any_order_comes_to_the_same_end(world: World) -> None:
    orders = every_order() if LONG else covering_orders(4)
    different = {order: end for order in orders if (end := Story(world, order).told()) != THE_END}
    assert different == {}


def test_a_fault_on_any_edge_changes_nothing_in_the_end(world: World) -> None:
    faulty = edges(every_order() if LONG else covering_orders(2))
    ends = {(order, place, fault): Story(world, order, {place: fault}).told() for order, place, fault in faulty}
    assert {case: end for case, end in ends.items() if end != THE_END} == {}
