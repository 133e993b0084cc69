"""The mutants made by hand: what each changes in the product, what that breaks, and who has to notice.

They stand in `records/*.toml` as texts to replace rather than as patches: a text is found wherever it has moved to, and
one that is gone is told at once.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

PLACE = Path(__file__).parent / "records"
# Who notices: the tests of the touched slice, or one of the harnesses below.
UNIT = "unit"

# What is run for a slice, the quickest first: its rules, operations and flows. No pages, no processes, no fuzzing.
UNITS: dict[str, tuple[str, ...]] = {
    "audit": ("tests/portal/audit",),
    "bills": ("tests/portal/wallets/test_wechat_bill_lines.py", "tests/portal/wallets/test_wechat_bills.py"),
    "cells": ("tests/portal/receipts/exports/test_rules.py",),
    "events": ("tests/portal/events",),
    "ledger": ("tests/portal/ledger",),
    "money": ("tests/portal/values",),
    "notices": ("tests/portal/notices/test_payments.py", "tests/portal/notices/test_refunds.py"),
    "notices_asked_about": ("tests/portal/notices/test_mutants.py", "tests/portal/notices/test_asking.py"),
    "notices_in_trouble": ("tests/portal/notices/test_trouble.py",),
    "payments": (
        "tests/portal/payments/test_rules.py",
        "tests/portal/payments/test_operations.py",
        "tests/portal/payments/test_flows.py",
    ),
    "plumbing": ("tests/portal/plumbing/test_scope.py", "tests/portal/plumbing/test_clock.py"),
    "reconciliation": ("tests/portal/reconciliation",),
    "refunds": (
        "tests/portal/refunds/test_rules.py",
        "tests/portal/refunds/test_mutants.py",
        "tests/portal/refunds/test_operations.py",
        "tests/portal/refunds/test_flows.py",
    ),
    "schema": ("tests/architecture/test_migrations.py", "tests/architecture/test_schema.py"),
    "wallets": ("tests/portal/wallets/test_wechat_notices.py", "tests/portal/wallets/test_wechat_signing.py"),
}
# Tests that race threads against each other lie beside the unit tests; here they count as what they are.
RACES = ("at_once", "at_the_same_time", "crosswise", "eight_writers", "of_many_who", "races", "racing")
HARNESSES: dict[str, tuple[str, ...]] = {
    "race": ("tests/mutants/test_race.py",),
    "crash": ("tests/mutants/test_crash.py",),
    "power": ("tests/mutants/test_power.py",),
}


@dataclass(frozen=True)
class Edit:
    """One text of one file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One fault. `caught_by` is who notices first: the unit tests of `slices`, or a harness they leave it to."""

    name: str
    breaks: str
    slices: tuple[str, ...]
    caught_by: str
    edits: tuple[Edit, ...]


def mutants() -> list[Mutant]:
    """All of them, in the order of their files."""
    return [_read(told) for path in sorted(PLACE.glob("*.toml")) for told in _load(path)]


def missing(root: Path, mutant: Mutant) -> list[str]:
    """Files in which a text to replace does not stand exactly once."""
    return [
        edit.file
        for edit in mutant.edits
        if not (root / edit.file).is_file() or (root / edit.file).read_text(encoding="utf-8").count(edit.old) != 1
    ]


def _load(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return found


def _read(told: dict[str, object]) -> Mutant:
    edits, slices = told["edit"], told["slices"]
    if not isinstance(edits, list) or not isinstance(slices, list):
        raise TypeError(f"not a mutant: {told}")
    return Mutant(
        name=str(told["name"]),
        breaks=str(told["breaks"]),
        slices=tuple(slices),
        caught_by=str(told["caught_by"]),
        edits=tuple(Edit(edit["file"], edit["old"], edit["new"]) for edit in edits),
    )
