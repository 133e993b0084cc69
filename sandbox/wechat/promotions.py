"""What others than the payer gave to an order, as WeChat Pay tells it, and how it goes back with a refund.

Only coupons with money behind them (type CASH): the merchant receives the whole price, whoever pays it. The rule for
refunds is the documented one: the payer gets refund x payer_total / total, half a fen up, and with the last part
exactly what is left (partner docs 4013080622, 4013080625).
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.payers.money import Grant, Paid
from sandbox.wechat.merchants import half_up

_FUNDERS = {"wallet": "wechatpay_contribute", "merchant": "merchant_contribute", "other": "other_contribute"}


@dataclass(frozen=True)
class Share:
    """How a refund divides: fen for the payer, and per promotion what goes back to its giver."""

    payer: int
    promotions: tuple[dict[str, object], ...]

    @property
    def discount(self) -> int:
        """Fen that go back to those who gave the promotions."""
        return sum(int(str(one["refund_amount"])) for one in self.promotions)


def refuse_wrong_sum(paid: Paid, total: int) -> None:
    """Raises ValueError when payer and promotions do not make up the price: a fault of the caller."""
    if paid.payer_total + sum(grant.amount for grant in paid.promotions) != total:
        raise ValueError(f"{paid} does not make up {total} fen")


def detail(grants: Iterable[Grant]) -> str:
    """`promotion_detail` as JSON text."""
    return json.dumps([_coupon(grant) for grant in grants], ensure_ascii=False)


def _coupon(grant: Grant) -> dict[str, object]:
    shares = dict.fromkeys(_FUNDERS.values(), 0)
    shares[_FUNDERS[grant.funder]] = grant.amount
    return {
        "coupon_id": grant.grant_id,
        "name": grant.name,
        "scope": "GLOBAL",
        "type": "CASH",
        "amount": grant.amount,
        "stock_id": str(10**7 + secrets.randbelow(9 * 10**7)),
        **shares,
        "currency": "CNY",
    }


def share(order: sqlite3.Row, earlier: Iterable[sqlite3.Row], refund: int) -> Share:
    """Divide a refund (fen) of a paid order; `earlier` are its refunds that were not closed."""
    coupons = json.loads(order["promotions"])
    left = {coupon["coupon_id"]: int(coupon["amount"]) for coupon in coupons}
    payer_left = int(order["payer_total"])
    refunded = 0
    for row in earlier:
        payer_left -= row["payer_refund"]
        refunded += row["refund"]
        for part in json.loads(row["promotions"]):
            left[part["promotion_id"]] -= part["refund_amount"]
    if refunded + refund == order["total"]:
        payer = payer_left
    else:
        payer = half_up(refund, order["payer_total"], order["total"])
        payer = max(min(payer, payer_left, refund), refund - sum(left.values()))
    return Share(payer, tuple(_parts(coupons, left, refund - payer)))


def _parts(coupons: list[dict], left: dict[str, int], discount: int) -> list[dict[str, object]]:
    """Every coupon gives up its share of `discount`; what rounding leaves over is taken from the first that has it."""
    whole = sum(coupon["amount"] for coupon in coupons)
    taken = {c["coupon_id"]: min(left[c["coupon_id"]], discount * c["amount"] // whole) for c in coupons}
    rest = discount - sum(taken.values())
    for name, have in left.items():
        more = min(rest, have - taken[name])
        taken[name] += more
        rest -= more
    return [
        {
            "promotion_id": coupon["coupon_id"],
            "scope": coupon["scope"],
            "type": coupon["type"],
            "amount": coupon["amount"],
            "refund_amount": taken[coupon["coupon_id"]],
        }
        for coupon in coupons
        if taken[coupon["coupon_id"]]
    ]
