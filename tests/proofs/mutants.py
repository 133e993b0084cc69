"""`./dev prove mutants`: faults put into a copy of the product, and whether the tests notice.

Without options the ones made by hand (`tests/mutants/records/`). `--drawn 20 --seed 7`: twenty drawn by that seed from
ledger, refunds and notices. `--only NAME …`: some of those made by hand. Results stand in `.proofs/` for the sources
they were found with; a run that was stopped goes on from there.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from deploy.postgres import EmbeddedPostgres
from tests.mutants.records import HARNESSES, RACES, UNIT, UNITS, Mutant, missing, mutants
from tests.proofs import drawing
from tests.proofs.lending import server_to_lend
from tests.proofs.mutant_tables import Row, drawn_table, hand_made_table, into_document
from tests.proofs.trees import ROOT, TIMEOUT, CannotRun, Run, changed, copy_of_the_tree, run_tests

PLACE = ROOT / ".proofs"
_SECONDS = 900.0
_BAR = 30
_AT_ITS_WORD = tuple(place for places in HARNESSES.values() for place in places)
_MOST_DOUBTED = 4
_NO_RACES = ("-k", f"not ({' or '.join(RACES)})")


@dataclass(frozen=True)
class Trial:
    """One fault and the selections of tests that are tried on it, in order. `texts` are the changed files' texts."""

    name: str
    texts: dict[str, str]
    selections: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Place:
    """Where trials are run, and what is known of earlier ones."""

    tree: Path
    server: EmbeddedPostgres
    kept: dict[str, dict[str, object]]
    kept_in: Path


def prove(options: list[str]) -> int:
    """Run what is left, print the table, write it into docs/proof-mutants.md; 1 unless every fault was noticed."""
    parser = argparse.ArgumentParser(prog="./dev prove mutants")
    parser.add_argument("--drawn", type=int, metavar="N", help="how many to draw; none: those made by hand")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws others")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these of those made by hand")
    asked = parser.parse_args(options)
    PLACE.mkdir(exist_ok=True)
    try:
        return _drawn(asked.drawn, asked.seed) if asked.drawn is not None else _made_by_hand(asked.only)
    except CannotRun as problem:
        print(f"\n✗ 测试没能运行 / the tests did not get as far as running:\n{problem}", file=sys.stderr)
        return 2


def _made_by_hand(only: Sequence[str]) -> int:
    chosen = [mutant for mutant in mutants() if not only or mutant.name in only]
    stale = [f"{mutant.name}: {name}" for mutant in chosen for name in missing(ROOT, mutant)]
    if stale or not chosen:
        print(f"✗ 不再适用的变异 / these no longer fit the source: {', '.join(stale) or only}", file=sys.stderr)
        return 2
    trials = [Trial(mutant.name, _texts(mutant), _selections(mutant)) for mutant in chosen]
    found = _try_all(trials, PLACE / "mutants.json")
    rows = [Row(mutant.name, mutant.breaks, mutant.slices, mutant.caught_by, found[mutant.name]) for mutant in chosen]
    table, caught = hand_made_table(rows)
    print(table)
    if not only:
        into_document("by hand", table)
    return int(caught < len(rows))


def _drawn(number: int, seed: int) -> int:
    chosen = drawing.draw(ROOT, number, seed)
    trials = [Trial(fault.name, {fault.file: fault.text}, _slice_selection(fault.slice)) for fault in chosen]
    found = _try_all(trials, PLACE / f"mutants-{seed}.json")
    table, left = drawn_table([(fault, found[fault.name]) for fault in chosen], seed)
    print(table)
    into_document(f"drawn {seed}", table)
    return int(left > 0)


def _selections(mutant: Mutant) -> tuple[tuple[str, tuple[str, ...]], ...]:
    asked = [(f"{UNIT} {name}", (*UNITS[name], *_NO_RACES)) for name in mutant.slices]
    if mutant.caught_by != UNIT:
        asked.append((mutant.caught_by, HARNESSES[mutant.caught_by]))
    return tuple(asked)


