"""The proof before release: the finished page is drawn, read by a decoder we did not write, and measured."""

from dataclasses import dataclass

import zxingcpp
from PIL import Image

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import PlateFace
from portal.codes.plates.formats import LEAST_MODULE, QUIET_MODULES
from portal.codes.plates.layout import CodeBox
from portal.codes.plates.png import rasterise

_DPI = 150
_MM = _DPI / 25.4
# Grey levels from here on count as paper.
_LIGHT = 224


@dataclass(frozen=True, slots=True)
class Finding:
    """What the drawn page shows: the decoded text, the module in mm, the clear space at its narrowest in modules."""

    text: str
    module: float
    quiet: float


def proof(pdf: bytes, face: PlateFace, code: CodeBox) -> Finding:
    """Read the page back. Raises PlateUnfit("proof") unless its one code says `face.url`, large and clear."""
    picture = rasterise(pdf, dpi=_DPI).convert("L")
    finding = _measure(picture, code.modules)
    if finding.text != face.url:
        raise PlateUnfit("proof", finding="text", text=finding.text)
    if finding.module < LEAST_MODULE - 0.02:
        raise PlateUnfit("proof", finding="module", module=round(finding.module, 3))
    # The soft edge of the symbol and the last whole pixel of the frame cost one pixel each way at this resolution.
    if finding.quiet < QUIET_MODULES - 1.5 / (finding.module * _MM):
        raise PlateUnfit("proof", finding="quiet", quiet=round(finding.quiet, 2))
    return finding


def _measure(picture: Image.Image, modules: int) -> Finding:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    if len(found) != 1 or not found[0].valid:
        raise PlateUnfit("proof", finding="codes", count=len(found))
    corners = found[0].position
    dark = picture.point(lambda level: 0 if level >= _LIGHT else 255)
    left, top, right, bottom = _symbol_box(dark, corners, modules)
    side = (right - left + bottom - top) / 2
    module = side / modules
    return Finding(found[0].text, module / _MM, _clear_space(dark, (left, top, right, bottom), module))


def _symbol_box(dark: Image.Image, corners: "zxingcpp.Position", modules: int) -> tuple[int, int, int, int]:
    """The symbol's exact pixels: the decoder's corners, a module and a half wider, shrunk to the ink."""
    xs = [corners.top_left.x, corners.top_right.x, corners.bottom_left.x, corners.bottom_right.x]
    ys = [corners.top_left.y, corners.top_right.y, corners.bottom_left.y, corners.bottom_right.y]
    slack = int(1.5 * (max(xs) - min(xs)) / modules)
    area = (min(xs) - slack, min(ys) - slack, max(xs) + slack, max(ys) + slack)
    inside = dark.crop(area).getbbox()
    if inside is None:
        raise PlateUnfit("proof", finding="codes", count=0)
    return area[0] + inside[0], area[1] + inside[1], area[0] + inside[2], area[1] + inside[3]


def _clear_space(dark: Image.Image, box: tuple[int, int, int, int], module: float) -> float:
    """The widest frame about `box` that holds no ink and stays on the page, in modules."""
    clear = 0
    most = int(8 * module)
    left, top, right, bottom = box
    hollow = dark.copy()
    hollow.paste(0, box)
    for step in range(1, most + 1):
        frame = (left - step, top - step, right + step, bottom + step)
        if frame[0] < 0 or frame[1] < 0 or frame[2] > dark.width or frame[3] > dark.height:
            break
        if hollow.crop(frame).getbbox() is not None:
            break
        clear = step
    return clear / module
