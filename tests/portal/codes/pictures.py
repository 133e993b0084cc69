"""Photos of codes for the tests, drawn by a library the portal does not draw with."""

import io

import pillow_heif
import qrcode
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()
PERSONAL = "wxp://f2f0aGVsbG8tZnJvbS1hLXRlc3QtcGxhdGU"
MERCHANT = "https://payapp.weixin.qq.com/materialqr/entry/home?id=AbC123xyz"


def qr(text: str, *, module: int = 6) -> Image.Image:
    """A code with its quiet zone."""
    code = qrcode.QRCode(box_size=module, border=4)
    code.add_data(text)
    code.make()
    return code.make_image().get_image().convert("RGB")


def photo(*texts: str, format: str = "JPEG", size: tuple[int, int] = (1200, 1600), tilt: float = 0) -> bytes:
    """A picture with one code under the other on a grey wall."""
    wall = Image.new("RGB", size, (150, 146, 140))
    for place, text in enumerate(texts):
        plate = qr(text)
        if tilt:
            plate = plate.rotate(tilt, expand=True, fillcolor=(150, 146, 140))
        wall.paste(plate, (120, 60 + place * (plate.height + 40)))
    out = io.BytesIO()
    wall.save(out, format)
    return out.getvalue()


def wall_without_a_code() -> bytes:
    """A wall with a picture frame on it."""
    wall = Image.new("RGB", (800, 600), (150, 146, 140))
    ImageDraw.Draw(wall).rectangle((100, 100, 400, 400), outline="black", width=9)
    out = io.BytesIO()
    wall.save(out, "JPEG")
    return out.getvalue()


def pdf(*texts: str) -> bytes:
    """A PDF with one code a page."""
    pages = [qr(text) for text in texts]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()
