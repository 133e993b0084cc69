"""Cuts the statement's faces out of Noto Sans SC and Noto Serif SC (SIL Open Font License 1.1).

Recipe (only when a face itself changes; the results are committed):

    npm pack @expo-google-fonts/noto-sans-sc@0.4.3 @expo-google-fonts/noto-serif-sc@0.4.3
    tar xzf …noto-sans-sc… package/400Regular package/700Bold; the same for the serif's package/700Bold
    python portal/settlement/statement/fonts/build.py Regular.ttf Bold.ttf SerifBold.ttf

Regular: Latin, punctuation, and the signs of GB 2312. Signs: what the plates' bold face lacks and amounts need. Stamp:
the words of the stamp only. What Regular lacks is drawn with the plates' bold face, which has nearly everything.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent
_SIGNS = "−×≠≤≥·"
_STAMP = "待对账已平单在查不全一二三"
_LATIN = range(0x20, 0x7F)
_MARKS = (
    (0xA0, 0xFF),
    (0x2010, 0x2027),
    (0x2030, 0x203B),
    (0x2212, 0x2212),
    (0x3000, 0x3017),
    (0xFF01, 0xFF5E),
    (0xFFE5, 0xFFE5),
)


def regular_points() -> set[int]:
    """The code points of the regular face."""
    hanzi = {
        ord(bytes((high, low)).decode("gb2312"))
        for high in range(0xB0, 0xF8)
        for low in range(0xA1, 0xFF)
        if not (high == 0xD7 and low > 0xF9)
    }
    return hanzi | set(_LATIN) | {point for first, last in _MARKS for point in range(first, last + 1)}


def build(regular: Path, bold: Path, serif: Path) -> None:
    """Write the three faces beside this file."""
    _cut(regular, regular_points(), HERE / "NotoSansSC-Regular.ttf")
    _cut(bold, {ord(sign) for sign in _SIGNS}, HERE / "NotoSansSC-Bold-signs.ttf")
    _cut(serif, {ord(sign) for sign in _STAMP} | set(_LATIN), HERE / "NotoSerifSC-Bold-stamp.ttf")


def _cut(source: Path, points: set[int], target: Path) -> None:
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = ["kern", "pwid"]
    options.hinting = False
    options.drop_tables += ["vhea", "vmtx", "gasp", "prep", "BASE", "STAT", "GDEF"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=points)
    cutter.subset(font)
    font.save(target)


if __name__ == "__main__":
    build(*(Path(name) for name in sys.argv[1:4]))
