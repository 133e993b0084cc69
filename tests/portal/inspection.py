"""Every page a test opens is looked at: valid HTML, language, title, one h1, ids, labels, no inline style."""

from typing import Any

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_HTML = "{http://www.w3.org/1999/xhtml}"
# html5lib knows the standard of its day; these reports are about markup that is valid now.
_TOLERATED = frozenset({"unexpected-end-tag-before-html"})


class InspectingClient(FlaskClient):
    """A test browser that refuses to accept a malformed page."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 307, 308):
            inspect(response.get_data(as_text=True))
        return response


def inspect(text: str) -> None:
    """Raise AssertionError naming what is wrong with the page."""
    parser = html5lib.HTMLParser()
    root = parser.parse(text)
    errors = [(place, code) for place, code, _ in parser.errors if code not in _TOLERATED]
    assert not errors, f"invalid HTML at {errors[:3]}: {_around(text, errors)}"
    elements = list(root.iter())
    assert root.get("lang") in ("zh-CN", "en"), "the page names no language"
    headings = [e for e in elements if e.tag == f"{_HTML}h1"]
    assert len(headings) == 1, f"{len(headings)} h1 on the page"
    title = "".join(root.find(f".//{_HTML}title").itertext()).strip()
    assert title, "the page has no title"
    _check_ids(elements)
    _check_controls(elements)
    for element in elements:
        if isinstance(element.tag, str):
            assert element.get("style") is None, f"inline style on {element.tag}"
            assert not [name for name in element.attrib if name.startswith("on")], f"inline handler on {element.tag}"


def _check_ids(elements: list[Any]) -> None:
    ids = [e.get("id") for e in elements if isinstance(e.tag, str) and e.get("id")]
    doubled = {name for name in ids if ids.count(name) > 1}
    assert not doubled, f"ids used twice: {doubled}"
    for element in elements:
        for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for name in (element.get(attribute) or "").split():
                assert name in ids, f"{attribute} points to missing id {name}"


def _check_controls(elements: list[Any]) -> None:
    labelled = {e.get("for") for e in elements if e.tag == f"{_HTML}label"}
    wrapped = {id(inner) for e in elements if e.tag == f"{_HTML}label" for inner in e.iter()}
    for element in elements:
        if element.tag not in (f"{_HTML}input", f"{_HTML}select", f"{_HTML}textarea"):
            continue
        if element.get("type") in ("hidden", "submit", "button"):
            continue
        named = element.get("id") in labelled or id(element) in wrapped
        named = named or element.get("aria-label") or element.get("aria-labelledby")
        assert named, f"a control without a label: {element.attrib}"
    for form in (e for e in elements if e.tag == f"{_HTML}form"):
        assert form.get("method") in ("get", "post"), "a form without a method"


def _around(text: str, errors: list[Any]) -> str:
    (line, _column), _code = errors[0]
    return text.splitlines()[line - 1][:300] if line <= len(text.splitlines()) else ""
