"""The colours of plates, and the contrast they must have. The code itself is pure black on white in every theme."""

from dataclasses import dataclass

INK = "#12181C"

LEAST_NAME = 7.0
LEAST_BAND = 7.0
LEAST_STROKE = 3.0


@dataclass(frozen=True, slots=True)
class Theme:
    """Hex colours: header and the name on it, stroke, wallet band and its text. `outlined`: the band is a frame."""

    header: str
    name: str
    stroke: str
    band: str
    band_text: str
    outlined: bool = False

    def is_legible(self) -> bool:
        """Whether name and band text reach 7 : 1 and the stroke 3 : 1 (WCAG 2.2 contrast)."""
        return (
            contrast(self.header, self.name) >= LEAST_NAME
            and contrast(self.band, self.band_text) >= LEAST_BAND
            and contrast(self.header, self.stroke) >= LEAST_STROKE
        )


THEMES = {
    "azurite": Theme("#083A4A", "#FFFFFF", "#F5B800", "#F5B800", INK),
    "gamboge": Theme("#F5B800", INK, INK, "#083A4A", "#FFFFFF"),
    "jujube": Theme("#6B1A22", "#FFF6E6", "#E8B04A", "#E8B04A", INK),
    # For the shop's own printer: nothing is filled but the letters and the code.
    "ink": Theme("#FFFFFF", "#000000", "#000000", "#FFFFFF", "#000000", outlined=True),
}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two `#RRGGBB` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
