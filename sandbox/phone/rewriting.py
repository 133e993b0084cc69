"""A page of the portal turned into a page of the phone: every address mapped, the wallet's bridge put in.

Only addresses change. What the page says, its scripts and its forms stay as the portal wrote them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from sandbox.phone import bridges, markup, stylesheets
from sandbox.phone.addresses import Foreign, Places
from sandbox.phone.markup import Element

OUTSIDE = "/phone/outside"
SHEET = "/phone/sheet"
_XLINK = "{http://www.w3.org/1999/xlink}href"
# Where a person is sent on a click; anything foreign leads to a page that says so.
_LEADS = {("a", "href"), ("area", "href"), ("form", "action"), ("button", "formaction"), ("input", "formaction")}
# What a page loads by itself; anything foreign is left out.
_LOADS = {
    ("link", "href"),
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("frame", "src"),
    ("source", "src"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("track", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("input", "src"),
    ("use", "href"),
    ("use", _XLINK),
    ("image", "href"),
    ("image", _XLINK),
}
# Addresses that a page keeps for its own scripts; `data-done` of the bridge element is one.
_KEPT_FOR_SCRIPTS = ("data-done", "data-href", "data-url", "data-src", "data-next", "data-poll")
_DROPPED = ("target", "ping", "integrity")
_HARMLESS = ("#", "data:", "about:", "blob:")


@dataclass(frozen=True)
class Bridge:
    """What the phone adds to the head of a page: its script and its sheet's look, under one nonce."""

    nonce: str
    script: str
    style: str
    lang: str


def rewritten(content: bytes, *, charset: str | None, url: str, places: Places, bridge: Bridge) -> bytes:
    """The whole page. `url` is its real address, against which its own addresses are read."""
    page = markup.read(content, charset)
    mapper = _Mapper(places, _base(page, url))
    for element in page.iter():
        if markup.name_of(element):
            _map_element(element, mapper)
    _clean_head(page)
    _add_bridge(page, places, bridge)
    if places.wallet == "wechat":
        _add_sheet_form(page, bridge)
    return markup.write(page)


def rewritten_css(text: str, *, url: str, places: Places) -> str:
    """A stylesheet loaded by a page."""
    return stylesheets.rewritten(text, _Mapper(places, url).loads)


class _Mapper:
    """Addresses of one page, read against its base."""

    def __init__(self, places: Places, base: str) -> None:
        self._places = places
        self._base = base

    def leads(self, value: str) -> str:
        if value.startswith("#"):
            return value
        absolute = urljoin(self._base, value.strip())
        try:
            return self._places.shown(absolute)
        except Foreign:
            return f"{OUTSIDE}?to={quote(absolute, safe='')}"

    def loads(self, value: str) -> str:
        if value.startswith(_HARMLESS):
            return value
        try:
            return self._places.shown(urljoin(self._base, value.strip()))
        except Foreign:
            return "about:blank"

    def candidates(self, value: str) -> str:
        """A `srcset`: addresses without spaces, each with an optional width or density."""
        pairs = [part.strip().partition(" ") for part in value.split(", ") if part.strip()]
        return ", ".join(f"{self.loads(address)}{space}{size}" for address, space, size in pairs)


def _base(page: Element, url: str) -> str:
    for element in markup.find_all(page, "base"):
        if element.get("href"):
            return urljoin(url, element.get("href"))
    return url


def _map_element(element: Element, mapper: _Mapper) -> None:
    name = markup.name_of(element)
    for key, value in list(element.attrib.items()):
        if (name, key) in _LEADS:
            element.set(key, mapper.leads(value))
        elif (name, key) in _LOADS:
            element.set(key, mapper.loads(value))
        elif key in ("srcset", "imagesrcset"):
            element.set(key, mapper.candidates(value))
        elif key == "style":
            element.set(key, stylesheets.rewritten(value, mapper.loads))
        elif key in _KEPT_FOR_SCRIPTS:
            element.set(key, mapper.leads(value))
        elif key in _DROPPED and not (key == "integrity" and name == "script"):
            del element.attrib[key]
    if name == "style" and element.text:
        element.text = stylesheets.rewritten(element.text, mapper.loads)
    if name == "meta" and element.get("http-equiv", "").lower() == "refresh":
        element.set("content", _refresh(element.get("content", ""), mapper.leads))


def _refresh(content: str, leads: Callable[[str], str]) -> str:
    seconds, _, rest = content.partition(";")
    key, _, address = rest.strip().partition("=")
    if key.strip().lower() != "url":
        return content
    return f"{seconds};url={leads(address.strip().strip(chr(34) + chr(39)))}"


def _clean_head(page: Element) -> None:
    """Take out what would undo the mapping: another base, a policy of the page's own, a foreign encoding."""
    for parent in page.iter():
        for child in list(parent):
            if markup.name_of(child) == "base" or _is_unwanted_meta(child):
                _remove(parent, child)


def _is_unwanted_meta(element: Element) -> bool:
    if markup.name_of(element) != "meta":
        return False
    unwanted = ("content-security-policy", "content-type", "x-frame-options")
    return "charset" in element.attrib or element.get("http-equiv", "").lower() in unwanted


def _remove(parent: Element, child: Element) -> None:
    """ElementTree would drop the text behind the element with it."""
    place = list(parent).index(child)
    if child.tail:
        if place:
            before = parent[place - 1]
            before.tail = (before.tail or "") + child.tail
        else:
            parent.text = (parent.text or "") + child.tail
    parent.remove(child)


def _add_bridge(page: Element, places: Places, bridge: Bridge) -> None:
    head = markup.find_all(page, "head")[0]  # the parser always makes one
    script = Element(
        "script",
        {
            "src": bridge.script,
            "nonce": bridge.nonce,
            "data-wallet": places.wallet,
            "data-base": places.base,
            "data-portal": places.portal,
            "data-sheet": bridge.style,
            "data-lang": bridge.lang,
        },
    )
    head.insert(0, script)
    head.insert(0, Element("meta", {"charset": "utf-8"}))


def _add_sheet_form(page: Element, bridge: Bridge) -> None:
    """For a phone without script: a button that hands the bridge's parameters to WeChat by a plain form."""
    call = bridges.read(page)
    if call is None:
        return
    form = Element("form", {"method": "post", "action": SHEET})
    for name, value in (("params", json.dumps(dict(call.params))), ("done", call.done)):
        form.append(Element("input", {"type": "hidden", "name": name, "value": value}))
    button = Element("button")
    button.text = {"en": "Open WeChat's pay sheet (sandbox, no script)"}.get(
        bridge.lang, "打开微信付款单（沙盒，无脚本）"
    )
    form.append(button)
    without_script = Element("noscript")
    without_script.append(form)
    markup.find_all(page, "body")[0].append(without_script)
