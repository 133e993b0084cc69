"""A finished plate as a picture, for phones whose chat app cannot keep a PDF."""

from io import BytesIO

import pypdfium2
from PIL import Image

_POINTS_AN_INCH = 72


def rasterise(pdf: bytes, *, dpi: int) -> Image.Image:
    """The first page as an RGB picture."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[0].render(scale=dpi / _POINTS_AN_INCH).to_pil().convert("RGB")
    finally:
        document.close()


def plate_png(pdf: bytes, *, dpi: int = 200) -> bytes:
    """PNG bytes that know their resolution. Flat colours: 64 of them hold all the soft edges."""
    picture = rasterise(pdf, dpi=dpi).quantize(64, dither=Image.Dither.NONE)
    out = BytesIO()
    picture.save(out, "PNG", optimize=True, dpi=(dpi, dpi))
    return out.getvalue()
