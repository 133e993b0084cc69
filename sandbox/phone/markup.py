"""HTML read and written by the rules of the standard: html5lib reads, a small writer puts the tree back into text."""

from html import escape
from xml.etree import ElementTree

import html5lib

Element = ElementTree.Element

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
RAW = frozenset("script style xmp iframe noembed noframes plaintext".split())
_KEEPS_FIRST_LINE = frozenset(("pre", "textarea", "listing"))
_PREFIXES = {
    "http://www.w3.org/1999/xlink": "xlink:",
    "http://www.w3.org/XML/1998/namespace": "xml:",
    "http://www.w3.org/2000/xmlns/": "xmlns:",
}


def read(content: bytes, charset: str | None = None) -> Element:
    """The `html` element of a page. Broken markup is mended as a browser would."""
    tree: Element = html5lib.parse(
        content, treebuilder="etree", namespaceHTMLElements=False, transport_encoding=charset, useChardet=False
    )
    return tree


def write(page: Element) -> bytes:
    """The page as UTF-8, with a doctype."""
    parts = ["<!doctype html>\n"]
    _write(page, parts)
    return "".join(parts).encode()


def name_of(element: Element) -> str:
    """The element's local name; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text_of(element: Element) -> str:
    """The words of an element, spaces tidied, scripts and styles left out."""
    return " ".join(" ".join(_words(element)).split())


def find(page: Element, name: str, **attributes: str) -> Element | None:
    """The first element of that name (`*` for any) whose attributes have these values."""
    return next(iter(find_all(page, name, **attributes)), None)


def find_all(page: Element, name: str, **attributes: str) -> list[Element]:
    """Every element of that name, in the page's order."""
    return [
        element
        for element in page.iter()
        if (name_of(element) == name or (name == "*" and name_of(element)))
        and all(element.get(key) == value for key, value in attributes.items())
    ]


def _words(element: Element) -> list[str]:
    if name_of(element) in ("", "script", "style", "template"):
        return []
    words = [element.text or ""]
    for child in element:
        words += [*_words(child), child.tail or ""]
    return words


def _write(element: Element, parts: list[str]) -> None:
    name = name_of(element)
    if not name:
        parts.append(f"<!--{element.text or ''}-->")
        return
    attributes = "".join(f' {_attribute(key)}="{escape(value)}"' for key, value in element.attrib.items())
    parts.append(f"<{name}{attributes}>")
    if name in VOID:
        return
    text = element.text or ""
    if name in _KEEPS_FIRST_LINE and text.startswith("\n"):
        parts.append("\n")
    parts.append(text if name in RAW else escape(text, quote=False))
    for child in element:
        _write(child, parts)
        parts.append((child.tail or "") if name in RAW else escape(child.tail or "", quote=False))
    parts.append(f"</{name}>")


def _attribute(key: str) -> str:
    if not key.startswith("{"):
        return key
    space, _, local = key[1:].partition("}")
    return "xmlns" if local == "xmlns" else f"{_PREFIXES.get(space, '')}{local}"
