"""What will happen in a run: every payment, every refund and every fault. A pure function of the seed and the size.

A fault has its place by progress (`after` so many payments were begun), not by the clock: a slow machine lives through
the same plan. What the kernel, the threads and the database make of it differs from run to run; the plan does not.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Chosen = TypeVar("Chosen")


class Way(StrEnum):
    """How a payment is made: a portal's plate in either wallet, or a static WeChat code scanned by either."""

    PLATE_WECHAT = "plate_wechat"
    PLATE_JD = "plate_jd"
    STATIC_WECHAT = "static_wechat"
    STATIC_JD = "static_jd"
    PERSONAL = "personal"


_WAYS = {Way.PLATE_WECHAT: 22, Way.PLATE_JD: 16, Way.STATIC_WECHAT: 30, Way.STATIC_JD: 23, Way.PERSONAL: 9}
PLATES = (Way.PLATE_WECHAT, Way.PLATE_JD)


class Asking(StrEnum):
    """How refunds of one payment are asked for; `rivals`: two at once that do not both fit; `twice`: one double tap."""

    WHOLE = "whole"
    PART = "part"
    TWO_PARTS = "two_parts"
    RIVALS = "rivals"
    TWICE = "twice"


_ASKINGS = {Asking.WHOLE: 30, Asking.PART: 40, Asking.TWO_PARTS: 20, Asking.RIVALS: 6, Asking.TWICE: 4}
REFUNDED = 0.22


@dataclass(frozen=True)
class Buy:
    """One payment: amounts in fen. `notice` is a fault for this order's notice, armed before the payer's tap.

    `reduction` is what JD takes off; `refunds` are asked for once it is booked.
    """

    number: int
    way: Way
    shop: int
    payer: str
    amount: int
    reduction: int
    notice: str
    asking: Asking | None
    refunds: tuple[int, ...]


@dataclass(frozen=True)
class Fault:
    """`after` payments were begun, `kind` hits `target` for `seconds` (of real time; a clock's: of business)."""

    after: int
    kind: str
    target: str
    seconds: float = 0.0
    index: int = 0


