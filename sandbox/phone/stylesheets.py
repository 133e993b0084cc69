"""Addresses inside CSS, found with a CSS parser."""

from collections.abc import Callable, Iterable
from typing import Any

import tinycss2
from tinycss2 import ast

Map = Callable[[str], str]


def rewritten(text: str, place: Map) -> str:
    """A stylesheet with every address (`url(...)`, `@import "..."`) put through `place`."""
    components = tinycss2.parse_component_value_list(text)
    return tinycss2.serialize(_mapped(components, place))


def _mapped(components: Iterable[Any], place: Map) -> list[Any]:
    nodes = list(components)
    for number, node in enumerate(nodes):
        if isinstance(node, ast.URLToken):
            nodes[number] = _url(node, place(node.value))
        elif isinstance(node, ast.FunctionBlock):
            if node.lower_name == "url":
                nodes[number] = _quoted_url(node, place)
            else:
                node.arguments = _mapped(node.arguments, place)
        elif isinstance(node, ast.CurlyBracketsBlock | ast.ParenthesesBlock | ast.SquareBracketsBlock):
            node.content = _mapped(node.content, place)
        elif isinstance(node, ast.StringToken) and _follows_import(nodes, number):
            nodes[number] = _url(node, place(node.value))
    return nodes


def _quoted_url(node: Any, place: Map) -> Any:
    text = next((part.value for part in node.arguments if isinstance(part, ast.StringToken)), "")
    return _url(node, place(text))


def _url(node: Any, address: str) -> ast.URLToken:
    safe = "".join(f"%{ord(sign):02X}" if sign in "\"'()\\ \n\r\t" else sign for sign in address)
    return ast.URLToken(node.source_line, node.source_column, safe, f'url("{safe}")')


def _follows_import(nodes: list[Any], number: int) -> bool:
    before = [node for node in nodes[:number] if not isinstance(node, ast.WhitespaceToken | ast.Comment)]
    return bool(before) and isinstance(before[-1], ast.AtKeywordToken) and before[-1].lower_value == "import"
