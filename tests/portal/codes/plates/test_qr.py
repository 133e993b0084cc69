"""The symbol in the plate."""

import re

import pytest

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.qr import symbol_for
from tests.portal.codes.plates.faces import CODE, URL


@pytest.mark.parametrize(
    ("host", "version", "level"),
    [
        ("http://127.0.0.1:8000", 4, "H"),
        ("https://yima.example.cn", 4, "H"),
        ("https://shoukuan.yima.example.cn", 4, "Q"),
        ("https://shoukuan.chengdong.yima.example.cn", 5, "Q"),
    ],
)
def test_it_stays_at_version_4_and_gives_up_correction_before_growing(host: str, version: int, level: str) -> None:
    symbol = symbol_for(f"{host}/c/{CODE}")
    assert (symbol.version, symbol.level) == (version, level)
    assert symbol.modules == 17 + 4 * version


def test_its_path_draws_every_dark_module_once_and_no_other() -> None:
    symbol = symbol_for(URL)
    drawn = set()
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", symbol.path):
        run = {(int(x) + step, int(y)) for step in range(int(length))}
        assert not run & drawn
        drawn |= run
    assert drawn == {(x, y) for y, row in enumerate(symbol.rows) for x, dark in enumerate(row) if dark}


def test_it_refuses_an_address_beyond_version_10() -> None:
    with pytest.raises(PlateUnfit):
        symbol_for("https://" + "a" * 400)