@dataclass(frozen=True)
class Plan:
    """One seed's whole plan. `begins` is the Beijing time of day at which business begins."""

    seed: int
    begins: str
    buys: tuple[Buy, ...]
    faults: tuple[Fault, ...]

    @property
    def digest(self) -> str:
        """Two runs of one seed show the same; printed, so that anybody can see it."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


# Weights of what the harness itself does to processes, network, database and clock.
_DEEDS: dict[tuple[str, str], int] = {
    ("kill", "web"): 9,
    ("kill", "notices"): 9,
    ("kill", "worker"): 5,
    ("stop", "web"): 4,
    ("stop", "notices"): 5,
    ("stop", "worker"): 4,
    ("cut", "database"): 7,
    ("cut", "notices"): 6,
    ("cut", "gateway"): 6,
    ("stall", "database"): 4,
    ("stall", "notices"): 4,
    ("stall", "gateway"): 4,
    ("crash", "database"): 5,
    ("clock", "business"): 4,
}
# Weights of what an institution does wrong in a call; `wallet:<institution>` and the operation.
_CALLS: dict[tuple[str, str], int] = {
    ("accept_then_time_out", "order"): 2,
    ("accept_then_time_out", "refund"): 4,
    ("never_answer", "order"): 1,
    ("never_answer", "refund"): 2,
    ("system_error", "order"): 2,
    ("system_error", "refund"): 2,
    ("system_error", "query"): 2,
    ("bad_answer_signature", "order"): 1,
    ("bad_answer_signature", "refund"): 3,
    ("bad_answer_signature", "refund_query"): 1,
    ("refuse", "refund"): 2,
    ("not_enough", ""): 1,
    ("refund_closed", ""): 2,
    ("refund_abnormal", ""): 2,
    ("notify_before_response", ""): 3,
}
# A refund stuck half-way is WeChat Pay's alone.
_ONLY_WECHAT = ("refund_abnormal",)
# What goes wrong with the notice of one order. Orders alone: they can be asked about, while of a payment on a static
# code the notice is all there is until the bill comes.
_NOTICES = {
    "notify_never": 5,
    "notify_twice": 6,
    "notify_late": 4,
    "notify_bad_signature": 5,
    "notify_wrong_amount": 5,
    "notify_signtest": 3,
    "notify_before_response": 4,
    "notify_out_of_order": 3,
}
_SHARE_OF_DEEDS, _SHARE_OF_CALLS = 0.50, 0.18
_PAYERS = 240


def plan_of(seed: int, *, payments: int, faults: int, shops: int = 2) -> Plan:
    """`payments` in all, `faults` of every kind together."""
    dice = random.Random(f"yima-chaos-{seed}")
    deeds = round(faults * _SHARE_OF_DEEDS)
    calls = round(faults * _SHARE_OF_CALLS)
    buys = _buys(dice, payments, shops, notices=max(0, faults - deeds - calls))
    places = _spread(dice, deeds + calls, payments)
    kinds = [True] * deeds + [False] * calls
    dice.shuffle(kinds)
    planned = tuple(_deed(dice, at) if is_deed else _call(dice, at) for at, is_deed in zip(places, kinds, strict=True))
    # Two of five seeds have midnight in the middle: two business days, two bills.
    begins = "23:57" if seed % 5 in (2, 4) else "10:30"
    return Plan(seed, begins, buys, planned)


def _buys(dice: random.Random, payments: int, shops: int, *, notices: int) -> tuple[Buy, ...]:
    ways = dice.choices(list(_WAYS), list(_WAYS.values()), k=payments)
    plates = [number for number, way in enumerate(ways) if way in PLATES]
    hit = set(dice.sample(plates, min(notices, len(plates))))
    return tuple(_buy(dice, number, way, shops, hit=number in hit) for number, way in enumerate(ways))


def _buy(dice: random.Random, number: int, way: Way, shops: int, *, hit: bool) -> Buy:
    amount = dice.randint(2, 6000)
    notice = _weighted(dice, _NOTICES) if hit else ""
    if notice == "notify_signtest" and way is Way.PLATE_JD:
        notice = "notify_bad_signature"
    asking = _weighted(dice, _ASKINGS) if way is not Way.PERSONAL and dice.random() < REFUNDED else None
    reduction = dice.randint(1, amount // 2) if way in (Way.PLATE_JD, Way.STATIC_JD) and dice.random() < 0.15 else 0
    return Buy(
        number=number,
        way=way,
        shop=0 if way is Way.PERSONAL else dice.randrange(shops),
        payer=f"chaos-{dice.randrange(_PAYERS)}",
        amount=amount,
        reduction=reduction,
        notice=notice,
        asking=asking,
        refunds=_refunds(dice, asking, amount) if asking is not None else (),
    )


def _refunds(dice: random.Random, asking: Asking, amount: int) -> tuple[int, ...]:
    if asking is Asking.WHOLE:
        return (amount,)
    if asking is Asking.RIVALS:
        return (amount // 2 + 1, amount // 2 + 1)
    first = dice.randint(1, amount - 1)
    return (first, amount - first) if asking is Asking.TWO_PARTS else (first,)


def _spread(dice: random.Random, count: int, payments: int) -> list[int]:
    """Evenly over the run, each a little off its place."""
    step = payments / (count + 1)
    return sorted(max(1, min(payments - 1, round(step * (n + 1 + dice.uniform(-0.4, 0.4))))) for n in range(count))


def _deed(dice: random.Random, after: int) -> Fault:
    kind, target = _weighted(dice, _DEEDS)
    seconds = {
        "stop": dice.uniform(0.5, 2.5),
        "stall": dice.uniform(0.3, 1.2),
        "clock": float(dice.randint(20, 400)),
    }.get(kind, 0.0)
    return Fault(after, kind, target, round(seconds, 2), dice.randrange(8))


def _call(dice: random.Random, after: int) -> Fault:
    name, operation = _weighted(dice, _CALLS)
    institution = "wechat" if name in _ONLY_WECHAT else dice.choice(("wechat", "jd"))
    return Fault(after, name, f"{institution}:{operation}")


def _weighted(dice: random.Random, weights: Mapping[Chosen, int]) -> Chosen:
    return dice.choices(list(weights), list(weights.values()))[0]


def kinds_of(faults: Sequence[Fault]) -> dict[str, int]:
    """How many of each kind are planned."""
    found: dict[str, int] = {}
    for fault in faults:
        found[fault.kind] = found.get(fault.kind, 0) + 1
    return found
