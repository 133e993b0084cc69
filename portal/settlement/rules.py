"""A merchant's day as one sheet: what the ledger's postings add up to, how a sheet is sealed, and how it stands.

A sheet keeps the day's postings in groups (its books) and the lines they give. All amounts are whole fen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from portal.ledger.rules import (
    MERCHANT_PAYABLE,
    REBATE_EXPENSE,
    REBATE_PAYABLE,
    SUSPENSE,
    clearing,
    fee,
    refund_in_flight,
)

ACQUIRERS = ("wechat", "jdpay")
WALLETS = ("wechat", "jdpay", "unknown")


@dataclass(frozen=True, order=True)
class Group:
    """Postings of one day that are alike: how many there are, and how much they move from `credit` to `debit`."""

    kind: str
    debit: str
    credit: str
    count: int
    amount: int

    @property
    def way(self) -> tuple[str, str, str]:
        """What makes postings alike."""
        return self.kind, self.debit, self.credit


@dataclass(frozen=True)
class Split:
    """A group, told apart by the payer's wallet. `discount` is what the payers paid less than the amount."""

    day: date
    group: Group
    wallet: str
    discount: int


@dataclass(frozen=True)
class Line:
    """What one acquirer took for the merchant out of one wallet. `refunds` and `fee` are positive where they cost.

    `held` is money the acquirer took that fits no order of ours; it is owed all the same. `other` are corrections that
    belong to none of these. `discount` is for information: wallets grant it, the merchant gets the whole amount.
    """

    acquirer: str
    wallet: str
    count: int = 0
    gross: int = 0
    refund_count: int = 0
    refunds: int = 0
    fee: int = 0
    held: int = 0
    other: int = 0
    discount: int = 0

    @property
    def owed(self) -> int:
        """What the acquirer owes the merchant for this."""
        return self.gross - self.refunds - self.fee + self.held + self.other


@dataclass(frozen=True)
class Rebate:
    """What the provider itself owes the merchant: earned through sharing pages, and taken back by refunds."""

    count: int = 0
    accrued: int = 0
    taken_back: int = 0

    @property
    def kept(self) -> int:
        """Earned less taken back."""
        return self.accrued - self.taken_back


@dataclass(frozen=True)
class Earlier:
    """What was booked for an earlier day after that day's sheet was sealed."""

    day: date
    books: tuple[Group, ...]

    @property
    def lines(self) -> list[Line]:
        """By acquirer; which wallet paid is not told apart any more."""
        return [line for acquirer in ACQUIRERS if (line := line_of(acquirer, "", self.books)) != Line(acquirer, "")]


@dataclass(frozen=True)
class Figures:
    """All that is sealed of a day. `hours` is the gross of each hour of the clock in Shanghai.

    `elsewhere_*` are payments under contracts of others, which the portal was only told of: in no sum here.
    `covered` counts the postings on this sheet and all before it.
    """

    day: date
    lines: tuple[Line, ...]
    books: tuple[Group, ...]
    rebate: Rebate
    hours: tuple[int, ...]
    earlier: tuple[Earlier, ...]
    elsewhere_count: int
    elsewhere_gross: int
    covered: int

    @property
    def total(self) -> Line:
        """All lines of the day itself."""
        return added(self.lines)

    @property
    def earlier_total(self) -> Line:
        """All that stands here for earlier days."""
        return added(line for one in self.earlier for line in one.lines)

    @property
    def owed(self) -> dict[str, int]:
        """What each acquirer owes of the day itself."""
        return owed_by(self.lines)


def line_of(acquirer: str, wallet: str, groups: Iterable[Group], *, discount: int = 0) -> Line:
    """What these postings mean for one acquirer: whatever touches its clearing account, by the other account."""
    own, sums = clearing(acquirer), dict.fromkeys(("gross", "refunds", "fee", "held", "other"), 0)
    count = refund_count = 0
    for group in groups:
        if own not in (group.debit, group.credit):
            continue
        incoming = group.debit == own
        name = _meaning(acquirer, group.credit if incoming else group.debit)
        costs = name in ("refunds", "fee")
        sums[name] += group.amount if incoming is not costs else -group.amount
        count += group.count if name == "gross" and incoming else 0
        refund_count += group.count if name == "refunds" and not incoming else 0
    return Line(acquirer, wallet, count=count, refund_count=refund_count, discount=discount, **sums)


