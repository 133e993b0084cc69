"""`./dev prove [NAME [OPTION …] …]`: proofs too long for every test run. Each goes on where it was stopped."""

import sys

from tests.proofs import branches, fuzz, machine, mutants

PROOFS = {"coverage": branches.prove, "fuzz": fuzz.prove, "machine": machine.prove, "mutants": mutants.prove}


def main(words: list[str]) -> int:
    """Run the proofs that are named, each with the options behind its name; all of them when none is."""
    asked: list[tuple[str, list[str]]] = []
    for word in words:
        if word in PROOFS:
            asked.append((word, []))
        elif asked:
            asked[-1][1].append(word)
        else:
            print(f"✗ 没有这个证明:{word} / no such proof: {word} ({', '.join(PROOFS)})", file=sys.stderr)
            return 2
    return max([PROOFS[name](options) for name, options in asked or [(name, []) for name in PROOFS]])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\n· 已停下,下次从这里继续 / stopped: the next time goes on from here", file=sys.stderr)
        sys.exit(130)
