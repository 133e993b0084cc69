"""The committed face by fontTools: how wide a line is, and a copy cut down to one plate's characters.

Only the printing process imports this module; the web process asks `coverage` instead.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from portal.codes.plates.coverage import FONTS
from portal.codes.plates.lines import is_latin

FACE_FILE = FONTS / "NotoSansSC-Bold.ttf"


def width(text: str) -> float:
    """The advance width of `text` in em, without kerning. Latin lines count with proportional punctuation."""
    advances = _proportional_advances() if is_latin(text) else _advances()
    return sum(advances[ord(sign)] for sign in text)


def cut_to(text: str, *, face: Path = FACE_FILE) -> bytes:
    """The face with only the glyphs of `text` (about 10 KB for a plate): small enough to embed as it is."""
    font = TTFont(BytesIO(_file(face)), lazy=True, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = ["kern", "pwid"]
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [1, 2, 6]
    cutter = subset.Subsetter(options)
    cutter.populate(text=text)
    cutter.subset(font)
    cut = BytesIO()
    font.save(cut)
    return cut.getvalue()


@cache
def _file(face: Path = FACE_FILE) -> bytes:
    return face.read_bytes()


@cache
def _advances() -> dict[int, float]:
    font = TTFont(BytesIO(_file()), lazy=True)
    metrics, units = font["hmtx"], font["head"].unitsPerEm
    return {point: metrics[glyph][0] / units for point, glyph in font.getBestCmap().items()}


@cache
def _proportional_advances() -> dict[int, float]:
    font = TTFont(BytesIO(_file()), lazy=True)
    metrics, units, substitutions = font["hmtx"], font["head"].unitsPerEm, font["GSUB"].table
    narrow: dict[str, str] = {}
    for record in substitutions.FeatureList.FeatureRecord:
        if record.FeatureTag == "pwid":
            for lookup in record.Feature.LookupListIndex:
                for table in substitutions.LookupList.Lookup[lookup].SubTable:
                    narrow |= getattr(table, "ExtSubTable", table).mapping
    glyphs = font.getBestCmap().items()
    return {point: metrics[narrow.get(glyph, glyph)][0] / units for point, glyph in glyphs}
