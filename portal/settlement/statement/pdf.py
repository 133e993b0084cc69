"""A statement as a PDF, in this process: its words laid out by the template, its faces cut to what it says."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.codes.plates.font import FACE_FILE, cut_to
from portal.codes.plates.qr import symbol_for
from portal.plumbing.pdf import Asset, write_pdf

_ROOT = Path(__file__).resolve().parents[3]
_FONTS = Path(__file__).resolve().parent / "fonts"
_FACES = {
    "regular.ttf": _FONTS / "NotoSansSC-Regular.ttf",
    "bold.ttf": FACE_FILE,
    "signs.ttf": _FONTS / "NotoSansSC-Bold-signs.ttf",
    "stamp.ttf": _FONTS / "NotoSerifSC-Bold-stamp.ttf",
}
_ALWAYS = "0123456789 "

_pages = Environment(
    loader=FileSystemLoader(_ROOT / "templates" / "statements"), autoescape=True, undefined=StrictUndefined
)


def statement_pdf(paper: Mapping[str, Any]) -> bytes:
    """The finished statement; the same bytes for the same paper."""
    signs = "".join(sorted({sign for text in _texts(paper) for sign in text} | set(_ALWAYS)))
    faces = {name: Asset("font/ttf", cut_to(signs, face=file)) for name, file in _FACES.items()}
    said = json.dumps(paper, sort_keys=True, ensure_ascii=False).encode()
    return write_pdf(statement_html(paper), assets=faces, identifier=hashlib.sha256(said).digest()[:16])


def statement_html(paper: Mapping[str, Any]) -> str:
    """The page WeasyPrint draws: every value escaped."""
    return _pages.get_template("statement.html").render(paper=paper, code=symbol_for(paper["seal"]["address"]))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
