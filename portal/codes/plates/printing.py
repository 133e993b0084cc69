"""Plates for a web request: the drawing happens in a warm process beside this one, with limits and a deadline."""

import atexit

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import PlateFace
from portal.plumbing.press import Press, PressRefused

LEAST_DPI, MOST_DPI = 72, 300

_press = Press("portal.codes.plates.child")
atexit.register(_press.close)


def render_plate_pdf(face: PlateFace, *, template: str = "a5") -> bytes:
    """The plate as a one-page PDF, proofed. Raises PlateUnfit for an unprintable face, PressFailed if no print came."""
    return _print(face, template, output="pdf", dpi=0)


def render_plate_png(face: PlateFace, *, template: str = "a5", dpi: int = 200) -> bytes:
    """The same plate as PNG bytes. Raises as `render_plate_pdf`, and ValueError beyond 72 to 300 dpi."""
    if not LEAST_DPI <= dpi <= MOST_DPI:
        raise ValueError(f"{dpi} dpi")
    return _print(face, template, output="png", dpi=dpi)


def warm_up() -> None:
    """Begin to load the printing process; for pages from which a plate is one click away."""
    _press.warm()


def _print(face: PlateFace, template: str, *, output: str, dpi: int) -> bytes:
    try:
        return _press.ask({"face": face.as_message(), "template": template, "output": output, "dpi": dpi})
    except PressRefused as refusal:
        raise PlateUnfit(refusal.reason, **refusal.facts) from None
