"""Lines of a CSV file that the database has joined already, but for what others wrote.

A million lines of eighteen values are too many to take apart and to join again in Python. The server joins what is
ours (numbers, amounts, times, our own words), where nothing can be taken for a formula; what payers, merchants and
wallets wrote stands between, each by itself, and is made harmless here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from portal.receipts.exports.queries import HANDFUL, Column, chosen_lines, driver, values
from portal.receipts.exports.rules import Kind, Period, Subject
from portal.values.cells import csv_text

Words = Mapping[str, Mapping[str, str]]
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')
_YUAN = (
    "CASE WHEN {0} = 0 THEN '0.00' ELSE CASE WHEN {0} < 0 THEN '-' ELSE '' END"
    " || (abs({0}) / 100)::text || '.' || lpad(mod(abs({0}), 100)::text, 2, '0') END"
)
_PLAIN = {Kind.OWN: "{0}", Kind.NUMBER: "({0})::text", Kind.MONEY: _YUAN}


def csv_pieces(
    session: Session, merchant_id: int, subject: Subject, chosen: Period, *, columns: tuple[Column, ...], words: Words
) -> Iterator[list[tuple[str, ...]]]:
    """The lines in handfuls, oldest first; of each the pieces that stand between commas (see `csv_lines`)."""
    pieces = sql.SQL(", ").join(_joined(places, columns, words) for places in _pieces(columns))
    # The rows keep their order: the outer query only writes out what the inner one has sorted.
    copied = sql.SQL("COPY (SELECT {} FROM ({}) AS line) TO STDOUT").format(pieces, chosen_lines(subject, columns))
    with driver(session).cursor() as cursor, cursor.copy(copied, values(merchant_id, chosen)) as copy:
        rows = copy.rows()
        while handful := list(islice(rows, HANDFUL)):
            yield handful


def csv_lines(columns: tuple[Column, ...], lines: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a CSV file made of their pieces (RFC 4180)."""
    foreign = [number for number, places in enumerate(_pieces(columns)) if columns[places[0]].kind is Kind.TEXT]
    for pieces in lines:
        row = list(pieces)
        for number in foreign:
            row[number] = csv_cell(csv_text(row[number]))
        yield ",".join(row) + "\r\n"


def csv_cell(text: str) -> str:
    """A value as it stands between two commas."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _pieces(columns: tuple[Column, ...]) -> list[list[int]]:
    """The places of the columns, those that the server joins together in one list."""
    together = groupby(range(len(columns)), key=lambda place: (columns[place].kind is Kind.TEXT) and f"alone {place}")
    return [list(places) for _, places in together]


def _joined(places: list[int], columns: tuple[Column, ...], words: Words) -> sql.Composable:
    if columns[places[0]].kind is Kind.TEXT:
        return sql.Identifier(columns[places[0]].name)
    return sql.SQL(" || ',' || ").join(server_cell(columns[place], words) for place in places)


def server_cell(column: Column, words: Words) -> sql.Composable:
    """How the server writes a value: what is not there as an empty cell; a word that is not known ends in an error."""
    name: Any = sql.Identifier(column.name)
    plain = _PLAIN.get(column.kind)
    if plain is not None:
        return sql.SQL("coalesce({}, '')").format(sql.SQL(plain).format(name))
    cases = [
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(key), sql.Literal(csv_cell(word)))
        for key, word in words[column.kind].items()
    ]
    return sql.SQL("CASE {} {} END").format(name, sql.SQL(" ").join(cases))
