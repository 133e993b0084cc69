"""Facts about money: how each begins, which process dies over it, and what goes on afterwards by itself."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.wallets.port import Acquirer, RefundState
from tests.failpoints import acts
from tests.machine.model import Ordered
from tests.machine.stories import summary
from tests.machine.telling import Message
from tests.machine.wallet import Mood
from tests.machine.world import World

PATHS = {Acquirer.WECHAT: "/notify/wechat", Acquirer.JDPAY: "/notify/jdpay"}


@dataclass(frozen=True)
class Fact:
    """One fact in the making. `after` is what others do once the process is gone: they know nothing of its death."""

    act: str
    arguments: dict[str, Any]
    after: Callable[[], object]


Begin = Callable[[World], Fact]


def _told(world: World, message: Message, *more: Callable[[], object]) -> Fact:
    """A notice that nobody answered is sent again."""
    arguments = {
        "path": PATHS[message.acquirer],
        "body": base64.b64encode(message.body).decode(),
        "headers": dict(world.teller.headers(message)),
    }

    def after() -> None:
        assert world.deliver(message) in (200, 204)
        world.settle(rounds=4)
        for step in more:
            step()

    return Fact("notice", arguments, after)


def _paid(world: World, acquirer: Acquirer, *, ordered: int = 1000, amount: int = 1000) -> Fact:
    order = world.place(acquirer, ordered)
    paid = world.take_money(acquirer, order.number, amount)
    # What the dead process heard in answer to a question, the model has not heard.
    return _told(world, world.teller.paid(paid, telling=1), lambda: world.model.hear(paid, sure=True, last=True))


def wechat_tells_of_a_payment(world: World) -> Fact:
    return _paid(world, Acquirer.WECHAT)


def jd_tells_of_a_payment(world: World) -> Fact:
    return _paid(world, Acquirer.JDPAY)


def wechat_tells_of_another_sum(world: World) -> Fact:
    return _paid(world, Acquirer.WECHAT, amount=999)


def wechat_tells_of_a_static_code(world: World) -> Fact:
    paid = world.take_money(Acquirer.WECHAT, "1000202611220000000000000001", 1000, trade_type="NATIVE")
    return _told(world, world.teller.paid(paid, telling=1))


def a_payer_orders(world: World) -> Fact:
    arguments: dict[str, Any] = {"merchant_id": world.merchant_id, "amount": 1000, "form_key": "form"}

    def after() -> None:
        """He taps again, and pays; the wallet's notice is lost, the worker asks."""
        number = acts.order(world, **arguments)
        world.model.orders[number] = Ordered(number, 1000, f"WX{world.merchant_id}")
        world.take_money(Acquirer.WECHAT, number, 1000)
        world.settle(rounds=4)

    return Fact("order", arguments, after)


def _sold(world: World, acquirer: Acquirer = Acquirer.WECHAT, amount: int = 1000) -> str:
    order = world.place(acquirer, amount)
    assert world.deliver(world.teller.paid(world.take_money(acquirer, order.number, amount), telling=1)) in (200, 204)
    return order.number


def _asked(world: World, number: str, amount: int = 400, *, role: str = "owner") -> dict[str, Any]:
    who = {"merchant_id": world.merchant_id, "payment_no": number, "role": role}
    return {**who, "amount": amount, "form_key": "form"}


def _comes_back(world: World) -> None:
    """The worker goes on; the wallet pays back what it has taken; nobody is told, the worker asks."""
    world.settle(rounds=2)
    for wallet, number in world.under_way():
        wallet.move(number, RefundState.SUCCESS)
    world.settle(rounds=3)


def the_owner_refunds(world: World) -> Fact:
    number = _sold(world)

    def after() -> None:
        """The worker goes on with what was written; then the owner taps once more."""
        _comes_back(world)
        world.refund(number, 400, "form")
        _comes_back(world)

    return Fact("refund", _asked(world, number), after)


def the_owner_refunds_and_the_wallet_is_silent(world: World) -> Fact:
    """The wallet takes it, and its answer is lost."""
    fact = the_owner_refunds(world)
    world.mood(Mood.SILENT)

    def after() -> None:
        world.mood(Mood.TRUTH)
        fact.after()

    return Fact(fact.act, fact.arguments, after)


