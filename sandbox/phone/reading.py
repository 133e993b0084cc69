"""What the phone's camera does: find the one code in a picture or on the first page of a PDF."""

import io
import threading
import warnings

import pillow_heif
import pypdfium2
import qrcode
import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError
from qrcode.exceptions import DataOverflowError

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_PICTURE = 60_000_000  # pixels
_WORKING_SIDE = 2400  # pixels; larger photos are read reduced first, which is faster and forgives noise
_THUMBNAIL_SIDE = 480
_pdfium = threading.Lock()  # PDFium must not be entered by two threads at once

pillow_heif.register_heif_opener()


class Unreadable(ValueError):
    """No code was read. `reason` is `empty`, `large`, `kind`, `none` or `several`; `texts` lists what `several` saw."""

    def __init__(self, reason: str, texts: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.texts = texts


def read(content: bytes) -> tuple[str, bytes]:
    """The text of the one code in a picture (PNG, JPEG, WebP, GIF, HEIC) or PDF, and a small PNG of what was seen.

    The same code twice (both faces of a tent) counts as one. Raises Unreadable.
    """
    if not content:
        raise Unreadable("empty")
    if len(content) > LARGEST_FILE:
        raise Unreadable("large")
    picture = _first_page(content) if b"%PDF-" in content[:1024] else _picture(content)
    texts = _texts(picture)
    if not texts:
        raise Unreadable("none")
    if len(texts) > 1:
        raise Unreadable("several", texts)
    return texts[0], _thumbnail(picture)


def drawn(text: str) -> bytes:
    """A small PNG of a code that was typed, so that the phone has something to look at."""
    out = io.BytesIO()
    try:
        qrcode.make(text, border=4, box_size=8).save(out, "PNG")
    except (DataOverflowError, ValueError):
        return b""
    return out.getvalue()


def _first_page(content: bytes) -> Image.Image:
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as problem:
            raise Unreadable("kind") from problem
        try:
            page = document[0]
            width, height = page.get_size()
            scale = min(4.0, _WORKING_SIDE / max(width, height, 1))
            return page.render(scale=scale, may_draw_forms=False).to_pil().convert("L")
        except (pypdfium2.PdfiumError, IndexError) as problem:
            raise Unreadable("kind") from problem
        finally:
            document.close()


def _picture(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
            if picture.width * picture.height > LARGEST_PICTURE:
                raise Unreadable("large")
            turned = ImageOps.exif_transpose(picture)
            return _on_white(turned)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise Unreadable("large") from problem
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as problem:
        if isinstance(problem, Unreadable):
            raise
        raise Unreadable("kind") from problem


def _on_white(picture: Image.Image) -> Image.Image:
    """Grey; what is transparent shows white paper, as a viewer would show it."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        paper = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(paper, layered).convert("L")
    return picture.convert("L")


def _texts(picture: Image.Image) -> tuple[str, ...]:
    """The different texts in the picture, tried reduced, as it is, and enlarged."""
    for side in (_WORKING_SIDE, max(picture.size), 2 * max(picture.size)):
        if side > 2 * _WORKING_SIDE:
            continue
        seen = zxingcpp.read_barcodes(
            _fitted(picture, side), formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
        )
        texts = tuple(dict.fromkeys(code.text for code in seen if code.valid and code.text))
        if texts:
            return texts
    return ()


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    factor = side / max(picture.size)
    if factor == 1 or (factor > 1 and side == _WORKING_SIDE):
        return picture
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()
