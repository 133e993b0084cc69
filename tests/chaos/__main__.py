"""`./dev chaos --seeds 1 2 3 …`: live through each seed's plan, heal, compare; exit 1 when money differs."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deploy.settings import ROOT
from deploy.trouble import Trouble
from tests.chaos import report
from tests.chaos.healing import NotHealed
from tests.chaos.product import NotStarted
from tests.chaos.running import Size, live_through


def main(arguments: list[str]) -> int:
    told = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="yima-chaos-") as place:
        root, commit = told.root.resolve(), told.commit
        if commit:
            root = Path(place) / "source"
            commit = _exported(commit, root)
        return _all(told, root, commit)


def _all(told: argparse.Namespace, root: Path, commit: str) -> int:
    size, ends = Size(told.payments, told.faults), []
    for seed in told.seeds:
        with tempfile.TemporaryDirectory(prefix="yima-chaos-") as place:
            began = time.monotonic()
            try:
                end = live_through(seed, size, place=Path(place), root=root, say=_saying(seed, began))
            except (NotStarted, NotHealed, Trouble) as trouble:
                print(f"✗ seed {seed}: {trouble}", file=sys.stderr, flush=True)
                return 1
        print(report.one(end), flush=True)
        ends.append(end)
        if told.write:
            report.write(ends, told.write, commit=commit)
        if not end.verdict.good and told.fail_fast:
            break
    return 0 if all(end.good for end in ends) else 1


def _exported(commit: str, root: Path) -> str:
    """The source of a commit, put into a folder; answers the commit's short name."""
    root.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(root)], input=archive, check=True)
    named = subprocess.run(
        ["git", "rev-parse", "--short", commit], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return named.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="one plan each; the same seed, the same plan")
    parser.add_argument(
        "--payments", type=int, default=Size.payments, help="payments in each seed; refunds come on top"
    )
    parser.add_argument("--faults", type=int, default=Size.faults, help="faults in each seed")
    parser.add_argument("--root", type=Path, default=ROOT, help="the source that is run, e.g. a patched copy")
    parser.add_argument("--commit", default="", help="run this commit's source instead, e.g. HEAD")
    parser.add_argument("--write", type=Path, help="write the table into this document, e.g. docs/proof.md")
    parser.add_argument("--fail-fast", action="store_true", help="stop after the first seed in which money differs")
    return parser


def _saying(seed: int, began: float) -> Callable[[str], None]:
    def say(words: str) -> None:
        print(f"· seed {seed} {time.monotonic() - began:5.0f} s  {words}", flush=True)

    return say


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Whoever ends this ends what it started, too; also where it was begun in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