def the_owner_agrees(world: World) -> Fact:
    number = _sold(world, amount=99_999)
    back = world.refund(number, 30_000, "form", role="clerk")
    arguments = {"merchant_id": world.merchant_id, "refund_no": back}

    def after() -> None:
        _comes_back(world)
        acts.approve(world, **arguments)
        _comes_back(world)

    return Fact("approve", arguments, after)


def _refunding(world: World, mood: Mood) -> str:
    world.mood(mood)
    back = world.refund(_sold(world), 400, "form")
    world.mood(Mood.TRUTH)
    return back


def wechat_tells_of_a_refund(world: World) -> Fact:
    return _wechat_tells(world, RefundState.SUCCESS)


def wechat_tells_of_a_refund_that_came_to_nothing(world: World) -> Fact:
    return _wechat_tells(world, RefundState.CLOSED)


def _wechat_tells(world: World, state: RefundState) -> Fact:
    back = _refunding(world, Mood.TRUTH)
    wallet = world.wallets[Acquirer.WECHAT]
    wallet.move(back, state)
    return _told(world, world.teller.refunded(wallet.refunds[back], state, telling=1))


def jd_tells_of_a_refund(world: World) -> Fact:
    number = _sold(world, Acquirer.JDPAY)
    back = world.refund(number, 400, "form")
    wallet = world.wallets[Acquirer.JDPAY]
    wallet.move(back, RefundState.SUCCESS)
    return _told(world, world.teller.refunded(wallet.refunds[back], RefundState.SUCCESS, telling=1))


def _job(world: World, task: str, *more: Callable[[], object]) -> Fact:
    """A job whose worker died is queued again."""
    job = next(one for one in world.jobs() if one[1] == task)

    def after() -> None:
        world.work(job)
        world.settle(rounds=3)
        for step in more:
            step()

    return Fact("job", {"task": task, "arguments": job[2]}, after)


def the_worker_asks_about_an_order(world: World) -> Fact:
    order = world.place(Acquirer.WECHAT, 1000)
    paid = world.take_money(Acquirer.WECHAT, order.number, 1000)
    return _job(world, "payments.ask", lambda: world.model.hear(paid, sure=True, last=True))


def the_worker_sends_a_refund_again(world: World) -> Fact:
    _refunding(world, Mood.LOST)
    return _job(world, "refunds.chase", lambda: _comes_back(world))


def the_worker_asks_about_a_refund(world: World) -> Fact:
    back = _refunding(world, Mood.SILENT)
    world.wallets[Acquirer.WECHAT].move(back, RefundState.SUCCESS)
    return _job(world, "refunds.chase")


def the_worker_asks_about_a_notice(world: World) -> Fact:
    order = world.place(Acquirer.JDPAY, 1000)
    paid = world.take_money(Acquirer.JDPAY, order.number, 1000)
    world.mood(Mood.SILENT)
    assert world.deliver(world.teller.paid(paid, telling=1)) == 200
    world.mood(Mood.TRUTH)
    return _job(world, "notices.settle", lambda: world.model.hear(paid, sure=True, last=True))


def an_order_was_paid_twice(world: World) -> Fact:
    """The relay carries the word; the second payment goes back whole, once."""
    number = _sold(world)
    second = world.take_money(Acquirer.WECHAT, number, 1000)
    assert world.deliver(world.teller.paid(second, telling=2)) == 204
    return Fact("relay", {}, lambda: _comes_back(world))


FACTS: list[Begin] = [
    wechat_tells_of_a_payment,
    jd_tells_of_a_payment,
    wechat_tells_of_another_sum,
    wechat_tells_of_a_static_code,
    a_payer_orders,
    the_owner_refunds,
    the_owner_refunds_and_the_wallet_is_silent,
    the_owner_agrees,
    wechat_tells_of_a_refund,
    wechat_tells_of_a_refund_that_came_to_nothing,
    jd_tells_of_a_refund,
    the_worker_asks_about_an_order,
    the_worker_sends_a_refund_again,
    the_worker_asks_about_a_refund,
    the_worker_asks_about_a_notice,
    an_order_was_paid_twice,
]


def end_of(world: World, fact: Fact) -> dict[str, Any]:
    """What the books say once everybody has gone on; every invariant is checked on the way."""
    fact.after()
    given = {
        number: (back.amount, str(wallet.states[number][-1]))
        for wallet in world.wallets.values()
        for number, back in wallet.refunds.items()
    }
    return {**summary(world), "given_back": sorted(given.values())}
