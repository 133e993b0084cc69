"""`./dev prove machine`: the state machine's long game, every order of six events with a fault on every edge, and a
kill before every round trip of what the short run samples.

`--examples N --steps N`: how long the machine plays. What fails says how to repeat it.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def prove(options: list[str]) -> int:
    """1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="./dev prove machine")
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=100)
    asked = parser.parse_args(options)
    environment = {**os.environ, "MACHINE": "long", "EXAMPLES": str(asked.examples), "STEPS": str(asked.steps)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=0", "--durations-min=1"]
    run = [*command, "tests/machine", "tests/failpoints"]
    return int(subprocess.run(run, cwd=ROOT, env=environment, check=False).returncode != 0)
