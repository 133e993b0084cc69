"""The little XML of JD Pay V2.0: written without a blank between elements, read without trusting a byte.

The reader knows elements and text. A document type, an entity of its own, a processing instruction or any other
encoding than UTF-8 ends it at once, so nothing is ever expanded or fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
ROOT = "jdpay"
DEEPEST = 5
MOST_ELEMENTS = 200
# What the elements of a list are called.
_ITEMS = {"payList": "pay", "refList": "refund"}


class NotOurXml(ValueError):
    """The text is not the XML that was agreed."""


@dataclass
class _Open:
    name: str
    text: list[str] = field(default_factory=list)
    children: dict[str, Any] = field(default_factory=dict)


def written(fields: Mapping[str, Any]) -> str:
    """The elements of a message, without prolog and root; absent values are left out."""
    return "".join(_element(name, value) for name, value in fields.items() if value is not None)


def document(inner: str, prolog: str = PROLOG) -> str:
    """The whole message around its elements."""
    return f"{prolog}<{ROOT}>{inner}</{ROOT}>"


def read(text: str | bytes) -> dict[str, Any]:
    """The elements under the root: text, or a dict where an element has elements. Raises NotOurXml."""
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode() if isinstance(text, str) else text, True)
    except (expat.ExpatError, UnicodeEncodeError) as problem:
        raise NotOurXml("not well formed") from problem
    if reader.found is None:
        raise NotOurXml("no root")
    return reader.found


class _Reader:
    """Collects elements; everything else is refused."""

    def __init__(self) -> None:
        self.found: dict[str, Any] | None = None
        self._open: list[_Open] = []
        self._count = 0
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.EntityDeclHandler = _refuse
        self.parser.ProcessingInstructionHandler = _refuse
        self.parser.ExternalEntityRefHandler = _refuse
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if version != "1.0" or (encoding or "UTF-8").upper() != "UTF-8":
            raise NotOurXml("encoding")

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if attributes or len(self._open) >= DEEPEST or self._count > MOST_ELEMENTS:
            raise NotOurXml("an element that was not agreed")
        if not self._open and name != ROOT:
            raise NotOurXml("root")
        if self._open and name in self._open[-1].children:
            raise NotOurXml(f"{name} twice")
        self._open.append(_Open(name))

    def _end(self, name: str) -> None:
        done = self._open.pop()
        text = "".join(done.text)
        if done.children and text.strip():
            raise NotOurXml("text between elements")
        if self._open:
            self._open[-1].children[name] = done.children or text
        else:
            self.found = done.children

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)


def _refuse(*_: object) -> int:
    raise NotOurXml("a declaration that was not agreed")


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{written(value)}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"<{name}>{''.join(_element(_ITEMS[name], item) for item in value)}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"
