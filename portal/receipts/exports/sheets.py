"""Write lines into a CSV or an XLSX file, one at a time: the file may be far larger than the memory."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from rustpy_xlsxwriter import FastExcel

from portal.receipts.exports.queries import Column
from portal.receipts.exports.rules import SHEET_ROWS_MOST, Form, Kind
from portal.values.cells import csv_text, csv_yuan, harmless, sheet_yuan

Words = dict[str, dict[str, str]]
_Write = Callable[[Any], Any]
_WIDTHS = {Kind.TEXT: 22.0, Kind.MONEY: 12.0, Kind.NUMBER: 10.0}
_WORD_WIDTH = 14.0


def write(
    target: BinaryIO, form: Form, *, columns: tuple[Column, ...], words: Words, lines: Iterable[Any], total: int
) -> None:
    """Write `total` lines under the headings of `words` into `target`."""
    if form is Form.CSV:
        _csv(target, columns, words, lines)
    else:
        _xlsx(target, columns, words, iter(lines), total)


def _csv(target: BinaryIO, columns: tuple[Column, ...], words: Words, lines: Iterable[Any]) -> None:
    """RFC 4180, with the mark by which Excel knows UTF-8."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    written = csv.writer(text)
    written.writerow(_headings(columns, words))
    each = _writers(columns, words, text=csv_text, money=csv_yuan)
    written.writerows(_written(each, lines))
    # Handed back with everything in it, still open.
    text.detach()


def _xlsx(target: BinaryIO, columns: tuple[Column, ...], words: Words, lines: Iterator[Any], total: int) -> None:
    """Text cells are text and never formulas; amounts are numbers with two decimals. What does not fit goes on in the
    next sheet."""
    headings = _headings(columns, words)
    widths = [_WIDTHS.get(column.kind, _WORD_WIDTH) for column in columns]
    book = FastExcel(target).format(float_format="0.00", bold_headers=True).freeze(row=1)
    each = _writers(columns, words, text=harmless, money=sheet_yuan)
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


def _writers(columns: tuple[Column, ...], words: Words, *, text: _Write, money: _Write) -> list[tuple[int, _Write]]:
    """By place, how the values of a column are written; numbers stay as they are."""
    plain = {Kind.TEXT: text, Kind.MONEY: money}
    return [
        (place, plain.get(column.kind) or words[column.kind].__getitem__)
        for place, column in enumerate(columns)
        if column.kind is not Kind.NUMBER
    ]


def _written(each: list[tuple[int, _Write]], lines: Iterable[Any]) -> Iterator[list[Any]]:
    for line in lines:
        row = list(line)
        for place, as_written in each:
            row[place] = as_written(row[place])
        yield row