def _meaning(acquirer: str, other_account: str) -> str:
    meanings = {
        MERCHANT_PAYABLE: "gross",
        refund_in_flight(acquirer): "refunds",
        fee(acquirer): "fee",
        SUSPENSE: "held",
    }
    return meanings.get(other_account, "other")


def lines_of(splits: Iterable[Split]) -> tuple[Line, ...]:
    """A line for each acquirer and wallet that has any posting, WeChat Pay first and the unknown wallet last."""
    every = list(splits)
    lines = []
    for acquirer in ACQUIRERS:
        for wallet in WALLETS:
            mine = [split for split in every if split.wallet == wallet]
            discount = sum(split.discount for split in mine if split.group.debit == clearing(acquirer))
            line = line_of(acquirer, wallet, (split.group for split in mine), discount=discount)
            if line != Line(acquirer, wallet):
                lines.append(line)
    return tuple(lines)


def books_of(splits: Iterable[Split]) -> tuple[Group, ...]:
    """The same postings whatever the wallet, in one fixed order."""
    return _summed(split.group for split in splits)


def added(lines: Iterable[Line]) -> Line:
    """The sum of lines."""
    every = list(lines)
    names = [each.name for each in fields(Line) if each.name not in ("acquirer", "wallet")]
    return Line("", "", **{name: sum(getattr(line, name) for line in every) for name in names})


def owed_by(lines: Iterable[Line]) -> dict[str, int]:
    """What each acquirer owes, WeChat Pay first; only those that have a line."""
    every = list(lines)
    named = [acquirer for acquirer in ACQUIRERS if any(line.acquirer == acquirer for line in every)]
    return {acquirer: sum(line.owed for line in every if line.acquirer == acquirer) for acquirer in named}


def rebate_of(books: Iterable[Group]) -> Rebate:
    """What was earned and taken back."""
    every = list(books)
    earned = [group for group in every if (group.debit, group.credit) == (REBATE_EXPENSE, REBATE_PAYABLE)]
    back = [group for group in every if (group.debit, group.credit) == (REBATE_PAYABLE, REBATE_EXPENSE)]
    return Rebate(_count(earned), sum(group.amount for group in earned), sum(group.amount for group in back))


class BooksShrank(Exception):
    """Postings that stand on a sealed sheet are not in the ledger any more, or not as they were."""


def missing_from(recorded: Iterable[Group], ledger: Iterable[Group]) -> tuple[Group, ...]:
    """The postings of a day that the ledger has and no sheet yet. Raises BooksShrank where a sheet has more."""
    known = {group.way: group for group in _summed(recorded)}
    rest = []
    for group in _summed(ledger):
        old = known.pop(group.way, Group(*group.way, 0, 0))
        count, amount = group.count - old.count, group.amount - old.amount
        # A posting moves at least one fen, and none moves nothing.
        if count < 0 or amount < count or (count == 0 and amount):
            raise BooksShrank(f"{group.kind} {group.debit} {group.credit}: {group} after {old}")
        if count:
            rest.append(Group(*group.way, count, amount))
    if known:
        raise BooksShrank(f"not in the ledger: {sorted(known.values())}")
    return tuple(rest)


def _summed(groups: Iterable[Group]) -> tuple[Group, ...]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for group in groups:
        count, amount = sums.get(group.way, (0, 0))
        sums[group.way] = (count + group.count, amount + group.amount)
    return tuple(sorted(Group(*way, *both) for way, both in sums.items()))


def _count(groups: Iterable[Group]) -> int:
    return sum(group.count for group in groups)
