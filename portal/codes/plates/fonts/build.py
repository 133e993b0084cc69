"""Cuts the plates' face out of the full Noto Sans SC Bold, and writes down which signs it covers.

Recipe (only when the face itself changes; its result is committed):

    npm pack @expo-google-fonts/noto-sans-sc@0.4.3
    tar xzf expo-google-fonts-noto-sans-sc-0.4.3.tgz package/700Bold package/LICENSE_FONT
    python portal/codes/plates/fonts/build.py package/700Bold/NotoSansSC_700Bold.ttf

Kept: Latin, Greek, punctuation and signs found in shop names, kana, bopomofo, the unified ideographs with their
compatibility forms, and of Extension A what GBK or the table of standard characters (通用规范汉字表, 2013) contains.
Hints go: they serve screens of 96 dpi, not paper.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent
FACE = HERE / "NotoSansSC-Bold.ttf"
COVERAGE = HERE / "coverage.txt"

_BLOCKS = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x2C6, 0x2DD), (0x391, 0x3C9), (0x2010, 0x2027), (0x2030, 0x203B),
    (0x20A9, 0x20AC), (0x2103, 0x2103), (0x2116, 0x2116), (0x2122, 0x2122), (0x2150, 0x217F), (0x2190, 0x2193),
    (0x2460, 0x249B), (0x25A0, 0x25CF), (0x2605, 0x2606), (0x2640, 0x2642), (0x3000, 0x3017), (0x301C, 0x301F),
    (0x3021, 0x3029), (0x3041, 0x3096), (0x309B, 0x30FF), (0x3105, 0x312F), (0x3220, 0x3229), (0x4E00, 0x9FFF),
    (0xF900, 0xFAD9), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6),
)  # fmt: skip
_STANDARD_IN_EXTENSION_A = (
    "㑇㑊㕮㘎㙍㙘㙦㛃㛚㛹㟃㠇㠓㤘㥄㧐㧑㧟㫰㬊㬎㬚㭎㭕㮾㰀㳇㳘㳚㴔㵐㶲㸆㸌㺄㻬㽏㿠䁖䂮䃅䃎䅟䌹䎃䎖䏝䏡䏲䐃䓖"
    "䓛䓨䓫䓬䗖䗛䗪䗴䜣䝙䢺䢼䣘䥽䦃䲟䲠䲢䴓䴔䴕䴖䴗䴘䴙䶮"
)


def wanted() -> set[int]:
    """The code points we ask of the full face; what it lacks simply stays away."""
    points = {point for first, last in _BLOCKS for point in range(first, last + 1)}
    in_gbk = {point for point in range(0x3400, 0x4DC0) if len(chr(point).encode("gb18030")) == 2}
    return points | in_gbk | {ord(sign) for sign in _STANDARD_IN_EXTENSION_A}


def build(source: Path) -> None:
    """Write the cut face and its coverage beside this file."""
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = ["kern", "pwid"]
    options.hinting = False
    options.drop_tables += ["vhea", "vmtx", "gasp", "prep", "BASE", "STAT", "GDEF"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted())
    cutter.subset(font)
    font.save(FACE)
    ranges = _ranges(sorted(font.getBestCmap()))
    COVERAGE.write_text("".join(f"{first:04X}-{last:04X}\n" for first, last in ranges), encoding="ascii")


def _ranges(points: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for point in points:
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], point)
        else:
            ranges.append((point, point))
    return ranges


if __name__ == "__main__":
    build(Path(sys.argv[1]))
