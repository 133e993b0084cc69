"""`./dev bench [NAME …]`: measure against named alternatives, interleaved in one run. Exit 1 where a goal is missed."""

import sys
from collections.abc import Callable, Mapping, Sequence

from bench import export, ingest, page, reconcile
from bench.figures import Figure

BENCHES: Mapping[str, Callable[[], Sequence[Figure]]] = {
    "ingest": ingest.run,
    "reconcile": reconcile.run,
    "export": export.run,
    "page": page.run,
}


def main(names: Sequence[str]) -> int:
    """Run the named benches, or all."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no such bench: {' '.join(unknown)} (there are: {' '.join(BENCHES)})", file=sys.stderr)
        return 2
    missed = 0
    for name in names or BENCHES:
        for figure in BENCHES[name]():
            print(figure.line(), flush=True)
            missed += not figure.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
