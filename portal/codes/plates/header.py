"""The head of a plate: the shop's name as large as its length allows, a second name below it, the stroke under both."""

from dataclasses import dataclass

from portal.codes.plates.formats import Format
from portal.codes.plates.layout import EM_TOP, Stroke, Text
from portal.codes.plates.lines import Measure, balance, is_latin
from portal.codes.plates.themes import Theme

MOST_LINES = 5
MOST_SPREAD = 0.4
# Width in em up to which a name stands on one, two, three, four lines (an ideograph is one em). Latin words read as a
# picture and bear being smaller.
_FITS = (6.6, 14.5, 30.5, 52.0)
_FITS_LATIN = (10.0, 20.0, 30.5, 52.0)
_LINE = 1.2
# Ink begins inside the em box; moving a line out by this much lets it meet the ends of the stroke.
OUTDENT = 0.045
# The ink of a full-width opening bracket begins in the middle of its em box.
_BRACKETS = "（【《「『"
_BRACKET_OUTDENT = 0.5
# In stroke thicknesses: header's edge below the stroke; room between name and stroke; room above the name.
_BELOW_STROKE = 3.9
_ABOVE_STROKE = 5.8
_ABOVE_STROKE_LATIN = 4.6
_TOP = 3.55


@dataclass(frozen=True, slots=True)
class Name:
    """A name cut into lines; `size` and `spacing` in mm, one for all lines."""

    lines: tuple[str, ...]
    size: float
    spacing: float

    @property
    def height(self) -> float:
        """From the first em box's top to the last one's bottom."""
        return self.size * (1 + _LINE * (len(self.lines) - 1))


@dataclass(frozen=True, slots=True)
class Header:
    """The laid out head: its height in mm and what stands in it."""

    height: float
    texts: tuple[Text, ...]
    stroke: Stroke


def lay_header(name: str, second: str, sizes: Format, theme: Theme, measure: Measure) -> Header:
    """Head of a plate for `name` and, where not empty, a `second` name below. The head grows only for long names."""
    unit = sizes.stroke
    above = _ABOVE_STROKE_LATIN if second else _ABOVE_STROKE
    fixed = (_TOP + above + 1 + _BELOW_STROKE) * unit
    below = _fit_second(second, sizes, measure) if second else None
    gap = 0.46 * below.size if below else 0.0
    room = sizes.header_most - fixed - (gap + below.height if below else 0.0)
    main = fit_name(name, sizes, room, measure)
    block = main.height + (gap + below.height if below else 0.0)
    height = max(sizes.header_least, fixed + block)
    bar = height - (_BELOW_STROKE + 1) * unit
    top = min((bar - block) / 2, bar - block - above * unit)
    texts = _lines(main, top, sizes.margin, theme.name)
    if below:
        texts += _lines(below, top + main.height + gap, sizes.margin, theme.name)
    stroke = Stroke(sizes.margin, bar + unit, sizes.measure, unit, theme.stroke)
    return Header(height, texts, stroke)


def fit_name(name: str, sizes: Format, room: float, measure: Measure) -> Name:
    """The largest setting of `name` in a head with `room` mm for it; never below the format's least size.

    One common size for all lines; what is left of the longest line's width goes between its signs, up to 0.4 em.
    """
    width = measure(name)
    fits = _FITS_LATIN if is_latin(name) else _FITS
    first = next((count for count, most in enumerate(fits, 1) if width <= most), MOST_LINES)
    for whole_words in (True, False):
        for count in range(first, MOST_LINES + 1):
            lines = balance(name, count, measure, whole_words=whole_words)
            if lines and (size := _size(lines, sizes, room, measure)) >= sizes.name_least:
                return Name(tuple(lines), size, _spacing(lines, size, sizes.measure, measure))
    raise AssertionError("60 signs fit five lines of the least size in every format")


def _size(lines: list[str], sizes: Format, room: float, measure: Measure) -> float:
    widest = max(measure(line) for line in lines)
    if len(lines) == 1 and not is_latin(lines[0]):
        # A single line never runs tight: a breath of air between its signs.
        widest += 0.06 * (len(lines[0]) - 1)
    across = sizes.measure / (widest - 2 * OUTDENT)
    by_room = room / (1 + _LINE * (len(lines) - 1))
    return min(sizes.name_most, across, max(sizes.name_least, by_room))


def _spacing(lines: list[str], size: float, across: float, measure: Measure) -> float:
    if any(is_latin(line) for line in lines):
        return 0.0
    left = [(across + 2 * OUTDENT * size - measure(line) * size) / (len(line) - 1) for line in lines if len(line) > 1]
    return max(0.0, min(MOST_SPREAD * size, *left)) if left else 0.0


def _fit_second(name: str, sizes: Format, measure: Measure) -> Name:
    across = sizes.measure
    if measure(name) * sizes.name_below <= across:
        return Name((name,), sizes.name_below, 0.0)
    lines = balance(name, 2, measure) or balance(name, 2, measure, whole_words=False) or [name]
    size = min(sizes.name_below, across / max(measure(line) for line in lines))
    return Name(tuple(lines), size, 0.0)


def _lines(name: Name, top: float, margin: float, colour: str) -> tuple[Text, ...]:
    return tuple(
        Text(
            text=line,
            x=margin - (_BRACKET_OUTDENT if line[0] in _BRACKETS else OUTDENT) * name.size,
            baseline=top + (EM_TOP + _LINE * row) * name.size,
            size=name.size,
            colour=colour,
            spacing=name.spacing,
            latin=is_latin(line),
        )
        for row, line in enumerate(name.lines)
    )
