"""A plate as shapes in mm from the top left corner of the trim: what an arrangement makes and the template draws."""

from dataclasses import dataclass

# Where the ideographic em box of Noto Sans SC sits about the baseline, and where a line box of height 1 begins.
EM_TOP = 0.88
EM_CENTRE = 0.38
LINE_TOP = 0.936


@dataclass(frozen=True, slots=True)
class Text:
    """One line. `x` is its left, right or middle by `anchor`; `spacing` (mm) is added after every sign but the last."""

    text: str
    x: float
    baseline: float
    size: float
    colour: str
    anchor: str = "left"
    spacing: float = 0.0
    latin: bool = False

    @property
    def top(self) -> float:
        """The top of the line box at `line-height: 1`."""
        return self.baseline - LINE_TOP * self.size


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, or with `frame` (mm) its outline drawn inside."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    frame: float = 0.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """The 一 under the name: a bar from `x`, its underside at `bottom`, ending in a triangle that rises over it."""

    x: float
    bottom: float
    width: float
    thickness: float
    colour: str

    @property
    def path(self) -> str:
        """The outline for an SVG path, from (0, 0) at the bar's lower left; y is negative above it."""
        unit, end = self.thickness, self.width
        return (
            f"M0 {-unit:.3f}H{end - 7.2 * unit:.3f}L{end - 4.62 * unit:.3f} {-4.7 * unit:.3f}"
            f"L{end:.3f} {-0.5 * unit:.3f}Q{end - 0.25 * unit:.3f} 0 {end - 0.88 * unit:.3f} 0H{0.3 * unit:.3f}Z"
        )


@dataclass(frozen=True, slots=True)
class Finder:
    """The square of a QR code's corner as a neutral mark before a wallet's name: seven modules wide."""

    x: float
    y: float
    size: float
    colour: str


@dataclass(frozen=True, slots=True)
class CodeBox:
    """Where the QR symbol stands: top left corner without quiet zone, module and side in mm."""

    x: float
    y: float
    module: float
    modules: int

    @property
    def side(self) -> float:
        """The width of the symbol without its quiet zone, mm."""
        return self.module * self.modules


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole plate. Boxes are drawn first, in order; nothing else overlaps."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    texts: tuple[Text, ...]
    stroke: Stroke
    finders: tuple[Finder, ...]
    code: CodeBox
