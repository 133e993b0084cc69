"""How a value stands in a cell of a file that spreadsheet programs open: nothing runs, no digit is lost."""

import re

# A program that shows tables may run what begins like this (OWASP "CSV Injection"; the full-width signs as well).
_RUNS = re.compile(r"[=+\-@\t\r\n\x00＝＋－＠]")
# Excel shows a longer number as 4.2E+27 and keeps fifteen of its digits.
_LONG_NUMBER = re.compile(r"[0-9]{12,}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT_MARK = "'"


def harmless(text: str | None) -> str:
    """Text as any program may show it: what would be run as a formula begins with an apostrophe instead."""
    if not text:
        return ""
    plain = text if text.isprintable() else _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _TEXT_MARK + plain if _RUNS.match(text) or _RUNS.match(plain) else plain


def csv_text(text: str | None) -> str:
    """`harmless`, and a long number keeps all its digits in a program that takes every number for a quantity."""
    plain = harmless(text)
    return _TEXT_MARK + plain if _LONG_NUMBER.fullmatch(plain) else plain


def csv_yuan(fen: int | None) -> str:
    """1234 fen as `12.34`, with no sign between thousands."""
    if fen is None:
        return ""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{part:02d}"


def sheet_yuan(fen: int | None) -> float | None:
    """1234 fen as the number 12.34: a sheet knows no other numbers, and shows this one with two decimals."""
    return None if fen is None else fen / 100
