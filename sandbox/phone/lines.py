"""Rows of the drawing beside the phone: four lanes, who does what towards whom, past and to come."""

import time
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.language import say
from sandbox.phone.tills import Notice
from sandbox.phone.wording import yuan

WALLET, CLEARING, ACQUIRER, PORTAL = 1, 2, 3, 4
_BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Line:
    """One row of the drawing. `state` is done, now or future; `amount` as text with ¥, or empty."""

    number: int
    start: int
    end: int
    what: str
    why: str
    amount: str
    state: str
    at: str


def clock(moment: float | None = None) -> str:
    """A moment as a phone in Beijing shows it."""
    return f"{datetime.fromtimestamp(time.time() if moment is None else moment, _BEIJING):%H:%M}"


def money(fen: int | None) -> str:
    """An amount with its sign, empty while unknown."""
    return "" if fen is None else f"¥{yuan(fen)}"


def delivery(notice: Notice | None) -> str:
    """How far the institution's word has come."""
    if notice is None or notice.state == "accepted":
        return say("验签、落库，再应答", "Verified, stored, then OK")
    if notice.state == "given_up":
        return say(f"送了 {notice.attempts} 次，没人应答", f"{notice.attempts} attempts, no answer")
    return say(f"在送，已试 {notice.attempts} 次", f"On its way, {notice.attempts} attempts so far")


def left_after_fee(amount: int | None, fee: int | None) -> str:
    """What the acquirer settles, as a sum."""
    if amount is None or fee is None:
        return say("一码不经手", "Yima never holds it")
    return say(f"¥{yuan(amount)} − 手续费 ¥{yuan(fee)}", f"¥{yuan(amount)} − fee ¥{yuan(fee)}")
