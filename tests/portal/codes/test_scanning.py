"""Reading codes out of files, in the process that does it."""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from portal.codes.scanning.asking import FILE_MOST_BYTES, codes_in
from portal.plumbing.press import PressFailed
from portal.values.errors import Refused
from tests.portal.codes.pictures import MERCHANT, PERSONAL, pdf, photo, qr, wall_without_a_code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_it_reads_a_photo_of_every_usual_kind(kind: str) -> None:
    assert codes_in(photo(PERSONAL, format=kind)) == [PERSONAL]


@pytest.mark.parametrize("tilt", [-20, 7, 45, 90])
def test_it_reads_a_crooked_photo(tilt: float) -> None:
    assert codes_in(photo(PERSONAL, tilt=tilt)) == [PERSONAL]


def test_it_reads_a_pdf_page_by_page() -> None:
    assert codes_in(pdf(PERSONAL, MERCHANT)) == [PERSONAL, MERCHANT]


def test_several_codes_come_from_top_to_bottom_and_each_once() -> None:
    assert codes_in(photo(MERCHANT, PERSONAL, MERCHANT)) == [MERCHANT, PERSONAL]


def test_a_code_too_small_in_the_reduced_photo_is_found_at_full_size() -> None:
    wall = Image.new("RGB", (4500, 3400), "white")
    wall.paste(qr(PERSONAL, module=2), (3000, 2500))
    out = io.BytesIO()
    wall.save(out, "JPEG", quality=90)
    assert codes_in(out.getvalue()) == [PERSONAL]


def test_a_code_on_transparent_ground_lies_on_white_paper() -> None:
    code = qr(PERSONAL).convert("L")
    ink = Image.new("RGBA", code.size, (0, 0, 0, 0))
    ink.paste((0, 0, 0, 255), (0, 0), code.point(lambda level: 255 - level))
    out = io.BytesIO()
    ink.save(out, "PNG")
    assert codes_in(out.getvalue()) == [PERSONAL]


def test_it_keeps_no_copy_of_the_photo() -> None:
    before = set(Path(tempfile.gettempdir()).glob("yima-scan-*"))
    codes_in(photo(PERSONAL))
    assert set(Path(tempfile.gettempdir()).glob("yima-scan-*")) <= before


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "empty"),
        (b"x" * (FILE_MOST_BYTES + 1), "large"),
        (b"not a picture", "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind"),
        (b"%PDF-1.7 and nothing behind it", "kind"),
        (photo(PERSONAL)[:900], "kind"),
        (wall_without_a_code(), "none"),
    ],
)
def test_it_says_why_a_file_gives_nothing(file: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        codes_in(file)
    assert refusal.value.reason == reason


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header() -> None:
    out = io.BytesIO()
    Image.new("1", (12_000, 9_000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(Refused, match="pixels"):
        codes_in(out.getvalue())


def test_after_a_refusal_the_same_process_reads_on() -> None:
    with pytest.raises((Refused, PressFailed)):
        codes_in(b"junk")
    assert codes_in(photo(PERSONAL)) == [PERSONAL]


def test_the_web_process_loads_no_decoder() -> None:
    script = (
        "import sys; import portal.codes.scanning.asking;"
        "print(sorted({'zxingcpp', 'pillow_heif', 'pypdfium2', 'PIL'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
