import csv
import io
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.receipts.exports.pieces import csv_cell
from portal.receipts.exports.queries import Column
from portal.receipts.exports.rules import (
    DAYS_MOST,
    Kind,
    percent,
    period,
)
from portal.receipts.exports.sheets import write_csv, write_xlsx
from portal.values.cells import csv_text, csv_yuan, harmless, sheet_yuan
from portal.values.errors import Refused

TODAY = date(2026, 11, 22)
COLUMNS = (Column("a", Kind.TEXT, ""), Column("b", Kind.MONEY, ""), Column("c", Kind.NUMBER, ""))
WORDS = {"file": {"sheet": "收款"}, "headings": {"a": "备注", "b": "金额", "c": "笔"}}
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x00=1", "＝1", '=HYPERLINK("http://x","y")', "\x01=1"]
ANY_TEXT = st.text(max_size=40) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (TODAY, TODAY - timedelta(days=1), "backwards"),
        (TODAY, TODAY + timedelta(days=1), "future"),
        (TODAY - timedelta(days=DAYS_MOST), TODAY, "too_long"),
    ],
)
def test_a_period_that_cannot_be_is_refused(first: date, last: date, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        period(first, last, today=TODAY)
    assert refused.value.reason == reason


def test_a_whole_leap_year_is_one_period() -> None:
    assert period(date(2024, 1, 1), date(2024, 12, 31), today=TODAY).last == date(2024, 12, 31)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_program_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert harmless(text).startswith("'")


def test_ordinary_words_stay_as_they_are() -> None:
    for text in ("两个橙子", "a=b", "Y0123", "3-2", "1000"):
        assert harmless(text) == text
    assert csv_text("12345678901") == "12345678901"
    assert csv_text("4200002345202611220000000001") == "'4200002345202611220000000001"


def test_amounts_are_yuan_with_two_decimals() -> None:
    assert [csv_yuan(fen) for fen in (0, 5, 1234, 99_999_999_99, -305, None)] == [
        "0.00", "0.05", "12.34", "99999999.99", "-3.05", "",
    ]  # fmt: skip
    assert [sheet_yuan(fen) for fen in (1234, None)] == [12.34, None]


def test_the_hundred_comes_only_with_the_file() -> None:
    assert [percent(*each) for each in ((0, None), (0, 0), (0, 10), (5, 10), (10, 10), (11, 10))] == [
        0, 0, 0, 50, 99, 99,
    ]  # fmt: skip


@given(st.lists(st.tuples(ANY_TEXT, st.integers(-(10**10), 10**12), st.integers(0, 10**6)), max_size=8))
def test_whatever_stands_in_a_csv_comes_back_whole_and_runs_nowhere(lines: list[tuple[str, int, int]]) -> None:
    target = io.BytesIO()
    pieces = [(text, f"{csv_yuan(fen)},{number}") for text, fen, number in lines]
    write_csv(target, columns=COLUMNS, words=WORDS, lines=pieces)
    assert target.getvalue().startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline="")))
    assert read == [["备注", "金额", "笔"], *([csv_text(a), csv_yuan(b), str(c)] for a, b, c in lines)]
    assert not [row[0] for row in read if row[0][:1] in tuple("=+-@\t\r\x00")]


@settings(max_examples=30)
@given(st.lists(st.tuples(ANY_TEXT, st.integers(-(10**10), 10**12), st.integers(0, 10**6)), max_size=8))
def test_whatever_stands_in_a_sheet_is_text_or_a_number_and_never_a_formula(lines: list[tuple[str, int, int]]) -> None:
    target = io.BytesIO()
    write_xlsx(target, columns=COLUMNS, words=WORDS, lines=lines, total=len(lines))
    target.seek(0)
    sheet = openpyxl.load_workbook(target)["收款"]
    cells = list(sheet.iter_rows())
    assert [cell.value for cell in cells[0]] == ["备注", "金额", "笔"]
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "inlineStr"}
    values = [[cell.value for cell in row] for row in cells[1 : len(lines) + 1]]
    told = [(words or "", round(yuan * 100), number) for words, yuan, number in values]
    assert [(b, c) for _a, b, c in told] == [(b, c) for _a, b, c in lines]
    assert [cell.number_format for row in cells[1 : len(lines) + 1] for cell in row[1:2]] == ["0.00"] * len(lines)
    for (seen, _b, _c), (given_text, _d, _e) in zip(told, lines, strict=True):
        assert seen == harmless(given_text)


def test_a_sheet_of_nothing_still_has_its_headings() -> None:
    target = io.BytesIO()
    write_xlsx(target, columns=COLUMNS, words=WORDS, lines=[], total=0)
    target.seek(0)
    assert next(openpyxl.load_workbook(target)["收款"].values) == ("备注", "金额", "笔")


def test_what_does_not_fit_goes_on_in_the_next_sheet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("portal.receipts.exports.sheets.SHEET_ROWS_MOST", 3)
    with (tmp_path / "file").open("w+b") as file:
        write_xlsx(file, columns=COLUMNS, words=WORDS, lines=[("x", n, n) for n in range(7)], total=7)
        file.seek(0)
        book = openpyxl.load_workbook(file)
        assert book.sheetnames == ["收款 1", "收款 2", "收款 3"]
        assert [sheet.max_row for sheet in book] == [4, 4, 2]


@pytest.mark.parametrize("text", ["", "一", "a,b", 'say "a"', "two\nlines", "back\\slash", " space "])
def test_a_cell_is_quoted_as_the_format_wants_it(text: str) -> None:
    assert list(csv.reader(io.StringIO(f"{csv_cell(text)},x\r\n", newline=""))) == [[text, "x"]]
