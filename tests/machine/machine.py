"""What may happen, in any order and any number of times. Hypothesis chooses; after every step everything is checked."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from portal.wallets.port import Acquirer, RefundState
from tests.machine.model import Ordered
from tests.machine.telling import Message, Transaction
from tests.machine.wallet import NEXT, Mood
from tests.machine.world import World

# Few sums, so that parts often add up to exactly the whole, or to one fen more.
AMOUNTS = st.sampled_from([1000, 300, 1, 99_999])
PARTS = ("third", "rest", "fen", "over")
ACQUIRERS = st.sampled_from(list(Acquirer))
# A payment can be asked about in these ways; a refund can go wrong in all of them.
ASKING = st.sampled_from([Mood.TRUTH, Mood.TRUTH, Mood.TRUTH, Mood.STALE, Mood.SILENT, Mood.AWAY, Mood.NO])
SENDING = st.sampled_from([Mood.TRUTH, Mood.TRUTH, Mood.AT_ONCE, Mood.SILENT, Mood.LOST, Mood.AWAY, Mood.NO])
ENDS = st.sampled_from([RefundState.SUCCESS, RefundState.CLOSED])


@dataclass(frozen=True)
class Asked:
    """A refund that was asked for, in fen."""

    payment_no: str
    amount: int
    form_key: str
    refund_no: str = ""


class Adversary(RuleBasedStateMachine):
    """One merchant, two wallets, and everything that they may do. A subclass says in which `world`."""

    world: World
    orders = Bundle("orders")
    taken = Bundle("taken")
    messages = Bundle("messages")
    refunds = Bundle("refunds")

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    @initialize(target=orders, amount=AMOUNTS)
    def begins(self, amount: int) -> MultipleResults[tuple[Ordered, Acquirer]]:
        """Another merchant, and an order at each wallet."""
        self.world.begin()
        return multiple(*((self.world.place(acquirer, amount), acquirer) for acquirer in Acquirer))

    # --- money comes in ----------------------------------------------------------------------------------------------

    @rule(target=orders, acquirer=ACQUIRERS, amount=AMOUNTS, mood=ASKING)
    def place(self, acquirer: Acquirer, amount: int, mood: Mood) -> tuple[Ordered, Acquirer]:
        self.world.mood(mood)
        return self.world.place(acquirer, amount), acquirer

    @rule(target=taken, order=orders, less=st.sampled_from([0, 0, 0, 1, -1]))
    def pay(self, order: tuple[Ordered, Acquirer], less: int) -> Transaction | MultipleResults[Transaction]:
        """A payer pays: perhaps for the second time, perhaps what was closed long ago, perhaps another sum."""
        placed, acquirer = order
        paid_before = any(one.order_no == placed.number for one in self.world.wallets[acquirer].transactions)
        if placed.amount <= less or (acquirer is Acquirer.JDPAY and paid_before):
            # JD answers a question about an order with one payment: a second one stands in its bill alone.
            return multiple()
        return self.world.take_money(acquirer, placed.number, placed.amount - less)

    @rule(target=taken, acquirer=ACQUIRERS, amount=AMOUNTS)
    def sell(self, acquirer: Acquirer, amount: int) -> Transaction:
        """As it goes nearly always: ordered, paid, told."""
        self.world.mood(Mood.TRUTH)
        paid = self.world.take_money(acquirer, self.world.place(acquirer, amount).number, amount)
        self.deliver_in(self.tell_of(paid), Mood.TRUTH)
        return paid

    @rule(target=taken, order=orders)
    def pay_in_dollars(self, order: tuple[Ordered, Acquirer]) -> Transaction | MultipleResults[Transaction]:
        placed, acquirer = order
        if acquirer is Acquirer.JDPAY:
            return multiple()
        return self.world.take_money(acquirer, placed.number, placed.amount, currency="USD")

    @rule(target=taken, amount=AMOUNTS)
    def pay_a_static_code(self, amount: int) -> Transaction:
        self.numbers += 1
        return self.world.take_money(Acquirer.WECHAT, f"1000{self.numbers:024d}", amount, trade_type="NATIVE")

    @rule(target=taken, acquirer=ACQUIRERS, amount=AMOUNTS, whose=st.sampled_from(["nobody", "other"]))
    def pay_what_nobody_ordered(self, acquirer: Acquirer, amount: int, whose: str) -> Transaction:
        world = self.world
        number = world.unwritten_number() if whose == "nobody" else world.others_number()
        return world.take_money(acquirer, number, amount)

    # --- wallets tell ------------------------------------------------------------------------------------------------

    @rule(target=messages, paid=taken, mood=st.none() | ASKING)
    def tell(self, paid: Transaction, mood: Mood | None) -> Message:
        """Another notice of the same; with a mood, it is delivered at once."""
        message = self.tell_of(paid)
        if mood is not None:
            self.deliver_in(message, mood)
        return message

    @rule(target=messages, paid=taken, more=st.sampled_from([-1, 1, 7]))
    def tell_a_wrong_sum(self, paid: Transaction, more: int) -> Message | MultipleResults[Message]:
        """A right signature under a sum that was never paid, and that fits nothing."""
        order, said = self.world.model.orders.get(paid.order_no), paid.amount + more
        if order is None or paid.acquirer is Acquirer.JDPAY or said <= 0 or said == order.amount:
            return multiple()
        self.numbers += 1
        return replace(self.world.teller.paid(replace(paid, amount=said), telling=self.numbers), lie=True)

    @rule(message=messages, mood=ASKING)
    def deliver(self, message: Message, mood: Mood) -> None:
        """Now, again, or long after."""
        self.deliver_in(message, mood)

    @rule(message=messages)
    def deliver_spoilt(self, message: Message) -> None:
        """Bytes that nobody signed change nothing at all."""
        before = self.world.look()
        assert self.world.deliver(message, spoilt=True) in (400, 401)
        assert self.world.look() == before

    # --- money goes back ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.model.paid or self.world.model.born)
    @rule(target=refunds, which=st.integers(0, 9), part=st.sampled_from(PARTS), mood=SENDING)
    def refund(self, which: int, part: str, mood: Mood) -> Asked | MultipleResults[Asked]:
        receipts = self.world.look().receipts()
        numbers = sorted(receipts, key=lambda one: receipts[one]["day_number"])
        row = receipts[numbers[which % len(numbers)]]
        rest = row["amount"] - row["refunded"] - row["refund_reserved"]
        amount = {"fen": 1, "third": max(rest // 3, 1), "rest": rest, "over": rest + 1}[part]
        if not amount:
            return multiple()
        self.numbers += 1
        asked = Asked(row["payment_no"], amount, f"form-{self.numbers}")
        self.world.mood(mood)
        said = self.world.refund(asked.payment_no, amount, asked.form_key)
        if amount > rest:
            assert said == "more_than_available"
            return multiple()
        assert said.startswith("R"), said
        return replace(asked, refund_no=said)

    @rule(asked=refunds, more=st.sampled_from([0, 1]))
    def ask_with_the_same_form(self, asked: Asked, more: int) -> None:
        self.world.mood(Mood.TRUTH)
        said = self.world.refund(asked.payment_no, asked.amount + more, asked.form_key)
        assert said == ("form_used" if more else asked.refund_no)

    @precondition(lambda self: self.world.under_way())
    @rule(target=messages, which=st.integers(0, 9), then=st.integers(0, 2))
    def the_wallet_goes_on(self, which: int, then: int) -> Message:
        """A refund arrives, gets stuck or comes to nothing, and a notice tells of it."""
        under_way = self.world.under_way()
        wallet, number = under_way[which % len(under_way)]
        # JD has no word for a refund that got stuck.
        possible = [
            state
            for state in NEXT[wallet.states[number][-1]]
            if wallet.acquirer is Acquirer.WECHAT or state is not RefundState.ABNORMAL
        ]
        wallet.move(number, possible[then % len(possible)])
        self.numbers += 1
        return self.world.teller.refunded(wallet.refunds[number], wallet.states[number][-1], telling=self.numbers)

    @precondition(lambda self: self.world.wallets[Acquirer.WECHAT].refunds)
    @rule(target=messages, which=st.integers(0, 9), state=ENDS, known=st.booleans())
    def tell_of_a_strange_refund(self, which: int, state: RefundState, known: bool) -> Message:
        """One of ours with another sum, or one that we never asked for."""
        backs = list(self.world.wallets[Acquirer.WECHAT].refunds.values())
        back = backs[which % len(backs)]
        self.numbers += 1
        strange = replace(back, amount=back.amount + 1) if known else replace(back, refund_no="R" + "0" * 30)
        return self.world.teller.refunded(strange, state, telling=self.numbers)

    # --- the worker, and time ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.jobs())
    @rule(which=st.integers(0, 9), mood=st.one_of(ASKING, SENDING), twice=st.booleans())
    def work(self, which: int, mood: Mood, twice: bool) -> None:
        """Any job that is queued, at any time."""
        queued = self.world.jobs()
        self.world.mood(mood)
        self.world.work(queued[which % len(queued)], twice=twice)

    @precondition(lambda self: self.world.before is not None and len(self.world.before.events) > self.world.carried)
    @rule()
    def relay(self) -> None:
        self.world.carry()

    @precondition(lambda self: self.world.jobs())
    @rule(minutes=st.sampled_from([1, 31, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        if self.world.merchant_id:
            self.world.check()

    def teardown(self) -> None:
        """The wallets are well again: every word comes through, and everything comes to its end."""
        if self.world.merchant_id:
            self.world.heal()

    def tell_of(self, paid: Transaction) -> Message:
        """A notice with a number of its own."""
        self.numbers += 1
        return self.world.teller.paid(paid, telling=self.numbers)

    def deliver_in(self, message: Message, mood: Mood) -> None:
        """One delivery, while the wallet answers in this mood."""
        paid = message.payment
        if message.lie and paid is not None and self.world.model.paid.get(paid.order_no, paid.number) != paid.number:
            # Of a second payment nobody knows what it should have been: there a signed word is all there is.
            return
        self.world.mood(mood)
        assert self.world.deliver(message) in (200, 204)
