"""One seed from its start to its verdict."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.settings import ROOT
from tests.chaos import healing, reading
from tests.chaos.judging import Verdict, judge
from tests.chaos.plan import Plan, plan_of
from tests.chaos.product import NotStarted, Product
from tests.chaos.reading import Speed
from tests.chaos.storm import blow

_NAMES = {"crash": "database crash", "clock": "clock jump"}


@dataclass(frozen=True)
class Size:
    """How much one seed does."""

    payments: int = 2500
    faults: int = 110


@dataclass(frozen=True)
class End:
    """How one seed ended. `faults` are those that were lived through, by kind; `unpaid` payers gave up."""

    plan: Plan
    verdict: Verdict
    speed: Speed
    faults: dict[str, int]
    unbalanced: list[str]
    unpaid: list[str]
    unrefunded: list[str]
    seconds: float

    @property
    def good(self) -> bool:
        """Nothing differs, and the portal's own reconciliation says the same."""
        return self.verdict.good and not self.unbalanced


def live_through(seed: int, size: Size, *, place: Path, root: Path, say: Callable[[str], None]) -> End:
    """Start, hurt, heal, compare, throw away. Raises NotStarted, NotHealed."""
    plan = plan_of(seed, payments=size.payments, faults=size.faults)
    say(
        f"plan {plan.digest}: {len(plan.buys)} payments, {sum(len(one.refunds) for one in plan.buys)} refunds,"
        f" {size.faults} faults, business begins at {plan.begins}"
    )
    data_dir = place / "data"
    data_dir.mkdir()
    product = Product(data_dir, root)
    try:
        product.start()
        say("the product has started")
        return _through(product, plan, say)
    except (NotStarted, healing.NotHealed):
        keep_logs(product, seed)
        raise
    finally:
        product.stop()


def _through(product: Product, plan: Plan, say: Callable[[str], None]) -> End:
    storm = blow(product, plan, say)
    lived = Counter(
        _NAMES.get(fault.kind, f"{fault.kind} {fault.target}") for _, fault in storm.hurt if _own(fault.kind)
    )
    lived.update(reading.hits(product))
    say(f"the storm is over after {storm.ended - storm.began:.0f} s")
    healing.heal(product, storm, say)
    speed = reading.speed(product, storm)
    days, unbalanced = healing.night(product, storm, say)
    verdict = judge(
        reading.theirs(product, days),
        reading.ours(product),
        shown_refunds=[number for number, _ in storm.counter.shown],
    )
    for command in ("verify-ledger", "verify-audit"):
        try:
            product.command(command)
        except NotStarted as trouble:
            verdict.note("broken", str(trouble))
    return End(
        plan,
        verdict,
        speed,
        dict(sorted(lived.items())),
        unbalanced,
        [f"{buy.number} {buy.way}: {trouble}" for buy, trouble in storm.till.failed],
        storm.counter.failed,
        storm.ended - storm.began,
    )


def keep_logs(product: Product, seed: int) -> None:
    """What every process said, for reading afterwards."""
    kept = ROOT / "test-results" / "chaos" / str(seed)
    kept.mkdir(parents=True, exist_ok=True)
    for log in product.data_dir.glob("*.log"):
        shutil.copy(log, kept / log.name)


def _own(kind: str) -> bool:
    """Whether the harness itself does it; what the sandbox does is counted by what it hit."""
    return kind in ("kill", "stop", "cut", "stall", "crash", "clock")
