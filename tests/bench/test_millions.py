"""The benches of millions, at some thousands: both sides do the same; how fast is not a test's business."""

from pathlib import Path

import pytest

from bench import drift, export, page, reconcile
from bench.bill import ROUND
from bench.facts import Trade
from bench.stand import stand


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hardly any rows, and the figures go nowhere."""
    monkeypatch.setenv("BENCH_SCALE", "0.0001")
    monkeypatch.setenv("BENCH_ROUNDS", "1")
    monkeypatch.setattr(drift, "once", lambda: None)
    monkeypatch.setattr("bench.figures.RESULTS", tmp_path)
    monkeypatch.setattr(page, "REQUESTS", 2)


def test_what_is_loaded_is_what_would_have_been_posted_and_a_loader_that_has_drifted_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with stand() as place:
        assert drift.check(place, 60) > 60 * 5
        monkeypatch.setattr("bench.loading.FEE_RATE_BP", 39)
        with pytest.raises(AssertionError, match="differs"):
            drift.check(place, 20)


def test_the_portal_finds_every_lie_in_a_bill_and_no_other(tmp_path: Path) -> None:
    with stand() as place:
        given = reconcile.prepare(place, tmp_path, Trade(range(1, 21), ROUND // 20, reconcile.DAY, 1))
        assert {kind for kind, *_ in given.differences} == {
            "amount", "channel_only", "duplicate", "local_only", "status",
        }  # fmt: skip
        found = tmp_path / "portal.csv"
        arguments = [given.path, place.settings.database_staff_url, reconcile.DAY.isoformat(), found]
        seconds, megabytes = reconcile.measure("bench.reconcile_portal", arguments)
        reconcile.check(found, given)
    assert seconds > 0
    assert megabytes > 0


def test_both_exports_say_the_same_cell_by_cell() -> None:
    figures = export.run()
    assert len(figures) == 2
    assert all(figure.measured > 0 and figure.alternative > 0 for figure in figures)


def test_both_ways_of_paging_show_the_same_receipts() -> None:
    figures = page.run()
    assert len(figures) == 2
    assert all(figure.measured > 0 and figure.alternative > 0 for figure in figures)
