"""Which receipts a list shows, and how one stands, told in a word."""

from dataclasses import dataclass
from enum import StrEnum

from portal.values.money import Fen


class Filter(StrEnum):
    """The chips over the list."""

    ALL = "all"
    WECHAT = "wechat"
    JDPAY = "jdpay"
    REFUNDED = "refunded"


class Standing(StrEnum):
    """What became of a receipt's money since it came in."""

    RECEIVED = "received"
    NEEDS_APPROVAL = "needs_approval"
    REFUNDING = "refunding"
    STUCK = "stuck"
    PARTLY_REFUNDED = "partly_refunded"
    FULLY_REFUNDED = "fully_refunded"


# An open refund's own state, where it says more than that one is under way.
_OPEN = {"pending_approval": Standing.NEEDS_APPROVAL, "abnormal": Standing.STUCK}


def read_filter(text: str | None) -> Filter:
    """The chosen chip; anything unknown is all of them."""
    return Filter(text) if text in tuple(Filter) else Filter.ALL


def standing(*, amount: int, refunded: int, refund_reserved: int, open_refund: str | None) -> Standing:
    """How a receipt of `amount` fen stands. What is under way comes before what is done."""
    if refund_reserved > 0:
        return _OPEN.get(open_refund or "", Standing.REFUNDING)
    if refunded >= amount:
        return Standing.FULLY_REFUNDED
    return Standing.PARTLY_REFUNDED if refunded > 0 else Standing.RECEIVED


@dataclass(frozen=True)
class Sums:
    """One receipt in fen: what the payer paid, who made up the rest, and what stays with the merchant."""

    amount: int
    payer: int
    by_wallet: int
    by_merchant: int
    by_others: int
    fee: int
    fee_returned: int
    refunded: int

    @property
    def net(self) -> Fen:
        """What the acquirer owes the merchant of it: less the fee kept and what went back."""
        return Fen(self.amount - self.fee - self.refunded + self.fee_returned)


def sums(
    *,
    amount: int,
    payer_amount: int | None,
    parts: list[tuple[str, int]],
    fee: int,
    fee_returned: int,
    refunded: int,
) -> Sums:
    """Take a receipt apart. `parts` are (paid_by, fen) of the promotions; a gap they leave counts as by others."""
    payer = amount if payer_amount is None else payer_amount
    wallet = sum(fen for paid_by, fen in parts if paid_by == "wallet")
    merchant = sum(fen for paid_by, fen in parts if paid_by == "merchant")
    return Sums(
        amount=amount,
        payer=payer,
        by_wallet=wallet,
        by_merchant=merchant,
        by_others=max(amount - payer - wallet - merchant, 0),
        fee=fee,
        fee_returned=fee_returned,
        refunded=refunded,
    )
