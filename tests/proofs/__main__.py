"""`./dev prove [NAME …]`: proofs too long for every test run. Each goes on where it was stopped."""

import sys

from tests.proofs import fuzz

PROOFS = {"fuzz": fuzz.prove}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print(f"✗ 没有这个证明:{unknown[0]} / no such proof: {unknown[0]} ({', '.join(PROOFS)})", file=sys.stderr)
        return 2
    return max([PROOFS[name]() for name in names or PROOFS])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\n· 已停下,下次从这里继续 / stopped: the next time goes on from here", file=sys.stderr)
        sys.exit(130)
