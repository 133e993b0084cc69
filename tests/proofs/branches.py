"""`./dev prove coverage`: every branch of the code that moves money is taken by its tests; no mark leaves one out.

Runs the tests of the five slices (and of the machine that plays against them) under coverage, prints a line for each
file, writes the table into docs/proof-coverage.md; 1 when a branch of rules, postings, operations or flows is left.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "proof-coverage.md"
SLICES = ("ledger", "payments", "refunds", "notices", "reconciliation")
# Besides each slice's own: who acts on what they write, and who plays against them.
_TESTS = (
    *(f"tests/portal/{name}" for name in SLICES),
    "tests/portal/suspense",
    "tests/portal/settlement",
    "tests/portal/staff",
    "tests/portal/receipts",
    "tests/machine",
    "tests/mutants/test_race.py",
)
# What a page shows and what a table looks like is proved elsewhere: by the pages' own tests and the migrations'.
_NOT_OF_MONEY = ("models.py", "views.py", "words.py", "forms.py", "__init__.py")
_PAGES = ("payments/counter.py", "refunds/asking.py", "refunds/stuck.py", "refunds/limiting.py")
_PYTEST = ("-q", "-p", "no:cacheprovider")
# Matches nothing: a mark in the source that would leave a line or a branch out has no effect.
_NO_MARK = "(?!x)x"


@dataclass(frozen=True)
class File:
    """One file of the product. `left` names the lines never reached and the branches never taken."""

    name: str
    statements: int
    branches: int
    taken: int
    left: tuple[str, ...]


def prove(options: list[str]) -> int:
    """Run the tests, print the table, write it down; 1 unless all is covered."""
    parser = argparse.ArgumentParser(prog="./dev prove coverage")
    parser.add_argument("--keep", action="store_true", help="leave the document as it is")
    asked = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="yima-coverage-") as place:
        measured = _measured(Path(place))
    if measured is None:
        print("✗ 测试没有通过 / the tests did not pass", file=sys.stderr)
        return 2
    files = [_file(name, told) for name, told in sorted(measured["files"].items()) if _moves_money(name)]
    for file in files:
        print(f"{'✗' if file.left else '✓'} {file.name:<48} {_per_cent(file):>7}  {', '.join(file.left)}")
    if not asked.keep:
        DOCUMENT.write_text(_document(files), encoding="utf-8")
    return int(any(file.left for file in files))


def _measured(place: Path) -> Mapping[str, Any] | None:
    """What coverage says of the slices' files."""
    sources = "\n    ".join(f"portal/{name}" for name in SLICES)
    settings = place / "settings"
    settings.write_text(
        f"[run]\nbranch = True\nrelative_files = True\nsource =\n    {sources}\ndata_file = {place / 'data'}\n"
        f"[report]\nexclude_lines = {_NO_MARK}\npartial_branches = {_NO_MARK}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "coverage"]
    tests = [name for name in _TESTS if (ROOT / name).exists()]
    # The machine's short game: what it adds to the slices' own tests shows after a few rounds.
    environment = {**os.environ, "EXAMPLES": "10"}
    run = [*command, "run", f"--rcfile={settings}", "-m", "pytest", *_PYTEST, *tests]
    if subprocess.run(run, cwd=ROOT, env=environment, check=False).returncode:
        return None
    report = place / "report.json"
    subprocess.run([*command, "json", "-q", f"--rcfile={settings}", "-o", str(report)], cwd=ROOT, check=True)
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return told


def _moves_money(name: str) -> bool:
    short = name.removeprefix("portal/")
    return Path(name).name not in _NOT_OF_MONEY and short not in _PAGES


def _file(name: str, told: Mapping[str, Any]) -> File:
    summary = told["summary"]
    lines = [str(line) for line in told["missing_lines"]]
    arcs = [f"{begin}→{'end' if end < 0 else end}" for begin, end in told["missing_branches"]]
    return File(
        name.removeprefix("portal/"),
        summary["num_statements"],
        summary["num_branches"],
        summary["covered_branches"],
        (*lines, *arcs),
    )


def _per_cent(file: File) -> str:
    if not file.left:
        return "100 %"
    whole = file.statements + file.branches
    return f"{100 * (whole - len(file.left)) / whole:.1f} %"


def _document(files: list[File]) -> str:
    rows = [
        f"| `{file.name}` | {file.statements} | {file.taken}/{file.branches} | {', '.join(file.left) or '–'} |"
        for file in files
    ]
    statements, branches, taken = (
        sum(getattr(file, name) for file in files) for name in ("statements", "branches", "taken")
    )
    return "\n".join(
        [
            "# 分支覆盖 Branch coverage",
            "",
            "收款、退款、通知、对账和账本的规则、过账、操作与流程,每个分支都有测试走过;没有任何排除标记起作用。",
            "Every branch of the rules, postings, operations, flows and queries of payments, refunds, notices,",
            "reconciliation and the ledger is taken by a test. Marks that would leave a line or a branch out have no",
            "effect here. Written by `./dev prove coverage`, which exits 1 while anything is left.",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}: {statements:,} statements, {taken:,} of {branches:,} branches.",
            "",
            "| 文件 File | 语句 Statements | 分支 Branches | 没走到的 Left |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
