"""Two writers, the very same effects; whether one is fast enough is not a test's business."""

from bench import ingest
from bench.figures import Figure


def test_both_writers_leave_the_same_effects_to_the_fen() -> None:
    figures = ingest.run(rounds=1, notices=20)
    assert [figure.name for figure in figures] == [
        "ingest, one writer",
        "ingest, share of commits",
        "ingest, share of crypto",
    ]
    assert all(figure.measured > 0 and figure.alternative > 0 for figure in figures)


def test_a_missed_goal_is_said_so() -> None:
    slow = Figure("x", "a/s", measured=4.9, against="y", alternative=1.0, goal=5.0)
    assert (slow.met, slow.line()) == (False, "x: 5 a/s · y: 1 a/s · 4.90× · goal ≥ 5×, NOT MET")
