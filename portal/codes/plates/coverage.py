"""Which characters the committed face can draw. Reads a small list, so that a web request needs no font library."""

import unicodedata
from functools import cache
from pathlib import Path

FONTS = Path(__file__).resolve().parent / "fonts"


def missing_glyphs(text: str) -> list[str]:
    """The characters of `text` that a plate cannot show, each once, in order of appearance; [] when all is well.

    Besides signs without a glyph these are the invisible ones (line breaks, direction marks, joiners).
    """
    covered = _covered()
    return [sign for sign in dict.fromkeys(text) if ord(sign) not in covered or unicodedata.category(sign)[0] == "C"]


@cache
def _covered() -> frozenset[int]:
    lines = (FONTS / "coverage.txt").read_text(encoding="ascii").split()
    ranges = (line.split("-") for line in lines)
    return frozenset(point for first, last in ranges for point in range(int(first, 16), int(last, 16) + 1))