def _slice_selection(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ((f"{UNIT} {name}", (*drawing.OWN[name], *_NO_RACES)), (f"wider {name}", drawing.WIDER[name]))


def _texts(mutant: Mutant) -> dict[str, str]:
    texts: dict[str, str] = {}
    for edit in mutant.edits:
        before = texts.get(edit.file) or (ROOT / edit.file).read_text(encoding="utf-8")
        texts[edit.file] = before.replace(edit.old, edit.new)
    return texts


def _try_all(trials: Sequence[Trial], kept_in: Path) -> dict[str, dict[str, Run]]:
    """What each selection said of each fault.

    A selection that has passed with some fault is known to pass; any other must pass without one, or what it said of
    the others means nothing.
    """
    kept, found = _load(kept_in), {trial.name: dict[str, Run]() for trial in trials}
    doubted: dict[str, tuple[str, ...]] = {}
    with copy_of_the_tree() as tree, server_to_lend() as server:
        place = _Place(tree, server, kept, kept_in)
        for done, trial in enumerate(trials):
            for how, tests in trial.selections:
                _tell(done, len(trials), f"{trial.name} · {how}")
                run = found[trial.name][how] = _once(place, trial, tests)
                doubted[how] = tests
                if run.failed:
                    break
        passed = {how for runs in found.values() for how, run in runs.items() if not run.failed}
        for how in sorted(doubted.keys() - passed):
            _tell(len(trials), len(trials), f"(无变异 no mutant) · {how}")
            run = _once(place, Trial("", {}, ()), doubted[how])
            if run.failed:
                raise CannotRun(f"without any fault: {run.failed} {run.reason}")
    _tell(len(trials), len(trials), "")
    print()
    return found


def _once(place: _Place, trial: Trial, tests: tuple[str, ...]) -> Run:
    told = [_around(tuple(sorted(trial.texts))), _files(tests), trial.texts, tests]
    key = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
    if key not in place.kept:
        migrated = not any(name.startswith("migrations/") for name in trial.texts)
        with changed(place.tree, trial.texts):
            run = _asked_first(place, trial, tests, migrated=migrated) or _believed(place, tests, migrated=migrated)
        place.kept[key] = {"name": trial.name, **asdict(run)}
        _save(place.kept_in, place.kept)
    return Run(*(place.kept[key][name] for name in ("failed", "reason", "seconds")))  # type: ignore[arg-type]


def _asked_first(place: _Place, trial: Trial, tests: tuple[str, ...], *, migrated: bool) -> Run | None:
    """The test that noticed this fault the last time, alone; None where it does not (any more)."""
    noticed = [str(run["failed"]) for run in place.kept.values() if run["name"] == trial.name and trial.texts]
    first = next((name for name in reversed(noticed) if "::" in name and name.startswith(tests)), None)
    if first is None or not (place.tree / first.partition("::")[0]).exists():
        return None
    try:
        run = run_tests(place.tree, (first,), place.server, migrated=migrated, seconds=_SECONDS)
    except CannotRun:
        # It has another name now.
        return None
    return run if run.failed else None


def _believed(place: _Place, tests: tuple[str, ...], *, migrated: bool) -> Run:
    """A failure counts when the same test fails once more by itself: a busy machine fails some tests now and then.

    A harness that races or dies is taken at its word, as it does not race the same way twice.
    """
    seconds, left_out = 0.0, list[str]()
    while True:
        selection = (*tests, *(f"--deselect={name}" for name in left_out))
        run = run_tests(place.tree, selection, place.server, migrated=migrated, seconds=_SECONDS)
        seconds += run.seconds
        alone = not run.failed or run.failed == TIMEOUT or any(run.failed.startswith(name) for name in _AT_ITS_WORD)
        if alone or "::" not in run.failed or len(left_out) == _MOST_DOUBTED:
            return replace(run, seconds=seconds)
        again = run_tests(place.tree, (run.failed,), place.server, migrated=migrated, seconds=_SECONDS)
        seconds += again.seconds
        if again.failed:
            return replace(run, seconds=seconds)
        left_out.append(run.failed)


@cache
def _around(changed_files: tuple[str, ...]) -> str:
    """The slices that are changed, and what every test stands on. Without a change: the whole product."""
    slices = {"/".join(name.split("/")[:2]) for name in changed_files} or {"portal"}
    return _digest([ROOT / name for name in sorted({*slices, "portal/plumbing", "migrations/versions"})])


@cache
def _files(tests: tuple[str, ...]) -> str:
    return _digest([ROOT / name for name in tests if (ROOT / name).exists()])


def _digest(places: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _load(path: Path) -> dict[str, dict[str, object]]:
    try:
        kept: dict[str, dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _save(path: Path, kept: dict[str, dict[str, object]]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    fresh.replace(path)


def _tell(done: int, of: int, what: str) -> None:
    full = _BAR * done // of
    line = f"{'█' * full}{'·' * (_BAR - full)} {done}/{of}  {what}"
    print(f"\r{line[:118]:<118}" if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)
