"""Three ways in to scan with JD Finance: the scan button, the activity page, the shortcut on the phone's desktop.

The activity page is found by searching inside the app for the discount, as the announcement tells people to do.
"""

import unicodedata
from dataclasses import dataclass

from sandbox import clock
from sandbox.payers import reductions, subsidies
from sandbox.payers.subsidies import WAYS
from sandbox.phone.phones import Phone
from sandbox.phone.tills import Connection
from sandbox.store import Store

ACTIVITY = ("扫码付优惠", "Scan Code Payment Discount")
_SHORTEST = 2  # signs that a search needs before it finds something


COUPON_OFF, COUPON_FROM = 300, 1_000  # fen: what the activity's coupon takes off, and from which price


class NoShortcut(LookupError):
    """There is no shortcut on this phone's desktop to open."""


@dataclass(frozen=True)
class Reward:
    """What a deed brought: `now` fen just granted (0 when it was counted before), `granted` of `most` in all."""

    now: int
    granted: int
    most: int


def finds_activity(query: str) -> bool:
    """Does a search inside the app find the activity? Part of either name does, in any case and width."""
    plain = _plain(query)
    return len(plain) >= _SHORTEST and any(plain in _plain(name) or _plain(name) in plain for name in ACTIVITY)


def checked(phone: Phone, way: str) -> str:
    """The way, if it is one and this phone can go it. Raises NoShortcut; anything unknown is the scan button."""
    if way not in WAYS:
        return "scan"
    if way == "shortcut" and not phone.shortcut:
        raise NoShortcut
    return way


def reward(store: Store, phone: Phone, deed: str) -> Reward:
    """The person behind the phone did something that JD counts."""
    with store.writing() as connection:
        return rewarded(connection, phone.payer, deed)


def rewarded(connection: Connection, payer: str, deed: str) -> Reward:
    """The same inside the caller's block."""
    now = subsidies.grant(connection, payer, deed, clock.now(connection))
    return Reward(now, subsidies.total(connection, payer), subsidies.MOST)


def take_coupon(store: Store, payer: str) -> bool:
    """The activity's coupon for the next payment; False while one is waiting already."""
    with store.writing() as connection:
        if any(rule.upcoming for rule in reductions.rules(connection, payer, "jdpay")):
            return False
        rule = reductions.Rule(True, COUPON_OFF, COUPON_FROM, reductions.NAMES["jdpay"], "wallet")
        reductions.set_rule(connection, payer, "jdpay", rule)
        return True


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
