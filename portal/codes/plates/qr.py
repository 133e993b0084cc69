"""The QR symbol of a plate: level H in version 4 where the address fits, drawn as one path."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode

from portal.codes.plates.errors import PlateUnfit

_LEVELS = {"H": ERROR_CORRECT_H, "Q": ERROR_CORRECT_Q}
# A run of eight or more signs of the alphanumeric set gets a segment of its own: the plate number in the address does,
# and 36 signs fit level H of version 4 that way.
_SHORTEST_SEGMENT = 8
_ATTEMPTS = [(version, "H") for version in range(1, 5)] + [
    (4, "Q"),
    *((version, level) for version in range(5, 11) for level in "HQ"),
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR symbol: rows of dark (True) and light modules without quiet zone, its version and error correction level."""

    rows: tuple[tuple[bool, ...], ...]
    version: int
    level: str

    @property
    def modules(self) -> int:
        """Modules a side."""
        return len(self.rows)

    @property
    def path(self) -> str:
        """An SVG path, one unit a module: every run of dark modules in a row is one rectangle."""
        return "".join(f"M{x} {y}h{length}v1h-{length}z" for y, x, length in self._runs())

    def _runs(self) -> Iterator[tuple[int, int, int]]:
        for y, row in enumerate(self.rows):
            x = 0
            for dark, run in groupby(row):
                length = len(list(run))
                if dark:
                    yield y, x, length
                x += length


def symbol_for(url: str) -> Symbol:
    """The most robust small symbol for `url`. Raises PlateUnfit("url") beyond version 10."""
    for version, level in _ATTEMPTS:
        code = QRCode(version=version, error_correction=_LEVELS[level], border=0)
        code.add_data(url, optimize=_SHORTEST_SEGMENT)
        try:
            code.make(fit=False)
        except DataOverflowError:
            continue
        rows = tuple(tuple(bool(module) for module in row) for row in code.modules)
        return Symbol(rows, version, level)
    raise PlateUnfit("url", url=url)
