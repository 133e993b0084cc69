"""Colours that can be read."""

import pytest

from portal.codes.plates.themes import THEMES, Theme, contrast


def test_contrast_agrees_with_the_definitions_ends() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("azurite", (12.3, 6.9, 10.0)),
        ("gamboge", (10.0, 10.0, 12.3)),
        ("jujube", (10.9, 6.0, 9.2)),
        ("ink", (21.0, 21.0, 21.0)),
    ],
)
def test_every_theme_is_legible(name: str, ratios: tuple[float, float, float]) -> None:
    theme = THEMES[name]
    measured = (
        contrast(theme.header, theme.name),
        contrast(theme.header, theme.stroke),
        contrast(theme.band, theme.band_text),
    )
    assert measured == pytest.approx(ratios, abs=0.1)
    assert theme.is_legible()


def test_a_pale_name_on_a_pale_header_is_not_legible() -> None:
    assert not Theme("#E8B04A", "#FFFFFF", "#12181C", "#083A4A", "#FFFFFF").is_legible()
