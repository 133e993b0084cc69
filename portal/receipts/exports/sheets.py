"""Write lines into a CSV or an XLSX file, one at a time: the file may be far larger than the memory."""

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from rustpy_xlsxwriter import FastExcel

from portal.receipts.exports.pieces import csv_cell, csv_lines
from portal.receipts.exports.queries import Column
from portal.receipts.exports.rules import SHEET_ROWS_MOST, Kind
from portal.values.cells import harmless, sheet_yuan

Words = dict[str, dict[str, str]]
_Write = Callable[[Any], Any]
_WIDTHS = {Kind.TEXT: 22.0, Kind.OWN: 22.0, Kind.MONEY: 12.0, Kind.NUMBER: 10.0}
_WORD_WIDTH = 14.0


def write_csv(target: BinaryIO, *, columns: tuple[Column, ...], words: Words, lines: Iterable[tuple[str, ...]]) -> None:
    """Write lines that came in pieces under the headings of `words`: RFC 4180, with the mark by which Excel knows
    UTF-8."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    text.write(",".join(csv_cell(heading) for heading in _headings(columns, words)) + "\r\n")
    text.writelines(csv_lines(columns, lines))
    # Handed back with everything in it, still open.
    text.detach()


def write_xlsx(
    target: BinaryIO, *, columns: tuple[Column, ...], words: Words, lines: Iterable[Any], total: int
) -> None:
    """Write `total` lines under the headings of `words`.

    Text cells are text and never formulas; amounts are numbers with two decimals. What does not fit goes on in the
    next sheet.
    """
    headings = _headings(columns, words)
    widths = [_WIDTHS.get(column.kind, _WORD_WIDTH) for column in columns]
    book = FastExcel(target).format(float_format="0.00", bold_headers=True).freeze(row=1)
    each = _writers(columns, words)
    # The library takes its headings from the first line, so a file of nothing has one empty line.
    rows = _written(each, lines) if total else iter([[None] * len(columns)])
    sheets = -(-max(total, 1) // SHEET_ROWS_MOST)
    name = words["file"]["sheet"]
    for number in range(1, sheets + 1):
        part = (dict(zip(headings, row, strict=True)) for row in islice(rows, SHEET_ROWS_MOST))
        book.sheet(name if sheets == 1 else f"{name} {number}", part, column_widths=widths)
    book.save()


def _headings(columns: tuple[Column, ...], words: Words) -> list[str]:
    return [words["headings"][column.name] for column in columns]


def _writers(columns: tuple[Column, ...], words: Words) -> list[tuple[int, _Write]]:
    """By place, how the values of a column are written; numbers stay as they are."""
    plain: dict[Kind, _Write] = {Kind.TEXT: harmless, Kind.OWN: _own, Kind.MONEY: sheet_yuan}
    return [
        (place, plain.get(column.kind) or words[column.kind].__getitem__)
        for place, column in enumerate(columns)
        if column.kind is not Kind.NUMBER
    ]


def _own(text: str | None) -> str:
    return text or ""


def _written(each: list[tuple[int, _Write]], lines: Iterable[Any]) -> Iterator[list[Any]]:
    for line in lines:
        row = list(line)
        for place, as_written in each:
            row[place] = as_written(row[place])
        yield row
