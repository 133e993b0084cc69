"""One line a figure: name, measured, named alternative, ratio, goal, met or not. Raw rounds go to a file."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path("test-results") / "bench"


@dataclass(frozen=True)
class Figure:
    """`measured` and `alternative` are medians in `unit`, more is better. `goal`: the least ratio, None for a note."""

    name: str
    unit: str
    measured: float
    against: str
    alternative: float
    goal: float | None

    @property
    def ratio(self) -> float:
        """How many times the alternative."""
        return self.measured / self.alternative

    @property
    def met(self) -> bool:
        """A note has no goal to miss."""
        return self.goal is None or self.ratio >= self.goal

    def line(self) -> str:
        """What is printed."""
        goal = "no goal" if self.goal is None else f"goal ≥ {self.goal:g}×, {'met' if self.met else 'NOT MET'}"
        return (
            f"{self.name}: {self.measured:,.0f} {self.unit} · {self.against}: {self.alternative:,.0f} {self.unit}"
            f" · {self.ratio:.2f}× · {goal}"
        )


def median(rounds: Sequence[float]) -> float:
    """The middle of the rounds."""
    return statistics.median(rounds)


def save(name: str, rounds: Mapping[str, Sequence[float]], figures: Sequence[Figure]) -> Path:
    """Write the raw rounds and the lines made of them; answers where."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"rounds": {key: list(values) for key, values in rounds.items()}, "lines": [f.line() for f in figures]}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path
