"""Find the codes in a file. Runs only inside the scanning process, which has limits of memory and time."""

import warnings
from pathlib import Path

import pillow_heif
import pypdfium2
import zxingcpp
from PIL import Image, ImageOps

from portal.values.errors import Refused

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
# Read from the header, before a pixel is decoded. A phone's largest photo has 50 million.
MOST_PIXELS = 64_000_000
# A photo of 12 million pixels with noise takes 1.4 s at full size and a tenth of that reduced, and reads no worse.
_FIRST_SIDE, _FULL_SIDE = 2000, 4600
_MOST_PAGES = 4
_MOST_CODES = 8
_POINTS_AN_INCH = 72
_PAGE_DPI = 200

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
pillow_heif.register_heif_opener()


def codes_in(path: Path) -> list[str]:
    """The different texts of the codes in the file, from top to bottom, eight at most.

    Raises Refused: `kind` (no picture or PDF we read), `pixels` (too large to be looked at), `none` (no code).
    """
    with path.open("rb") as file:
        head = file.read(1024)
    found = _in_pdf(path) if b"%PDF-" in head else _in_picture(path)
    if not found:
        raise Refused("none")
    return found[:_MOST_CODES]


def _in_picture(path: Path) -> list[str]:
    picture = _grey(path)
    if max(picture.size) <= _FIRST_SIDE:
        return _texts(picture)
    reduced = picture.copy()
    reduced.thumbnail((_FIRST_SIDE, _FIRST_SIDE), reducing_gap=2.0)
    return _texts(reduced) or _texts(picture)


def _in_pdf(path: Path) -> list[str]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise Refused("kind") from error
    texts: dict[str, None] = {}
    try:
        for place in range(min(len(document), _MOST_PAGES)):
            page = document[place]
            scale = min(_PAGE_DPI / _POINTS_AN_INCH, _FULL_SIDE / max(*page.get_size(), 1.0))
            picture = page.render(scale=scale, may_draw_forms=False).to_pil()
            texts.update(dict.fromkeys(_texts(picture.convert("L"))))
    except pypdfium2.PdfiumError as error:
        raise Refused("kind") from error
    finally:
        document.close()
    return list(texts)


def _grey(path: Path) -> Image.Image:
    """Upright, grey, on white paper where it is transparent, at most `_FULL_SIDE` pixels long."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                image.draft("L", (_FULL_SIDE, _FULL_SIDE))
                return _on_paper(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("kind") from error


def _on_paper(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if "A" in upright.getbands() or "transparency" in upright.info:
        layered = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    grey = upright.convert("L")
    grey.thumbnail((_FULL_SIDE, _FULL_SIDE), reducing_gap=2.0)
    return grey


def _texts(picture: Image.Image) -> list[str]:
    """QR codes; and only where there is none, the bar code that a wallet shows to be scanned by a shop."""
    for kind in (zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128):
        seen = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(kind), text_mode=zxingcpp.TextMode.Plain)
        valid = [code for code in seen if code.valid and code.text.strip()]
        valid.sort(key=lambda code: (code.position.top_left.y, code.position.top_left.x))
        if valid:
            return list(dict.fromkeys(code.text.strip() for code in valid))
    return []
