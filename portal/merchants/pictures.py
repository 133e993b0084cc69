"""A photographed document, made harmless: measured before it is decoded, then written anew without its metadata."""

import io

from PIL import Image, ImageOps

from portal.values.errors import Refused

PICTURE_MOST_BYTES = 5 * 1024 * 1024
# Checked in the header, before a single pixel is decoded. A PNG cannot be decoded at a smaller scale, a JPEG can.
_MOST_PIXELS = {"JPEG": 60_000_000, "PNG": 25_000_000}
_LEAST_SIDE = 240
_LONGEST_SIDE = 2000
_QUALITY = 85


def clean_picture(raw: bytes) -> bytes:
    """The picture as a JPEG of at most 2000 px a side. Raises Refused(`picture_large|unreadable|small`)."""
    if len(raw) > PICTURE_MOST_BYTES:
        raise Refused("picture_large")
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > _MOST_PIXELS[image.format or "PNG"]:
                raise Refused("picture_large")
            if min(image.size) < _LEAST_SIDE:
                raise Refused("picture_small")
            image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("picture_large") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("picture_unreadable") from error
    written = io.BytesIO()
    upright.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
