"""The printing process of plates: `python -m portal.codes.plates.child`, started and spoken to by `printing`."""

from functools import lru_cache
from typing import Any

from portal.codes.plates.face import PlateFace
from portal.codes.plates.pdf import plate_pdf
from portal.codes.plates.png import plate_png
from portal.plumbing.press import serve


def answer(request: dict[str, Any]) -> bytes:
    """The print a request names: {"face", "template", "output": "pdf" | "png", "dpi"}."""
    pdf = _printed(PlateFace.from_message(request["face"]), request["template"])
    return pdf if request["output"] == "pdf" else plate_png(pdf, dpi=request["dpi"])


@lru_cache(maxsize=64)
def _printed(face: PlateFace, template: str) -> bytes:
    # An owner looks at the picture and then takes the PDF: one drawing serves both.
    return plate_pdf(face, template=template)


if __name__ == "__main__":
    serve(answer)
