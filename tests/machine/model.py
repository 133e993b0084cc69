"""What the books must say, worked out a second time: some thirty lines that know no database."""

from dataclasses import dataclass, field

from tests.machine.telling import Transaction

CURRENCY = "CNY"


@dataclass(frozen=True)
class Ordered:
    """An order of ours."""

    number: str
    amount: int
    sub_merchant_no: str


@dataclass
class Model:
    """Which transaction pays which order, and which money lies aside.

    `unwritten` are numbers of this merchant whose order was never written, `foreign` those of other merchants.
    """

    orders: dict[str, Ordered] = field(default_factory=dict)
    unwritten: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    paid: dict[str, str] = field(default_factory=dict)
    born: dict[str, int] = field(default_factory=dict)
    aside: dict[str, int] = field(default_factory=dict)
    heard: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, told: Transaction, *, sure: bool, last: bool) -> None:
        """A wallet's word. `sure`: it was asked, so this sum is what was paid; `last`: nobody waits for the order."""
        if told.order_no in self.foreign:
            self._put_aside(told)
        elif told.order_no in self.unwritten:
            if last:
                self._put_aside(told)
        elif told.order_no not in self.orders:
            self._born(told)
        elif not self._elsewhere(told):
            self._pay(self.orders[told.order_no], told, sure)

    def money_in(self) -> int:
        """All that the wallets owe, in fen, before refunds and fees."""
        return sum(self.orders[number].amount for number in self.paid) + sum(self.born.values()) + self.put_aside()

    def put_aside(self) -> int:
        """Money that fits nothing, in fen."""
        return sum(self.aside.values())

    def _pay(self, order: Ordered, told: Transaction, sure: bool) -> None:
        if order.number in self.paid:
            if self.paid[order.number] != told.number:
                self._put_aside(told)
        elif told.currency == CURRENCY and told.amount == order.amount:
            self.paid[order.number] = told.number
        elif sure:
            self._put_aside(told)

    def _born(self, told: Transaction) -> None:
        if not self._elsewhere(told):
            self.born.setdefault(told.number, told.amount)

    def _elsewhere(self, told: Transaction) -> bool:
        """One transaction pays one order."""
        return told.number in self.born or any(
            number == told.number and order != told.order_no for order, number in self.paid.items()
        )

    def _put_aside(self, told: Transaction) -> None:
        """The ledger knows fen alone: foreign money leaves an event and no posting."""
        if told.currency == CURRENCY:
            self.aside.setdefault(told.number, told.amount)
