"""How large a bench is: as its goal says, or a part of that by `BENCH_SCALE` (0.01: a hundredth)."""

import os


def sized(full: int, *, least: int) -> int:
    """`full`, or the part of it that was asked for, but not less than `least`."""
    return max(least, round(full * float(os.environ.get("BENCH_SCALE", "1"))))


def rounds(full: int) -> int:
    """How often each contender runs: `full`, or `BENCH_ROUNDS`."""
    return int(os.environ.get("BENCH_ROUNDS", full))
