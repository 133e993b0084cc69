"""`./dev reset` removes what `./dev run` made, and nothing else."""

from pathlib import Path

import pytest

from deploy.reset import reset
from deploy.settings import MARKER
from deploy.trouble import Trouble


def test_it_refuses_a_directory_that_the_run_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(Trouble, match="nothing was removed"):
        reset(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear all"


def test_it_removes_the_whole_data_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    (data_dir / "sandbox").mkdir(parents=True)
    (data_dir / MARKER).touch()
    assert reset(data_dir) == [data_dir]
    assert not data_dir.exists()


def test_it_follows_no_link_out_of_the_data_directory(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "photo.jpg").touch()
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / MARKER).touch()
    (data_dir / "link").symlink_to(kept)
    reset(data_dir)
    assert (kept / "photo.jpg").exists()


def test_nothing_to_remove_is_no_error(tmp_path: Path) -> None:
    assert reset(tmp_path / "never") == []


def test_it_never_runs_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_MODE", "production")
    (tmp_path / MARKER).touch()
    with pytest.raises(Trouble, match="production"):
        reset(tmp_path)
