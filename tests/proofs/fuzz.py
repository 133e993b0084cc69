"""`./dev prove fuzz`: 200,000 hostile requests to each wallet's address of the real application.

Settings: CASES (how many for each), SEED (another one is another set of cases). What was done stands in `.proofs/`,
for the sources it was done with: when those change it begins anew.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from deploy.postgres import EmbeddedPostgres
from deploy.reset import remove_cluster
from portal.factory import settle_down
from portal.plumbing.schema_upgrade import upgrade
from tests.proofs import judging
from tests.proofs.ground import WALLETS, Ground, prepared
from tests.proofs.judging import Verdict

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".proofs"
CASES = 200_000
CHUNK = 1_000
MEDIAN_MS, MOST_FAULTS = 50.0, 20
_SOURCES = ("portal/notices", "portal/wallets", "portal/plumbing", "portal/factory.py", "tests/proofs")
_BAR = 30


def prove(options: list[str]) -> int:
    """Run what is left, print a line for each wallet; 1 when anything was wrong. Takes no options."""
    if options:
        print(f"✗ fuzz 不认识 {options[0]} / fuzz takes no options: {options[0]} (CASES, SEED)")
        return 2
    cases, seed = int(os.environ.get("CASES", CASES)), int(os.environ.get("SEED", "1"))
    PLACE.mkdir(exist_ok=True)
    verdicts = {wallet: _kept(wallet, seed) for wallet in WALLETS}
    if any(verdict.cases < cases for verdict in verdicts.values()):
        print("· 准备数据库 / preparing a database …", flush=True)
        with _ground() as ground:
            for wallet, verdict in verdicts.items():
                _go_on(ground, wallet, seed, cases, verdict)
    for wallet, verdict in verdicts.items():
        print(_line(wallet, verdict))
    return int(any(_is_bad(verdict) for verdict in verdicts.values()))


def _go_on(ground: Ground, wallet: str, seed: int, cases: int, verdict: Verdict) -> None:
    began, before = time.monotonic(), verdict.cases
    while verdict.cases < cases and len(verdict.faults) < MOST_FAULTS:
        numbers = range(verdict.cases, min(verdict.cases + CHUNK, cases))
        judging.run(ground, wallet, numbers, seed, verdict)
        _keep(wallet, seed, verdict)
        speed = (verdict.cases - before) / (time.monotonic() - began)
        full = _BAR * verdict.cases // cases
        bar = "█" * full + "·" * (_BAR - full)
        left = (cases - verdict.cases) / speed / 60
        print(f"\r{wallet:>12} {bar} {verdict.cases:,}/{cases:,}  {speed:,.0f}/s  {left:.1f} min ", end="", flush=True)
    if verdict.cases > before:
        print()


def _line(wallet: str, verdict: Verdict) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(verdict.statuses.items()))
    mark = "✗" if _is_bad(verdict) else "✓"
    times = "  ".join(f"p{share * 100:g} {verdict.quantile_ms(share):.2f}" for share in (0.5, 0.99, 0.999))
    lines = [
        f"{mark} {wallet}: {verdict.cases:,} cases, median and tails in ms: {times}  worst {verdict.worst_ms:.1f}"
        f" (worst time at work {verdict.worst_busy_ms:.1f})",
        f"  answers {answers}; the genuine notice once more: {verdict.repeated:,}; faults: {len(verdict.faults)}",
    ]
    return "\n".join([*lines, *(f"  ✗ {fault}" for fault in verdict.faults)])


def _is_bad(verdict: Verdict) -> bool:
    return bool(verdict.faults) or verdict.quantile_ms(0.5) >= MEDIAN_MS


def _kept(wallet: str, seed: int) -> Verdict:
    try:
        told = json.loads(_file(wallet, seed).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return Verdict()
    if told.pop("sources") != _sources() or told["faults"]:
        return Verdict()
    return Verdict(**told)


def _keep(wallet: str, seed: int, verdict: Verdict) -> None:
    fresh = _file(wallet, seed).with_suffix(".new")
    fresh.write_text(json.dumps({"sources": _sources(), **asdict(verdict)}), encoding="utf-8")
    fresh.replace(_file(wallet, seed))


def _file(wallet: str, seed: int) -> Path:
    return PLACE / f"fuzz-{wallet}-{seed}.json"


@cache
def _sources() -> str:
    """Of what is being proved, as it was when this run began."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        place = ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _ground() -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="yima-proof-"))
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        server.create_database("proof")
        urls = server.urls("proof")
        upgrade(urls["DATABASE_OWNER_URL"])
        with prepared(urls["DATABASE_URL"], urls["DATABASE_STAFF_URL"], folder) as ground:
            # As the real processes do once they have started.
            settle_down()
            yield ground
    finally:
        server.stop()
        remove_cluster(folder)
        shutil.rmtree(folder, ignore_errors=True)
