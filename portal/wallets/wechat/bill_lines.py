"""Reading a bill line by line, its sums checked against its own last line.

Partner docs 4013080599 (trades) and 4013080600 (funds): UTF-8, CRLF, a heading, lines whose every value begins with a
backtick, then the heading of the sums and the sums. UNCONFIRMED, seen in a real file of a public client's tests and
therefore read too: a byte order mark at the beginning, and fees with five decimals of a yuan where the documents say
two. What merchants typed is escaped so that no comma is left in a
trade bill; in a fund bill only line ends are, so there the remark is whatever stands between the other ten values.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import BinaryIO

from portal.values.day import SHANGHAI
from portal.wallets.bills import BillUnreadable

# A remark has at most 2,048 signs; no line of a bill comes near this.
MOST_LINE_BYTES = 64 * 1024
_MARK = "`"
_YUAN = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,5})?")
_COUNT = re.compile(r"[0-9]{1,15}")
_ESCAPE = re.compile(r"""\\(140|[\\"'` nrt\x1a])""")
# A backtick is \` on the lines of payments and \140 on those of refunds. A comma and the sign U+E000 both come as "\ ".
_ESCAPED = {"140": "`", " ": ",", "n": "\n", "r": "\r", "t": "\t", "\x1a": ""}


@dataclass(frozen=True)
class Row:
    """One line of values under its heading. `number` counts the file's lines from 1."""

    number: int
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """The value as it stands there, unescaped."""
        return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), self.values[name])

    def yuan(self, name: str) -> Decimal:
        """An amount in yuan, exactly as written. Raises BillUnreadable."""
        found = _yuan(self.values[name])
        if found is None:
            raise BillUnreadable(f"{name} is no amount", line=self.number)
        return found

    def fen(self, name: str) -> int:
        """An amount that must be whole fen. Raises BillUnreadable."""
        return self.whole(self.yuan(name), name)

    def whole(self, yuan: Decimal, name: str) -> int:
        """`yuan` in fen. Raises BillUnreadable for a part of a fen."""
        fen = yuan * 100
        if fen != (whole := int(fen)):
            raise BillUnreadable(f"{name} is not whole fen", line=self.number)
        return whole

    def moment(self, name: str) -> datetime:
        """`2015-01-01 10:00:00` on a Chinese wall clock, in UTC. Raises BillUnreadable."""
        written = self.values[name]
        try:
            if len(written) != 19 or written[10] != " ":
                raise ValueError
            return datetime.fromisoformat(written).replace(tzinfo=SHANGHAI).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BillUnreadable(f"{name} is no time", line=self.number) from error

    def count(self, name: str) -> int:
        """A number of lines. Raises BillUnreadable."""
        written = self.values[name]
        if not _COUNT.fullmatch(written):
            raise BillUnreadable(f"{name} is no number", line=self.number)
        return int(written)


@dataclass(frozen=True)
class Layout:
    """A heading that may stand over a bill, and the heading of its sums. `loose` is the column that may hold anything.

    `sums` names, for each sum of the last line, the column it adds up.
    """

    columns: tuple[str, ...]
    totals: tuple[str, ...]
    sums: Mapping[str, str] = field(default_factory=dict)
    loose: str | None = None


class Bill:
    """A bill being read. `layout` is known once it is opened, `total` once every line was read."""

    def __init__(self, file: BinaryIO, layouts: Sequence[Layout]) -> None:
        """Read the heading. Raises BillUnreadable for one that no layout has."""
        self._lines = _lines(file)
        number, heading = next(self._lines, (1, ""))
        found = [layout for layout in layouts if heading == ",".join(layout.columns)]
        if not found:
            raise BillUnreadable("a heading that is not known", line=number)
        self.layout = found[0]
        self._total: Row | None = None

    @property
    def total(self) -> Row:
        """The last line. Only after `rows` has ended."""
        if self._total is None:
            raise RuntimeError("the bill was not read to its end")
        return self._total

    def rows(self) -> Iterator[Row]:
        """The lines of the bill without its sums. Raises BillUnreadable, also for a bill that ends without sums."""
        number = 1
        for number, line in self._lines:
            if line == ",".join(self.layout.totals):
                self._end(number)
                return
            yield _row(number, line, self.layout.columns, self.layout.loose)
        raise BillUnreadable("it ends without its sums", line=number)

    def _end(self, number: int) -> None:
        number, line = next(self._lines, (number, ""))
        self._total = _row(number, line, self.layout.totals, None)
        for further, _ in self._lines:
            raise BillUnreadable("something follows the sums", line=further)


def _row(number: int, line: str, columns: Sequence[str], loose: str | None) -> Row:
    if not line.startswith(_MARK):
        raise BillUnreadable("a line that is neither values nor a heading", line=number)
    values = line[1:].split("," + _MARK)
    spare = len(values) - len(columns)
    if spare > 0 and loose is not None:
        at = columns.index(loose)
        values[at : at + spare + 1] = [("," + _MARK).join(values[at : at + spare + 1])]
    if len(values) != len(columns):
        raise BillUnreadable(f"{len(values)} values under {len(columns)} headings", line=number)
    return Row(number, dict(zip(columns, values, strict=True)))


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines that hold something, without their ends; one after the other, never the file."""
    number = 0
    while raw := file.readline(MOST_LINE_BYTES + 1):
        number += 1
        if len(raw) > MOST_LINE_BYTES:
            raise BillUnreadable("a line without end", line=number)
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BillUnreadable("not UTF-8", line=number) from error
        if line:
            yield number, line


@lru_cache(maxsize=8192)
def _yuan(written: str) -> Decimal | None:
    return Decimal(written) if _YUAN.fullmatch(written) else None
