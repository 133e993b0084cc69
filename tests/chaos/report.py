"""What a run proved, as lines for the terminal and as a document."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.reading import percentile
from tests.chaos.running import End
from tests.chaos.storm import RETRY_SPEED

BEGIN, FINISH = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_WORDS_MOST = 12
_HEAD = (
    *("Seed", "Plan", "Faults", "Payments", "Refunds", "Deliveries"),
    *("Lost", "Double", "Over-refunded", "Fen off", "p50", "p99", "Bills"),
)


def one(end: End) -> str:
    """One seed in a few lines."""
    verdict, speed = end.verdict, end.speed
    lines = [
        f"{'✓' if end.good else '✗'} seed {end.plan.seed} (plan {end.plan.digest}): {sum(end.faults.values())} faults,"
        f" {verdict.payments} payments and {verdict.refunds} refunds in {end.seconds:.0f} s,"
        f" {speed.deliveries} deliveries",
        f"  lost {verdict.lost} · double {verdict.double} · over-refunded {verdict.over_refunded} · fen off"
        f" {verdict.fen_off} · forgotten {verdict.forgotten} · broken {verdict.broken} · bills"
        f" {'balanced' if not end.unbalanced else 'unbalanced'}",
        f"  notice → receipt p50 {_ms(speed.told, 0.5)} p99 {_ms(speed.told, 0.99)} worst {_ms(speed.told, 1)}"
        f" · held back on purpose: {len(speed.held)} · recovery after a crash {_seconds(speed.recoveries)}",
        f"  {', '.join(f'{kind} {count}' for kind, count in end.faults.items())}",
    ]
    trouble = [*verdict.words, *end.unbalanced]
    lines += [f"  ! {words}" for words in trouble[:_WORDS_MOST]]
    lines += [f"  ! … and {len(trouble) - _WORDS_MOST} more"] if len(trouble) > _WORDS_MOST else []
    gave_up = [*end.unpaid, *end.unrefunded]
    lines += [f"  ? gave up after many tries: {len(gave_up)}, e.g. {gave_up[0]}"] if gave_up else []
    return "\n".join(lines)


def write(ends: Sequence[End], document: Path, *, commit: str) -> None:
    """The table, between its marks in a document that may say more around them."""
    table = f"{BEGIN}\n{_table(ends, commit)}\n{FINISH}"
    text = document.read_text(encoding="utf-8") if document.exists() else f"# Proof\n\n{BEGIN}\n{FINISH}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(FINISH)
    document.write_text(f"{before}{table}{after}", encoding="utf-8")


def _table(ends: Sequence[End], commit: str) -> str:
    kinds: Counter[str] = Counter()
    for end in ends:
        kinds.update(end.faults)
    told = sorted(second for end in ends for second in end.speed.told)
    recoveries = [second for end in ends for second in end.speed.recoveries]
    rows = [f"| {' | '.join(_HEAD)} |", "|---:" * len(_HEAD) + "|"]
    for end in ends:
        v, s = end.verdict, end.speed
        rows.append(
            f"| {end.plan.seed} | `{end.plan.digest}` | {sum(end.faults.values())} | {v.payments:,} | {v.refunds:,} |"
            f" {s.deliveries:,} | {v.lost} | {v.double} | {v.over_refunded} | {v.fen_off} | {_ms(s.told, 0.5)} |"
            f" {_ms(s.told, 0.99)} | {'balanced' if not end.unbalanced else 'not balanced'} |"
        )
    sums = [sum(getattr(end.verdict, name) for end in ends) for name in ("payments", "refunds")]
    wrong = [sum(getattr(end.verdict, name) for end in ends) for name in ("lost", "double", "over_refunded", "fen_off")]
    rows.append(
        f"| **all** | | **{sum(kinds.values())}** | **{sums[0]:,}** | **{sums[1]:,}** |"
        f" {sum(end.speed.deliveries for end in ends):,} | {' | '.join(f'**{number}**' for number in wrong)} |"
        f" {_ms(told, 0.5)} | {_ms(told, 0.99)} | |"
    )
    money = sum(end.verdict.fen for end in ends)
    said = [
        f"Run {datetime.now(UTC):%Y-%m-%d %H:%M} UTC{f' on commit `{commit}`' if commit else ''}; the waits of the"
        f" notices' ladder divided by {RETRY_SPEED}. ¥{money / 100:,.2f} moved.",
        "",
        *rows,
        "",
        f"Accepted notices or shown refunds that were forgotten: {sum(end.verdict.forgotten for end in ends)}."
        f" Broken balances, feeds or chains: {sum(end.verdict.broken for end in ends)}."
        f" From a database's kill -9 to the next booking: {_seconds(recoveries)} ({len(recoveries)} crashes)."
        f" Notices kept back on purpose (never, late, out of order), not in p50 and p99:"
        f" {sum(len(end.speed.held) for end in ends)}.",
        "",
        "| Fault | Times |",
        "|---|---:|",
        *(f"| {kind} | {count} |" for kind, count in sorted(kinds.items())),
    ]
    return "\n".join(said)


def _ms(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:,.0f} ms"


def _seconds(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    return f"median {percentile(ordered, 0.5):.1f} s, worst {ordered[-1]:.1f} s"
