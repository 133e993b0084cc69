"""One short storm in every test run; the long ones are `./dev chaos`, their table is docs/proof.md."""

from pathlib import Path

from deploy.settings import ROOT
from tests.chaos.report import one
from tests.chaos.running import Size, live_through


def test_not_a_fen_is_lost_in_a_short_storm(tmp_path: Path) -> None:
    said: list[str] = []
    end = live_through(5, Size(payments=120, faults=20), place=tmp_path, root=ROOT, say=said.append)
    told = one(end)
    assert end.good, told
    assert sum(end.faults.values()) >= 15, told
    assert end.verdict.payments >= 110, told
    assert end.verdict.refunds > 0, told
