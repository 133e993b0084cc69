"""What a hostile request may come to: a refusal, or the genuine notice's own answer once more; and never a row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.proofs.ground import Ground
from tests.proofs.hostile import Request, request

_YES = {"/notify/wechat": (204, b""), "/notify/jdpay": (200, b"success"), "/notify/interconnect": (204, b"")}
_TICKS_A_MILLISECOND = 20


@dataclass
class Verdict:
    """Sums of many cases. `ticks` counts them by their time, in twentieths of a millisecond.

    Times are wall clock, but for `worst_busy_ms`: that one a busy machine does not stretch.
    """

    cases: int = 0
    repeated: int = 0
    worst_ms: float = 0.0
    worst_busy_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def quantile_ms(self, share: float) -> float:
        """The time within which this share of the cases was answered, in milliseconds."""
        wanted, seen = share * self.cases, 0
        for tick, count in sorted((int(tick), count) for tick, count in self.ticks.items()):
            seen += count
            if seen >= wanted:
                return (tick + 1) / _TICKS_A_MILLISECOND
        return self.worst_ms


def judge(ground: Ground, made: Request, verdict: Verdict, name: str) -> None:
    """Send one request and note what is wrong with the answer, under `name`."""
    heard = ground.send(made)
    milliseconds = heard.seconds * 1000
    verdict.cases += 1
    verdict.worst_ms = max(verdict.worst_ms, milliseconds)
    verdict.worst_busy_ms = max(verdict.worst_busy_ms, heard.busy * 1000)
    for counts, key in ((verdict.statuses, heard.status), (verdict.ticks, int(milliseconds * _TICKS_A_MILLISECOND))):
        counts[str(key)] = counts.get(str(key), 0) + 1
    if (heard.status, heard.body) == _YES[made.path]:
        verdict.repeated += 1
    elif not 400 <= heard.status < 500:
        sent = f"{dict(made.headers)} {made.body[:300]!r}"
        verdict.faults.append(f"{name}: answered {heard.status} {heard.body[:60]!r} to {sent}")
    if ground.spoken:
        verdict.faults.append(f"{name}: logged {ground.spoken[0][-600:]}")
        ground.spoken.clear()


def run(ground: Ground, wallet: str, numbers: Sequence[int], seed: int, verdict: Verdict) -> None:
    """The cases with these numbers: each is made from its own number alone, so that any one can be made again."""
    valid = ground.valid(wallet)
    before = ground.written()
    for number in numbers:
        name = f"{wallet}-{seed}-{number}"
        judge(ground, request(Random(name), valid), verdict, name)
    if ground.written() != before:
        verdict.faults.append(f"{wallet}-{seed}: something was written between {numbers[0]} and {numbers[-1]}")
