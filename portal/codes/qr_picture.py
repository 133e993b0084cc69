"""A bare QR code as a picture, for a screen; what is printed comes from `plates`."""

from io import BytesIO

from PIL import Image

from portal.codes.plates.qr import symbol_for

_QUIET = 4


def qr_png(text: str, *, module: int = 8) -> bytes:
    """PNG bytes: black on white, `module` pixels a module, four modules of quiet zone. Raises PlateUnfit(`url`)."""
    rows = symbol_for(text).rows
    side = len(rows) + 2 * _QUIET
    picture = Image.new("1", (side, side), 1)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + _QUIET, y + _QUIET), 0)
    out = BytesIO()
    picture.resize((side * module, side * module), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()
