"""Cutting a name into lines of near equal length, at places where a reader would cut it."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

Measure = Callable[[str], float]

_NEVER_FIRST = set("、，。．；：！？）】》」』’”·…—％℃,.;:!?)]}%")
_NEVER_LAST = set("（【《「『‘“([{")
# How much unevenness (squared, relative) a cut at a space or a bracket is worth.
_NATURAL = 0.08


def is_latin(text: str) -> bool:
    """Whether a line has no ideograph or kana: such lines keep words whole and take proportional punctuation."""
    return all(ord(sign) < 0x2E80 for sign in text)


def balance(text: str, count: int, measure: Measure, *, whole_words: bool = True) -> list[str] | None:
    """`text` in exactly `count` lines of near equal width, or None where it has too few places to cut.

    Widths are in em, from `measure`. With `whole_words` a run of Latin letters or digits is never cut.
    """
    cuts = [0, *_cuts(text, whole_words), len(text)]
    if len(cuts) - 1 < count:
        return None
    measure = cache(measure)
    ideal = measure(text) / count
    # best[end] = (cost, places of the cuts) for the lines laid so far, ending at `end`.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, (0,))}
    for row in range(count):
        outermost = row in (0, count - 1)
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, places) in best.items():
            for end in cuts:
                if end <= start:
                    continue
                total = cost + _unevenness(text, start, end, ideal, measure, outermost)
                if end not in following or total < following[end][0]:
                    following[end] = (total, (*places, end))
        best = following
    if len(text) not in best:
        return None
    return [text[start:end].strip() for start, end in pairwise(best[len(text)][1])]


def _unevenness(text: str, start: int, end: int, ideal: float, measure: Measure, outermost: bool) -> float:
    width = measure(text[start:end].strip())
    cost = (width / ideal - 1) ** 2
    if end < len(text) and (text[end - 1] == " " or text[end] in _NEVER_LAST):
        cost -= _NATURAL
    # Among equals the long line stands in the middle.
    return cost + (1e-6 * width if outermost else 0.0)


def _cuts(text: str, whole_words: bool) -> list[int]:
    return [
        place
        for place in range(1, len(text))
        if text[place] not in _NEVER_FIRST
        and text[place] != " "
        and text[place - 1] not in _NEVER_LAST
        and not (whole_words and _joined(text[place - 1], text[place]))
    ]


def _joined(left: str, right: str) -> bool:
    return left != " " and is_latin(left) and is_latin(right)
