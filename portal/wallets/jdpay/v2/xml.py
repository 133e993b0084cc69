"""The little XML of JD Pay V2.0, written and read strictly. No declarations, so nothing can be expanded.

Whatever begins like a declaration is refused before a parser sees the bytes, and again by the parser.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from portal.wallets.wire import MAX_MESSAGE_BYTES, UnreadableMessage

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
ROOT = "jdpay"
_MOST_DEEP = 8
_MOST_ELEMENTS = 2000
_MOST_WHOLE = 2**53


@dataclass
class Element:
    """One element: its own text and what lies in it, in order."""

    name: str
    written: str = ""
    children: list["Element"] = field(default_factory=list)

    def text(self, *path: str) -> str:
        """The non-empty text at `path`. Raises UnreadableMessage, also where a name on the way comes twice."""
        found = self.optional_text(*path)
        if found is None:
            raise UnreadableMessage(f"no text at {'.'.join(path)}")
        return found

    def optional_text(self, *path: str) -> str | None:
        """The text at `path`, or None where it is absent or empty. Raises UnreadableMessage."""
        at = self.child(*path)
        if at is None:
            return None
        if at.children:
            raise UnreadableMessage(f"elements at {'.'.join(path)}")
        return at.written.strip() or None

    def whole(self, *path: str) -> int:
        """The whole number >= 0 at `path`. Raises UnreadableMessage."""
        digits = self.text(*path)
        if not digits.isascii() or not digits.isdigit() or len(digits) > 16 or int(digits) > _MOST_WHOLE:
            raise UnreadableMessage(f"no whole number at {'.'.join(path)}")
        return int(digits)

    def optional_whole(self, *path: str) -> int | None:
        """Like `whole`, or None when nothing is there."""
        return None if self.optional_text(*path) is None else self.whole(*path)

    def child(self, *path: str) -> "Element | None":
        """The one element at `path`. Raises UnreadableMessage when there are several."""
        found: Element | None = self
        for name in path:
            if found is None:
                return None
            named = [child for child in found.children if child.name == name]
            if len(named) > 1:
                raise UnreadableMessage(f"{name} comes twice")
            found = named[0] if named else None
        return found

    def every(self, list_name: str, name: str) -> Iterator["Element"]:
        """The elements `name` inside the list `list_name`."""
        around = self.child(list_name)
        return iter(()) if around is None else (child for child in around.children if child.name == name)


def document(fields: Iterable[tuple[str, str]]) -> str:
    """A message on one line, without a blank between its elements. Tabs and line ends become blanks."""
    inner = "".join(f"<{name}>{escape(' '.join(text.split()))}</{name}>" for name, text in fields)
    return f"{PROLOG}<{ROOT}>{inner}</{ROOT}>"


def read_document(raw: bytes) -> Element:
    """The root element of a message. Raises UnreadableMessage and nothing else."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise UnreadableMessage("too long")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableMessage("not UTF-8") from error
    if b"<!" in raw.replace(b"<![CDATA[", b""):
        raise UnreadableMessage("a declaration or a comment")
    reader = _Reader()
    try:
        reader.parser.Parse(raw, True)
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableMessage("not XML") from error
    if reader.root is None or reader.root.name != ROOT:
        raise UnreadableMessage(f"no {ROOT}")
    return reader.root


class _Reader:
    """Collects elements from expat's events; gives up where no message of JD would go."""

    def __init__(self) -> None:
        # The bytes are UTF-8 whatever their prolog says: a second reading in another encoding is not wanted.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._declared
        self.parser.EntityDeclHandler = self._declared
        self.parser.ProcessingInstructionHandler = self._declared
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _MOST_DEEP:
            raise UnreadableMessage("too many elements")
        element = Element(name)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        self._open[-1].written += text

    def _declared(self, *told: object) -> NoReturn:
        raise UnreadableMessage("a declaration")
