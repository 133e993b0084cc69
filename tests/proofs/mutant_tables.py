"""What became of the mutants, as a table on the screen and in docs/proof-mutants.md."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.mutants.records import UNIT
from tests.proofs.drawing import Fault
from tests.proofs.trees import ROOT, Run

DOCUMENT = ROOT / "docs" / "proof-mutants.md"
EQUIVALENT = ROOT / "tests" / "mutants" / "equivalent.toml"


@dataclass(frozen=True)
class Row:
    """One mutant made by hand, and what each selection of tests said of it."""

    name: str
    breaks: str
    slices: tuple[str, ...]
    expected: str
    runs: Mapping[str, Run]

    @property
    def catcher(self) -> str:
        """Who noticed first; empty when nobody did."""
        return next((how.split()[0] for how, run in self.runs.items() if run.failed), "")


def hand_made_table(rows: Sequence[Row]) -> tuple[str, int]:
    """The table in Markdown, and how many were caught."""
    caught = [row for row in rows if row.catcher]
    by_harness = [row for row in caught if row.catcher != UNIT]
    lines = [
        f"**{len(caught)}/{len(rows)} caught**, {len(by_harness)} of them by a harness after the unit tests of the"
        f" touched slices had let them through. {_today()}",
        "",
        "| Mutant | What it breaks | Unit tests of | let it through? | Caught by | First to fail |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        let_through = "no" if row.catcher == UNIT else "yes"
        first = next((run for run in row.runs.values() if run.failed), None)
        lines.append(
            f"| `{row.name}` | {row.breaks} | {', '.join(row.slices)} | {let_through} | {row.catcher or '**nobody**'} |"
            f" {_test(first)} |"
        )
    return "\n".join(lines), len(caught)


def drawn_table(found: Sequence[tuple[Fault, Mapping[str, Run]]], seed: int) -> tuple[str, int]:
    """The table in Markdown, and how many were neither caught nor judged to change nothing."""
    judged = equivalents()
    caught = [fault for fault, runs in found if any(run.failed for run in runs.values())]
    same = [fault for fault, _ in found if fault not in caught and fault.name in judged]
    real = len(found) - len(same)
    score = 100 * len(caught) / real if real else 100.0
    lines = [
        f"Seed {seed}: **{len(caught)}/{real} caught, mutation score {score:.1f} %**; {len(same)} more change nothing"
        f" that anybody could see and are named below. {_today()}",
        "",
        "| Drawn | Change | Caught by |",
        "|---|---|---|",
    ]
    for fault, runs in found:
        first = next((run for run in runs.values() if run.failed), None)
        verdict = _test(first) if first else f"changes nothing: {judged[fault.name]}" if fault in same else "**nobody**"
        lines.append(f"| `{fault.place}` | `{_cell(fault.before)}` → `{_cell(fault.after)}` | {verdict} |")
    return "\n".join(lines), real - len(caught)


def equivalents() -> dict[str, str]:
    """Drawn mutants that change nothing, by name, and why: judged by hand."""
    told = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {one["name"]: one["reason"] for one in told.get("equivalent", [])}


def into_document(section: str, table: str) -> None:
    """Put a table in the place of the last one of its name; a new one goes to the end."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    block = f"{begin}\n\n{table}\n\n{end}"
    if begin in text:
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: block, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    DOCUMENT.write_text(text, encoding="utf-8")


def _test(run: Run | None) -> str:
    if run is None:
        return "–"
    place, _, name = run.failed.partition("::")
    return f"`{place}` {name.removeprefix('test_').replace('_', ' ').replace('|', '/')}" if name else run.failed


def _cell(text: str) -> str:
    one_line = " ".join(text.split())
    return (one_line if len(one_line) <= 60 else f"{one_line[:57]}…").replace("|", "\\|").replace("`", "'")


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")
