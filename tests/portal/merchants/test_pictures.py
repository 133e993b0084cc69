"""A photographed document is measured, decoded small and written anew."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageFile

from portal.merchants.pictures import PICTURE_MOST_BYTES, clean_picture
from portal.values.errors import Refused


def picture(kind: str, size: tuple[int, int] = (800, 600), **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(written, kind, **options)
    return written.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises more than it holds."""
    bodies = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(9)))
    chunks = (struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in bodies)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(autouse=True)
def as_in_the_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint, which only the printing process loads, makes Pillow take half a picture for a whole one."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_it_becomes_a_jpeg_of_bounded_size(kind: str) -> None:
    with Image.open(io.BytesIO(clean_picture(picture(kind, (3000, 1500))))) as made:
        assert made.format == "JPEG"
        assert max(made.size) <= 2000


def test_it_loses_its_metadata_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (30.0, 15.0, 0.0)}
    with Image.open(io.BytesIO(clean_picture(picture("JPEG", (800, 400), exif=exif)))) as made:
        assert made.size == (400, 800)
        assert not made.getexif()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "picture_unreadable"),
        (b"GIF89a" + bytes(100), "picture_unreadable"),
        (picture("JPEG")[:400], "picture_unreadable"),
        (picture("PNG")[:60], "picture_unreadable"),
        (picture("GIF"), "picture_unreadable"),
        (picture("JPEG", (100, 100)), "picture_small"),
        (png_header(30000, 30000), "picture_large"),
        (bytes(PICTURE_MOST_BYTES + 1), "picture_large"),
    ],
    ids=["empty", "no gif", "cut jpeg", "cut png", "gif", "small", "bomb", "too many bytes"],
)
def test_it_refuses_what_it_cannot_use(raw: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        clean_picture(raw)
    assert refusal.value.reason == reason
