"""The texts a person accepts, by version. A text is never edited: a change is a new version with a new hash."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "identity" / "texts"

# The version in force of each text; the Chinese text binds and is what the hash covers.
DOCUMENTS = {"service": "2026-11", "privacy": "2026-11"}


@dataclass(frozen=True)
class Text:
    """One version of one text in one language. `sha256` is that of the binding Chinese text."""

    document: str
    version: str
    sha256: str
    title: str
    paragraphs: tuple[str, ...]


@cache
def current(document: str, locale: str) -> Text:
    """The version in force."""
    version = DOCUMENTS[document]
    binding = (_FOLDER / f"{document}-{version}.zh.txt").read_bytes()
    lines = (_FOLDER / f"{document}-{version}.{locale}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return Text(document, version, hashlib.sha256(binding).hexdigest(), lines[0], tuple(lines[1:]))
