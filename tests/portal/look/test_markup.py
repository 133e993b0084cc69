"""Every sample page is valid, labelled, and keeps the content policy, in both languages."""

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask.testing import FlaskClient

from tests.portal.look.demo_app import ROOT, SCREENS

PAGES = ["", *SCREENS]
LANGUAGES = ["zh", "en"]
MOST_BYTES = 14_600
SCRIPT_BYTES = 2_048
NAMESPACE = "{http://www.w3.org/1999/xhtml}"


def parsed(look: FlaskClient, screen: str, lang: str) -> Element:
    """The page as a tree; a parse error fails the test."""
    response = look.get(f"/?screen={screen}&lang={lang}")
    assert response.status_code == 200
    return html5lib.HTMLParser(strict=True).parse(response.get_data(as_text=True))


def elements(tree: Element, *names: str) -> list[Element]:
    """All elements with one of these names."""
    return [one for one in tree.iter() if isinstance(one.tag, str) and one.tag.removeprefix(NAMESPACE) in names]


@pytest.mark.parametrize("screen", PAGES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_parses_without_an_error_and_has_one_heading(look: FlaskClient, screen: str, lang: str) -> None:
    tree = parsed(look, screen, lang)
    assert len(elements(tree, "h1")) == 1
    assert len(elements(tree, "main")) == 1
    title = elements(tree, "title")[0].text or ""
    assert re.fullmatch(r"\S.* – \S+", title)


@pytest.mark.parametrize("screen", PAGES)
def test_it_never_uses_an_id_twice_nor_an_inline_style(look: FlaskClient, screen: str) -> None:
    tree = parsed(look, screen, "zh")
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert sorted(ids) == sorted(set(ids))
    assert not [one.tag for one in tree.iter() for name in one.attrib if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("screen", PAGES)
def test_it_gives_every_control_a_label_that_exists(look: FlaskClient, screen: str) -> None:
    tree = parsed(look, screen, "zh")
    ids = {one.get("id") for one in tree.iter()}
    named = {one.get("for") for one in elements(tree, "label")} | {
        inner.get("name") for label in elements(tree, "label") for inner in elements(label, "input", "select")
    }
    for control in elements(tree, "input", "select", "textarea"):
        if control.get("type") != "hidden":
            assert control.get("id") in named or control.get("name") in named
        for reference in (control.get("aria-describedby") or "").split():
            assert reference in ids


@pytest.mark.parametrize("wallet", ["wechat", "jdpay"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_fits_the_payers_page_into_the_first_flight(look: FlaskClient, wallet: str, lang: str) -> None:
    response = look.get(f"/?screen=pay&wallet={wallet}&lang={lang}&errors=1")
    headers = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
    assert len(response.data) + headers <= MOST_BYTES
    scripts = re.findall(rb"<script[^>]*>(.*?)</script>", response.data, re.S)
    assert len(scripts) == 1
    assert len(scripts[0]) <= SCRIPT_BYTES


@pytest.mark.parametrize("folder", ["_components", "_layouts"])
def test_it_never_writes_a_style_attribute(folder: str) -> None:
    for path in (ROOT / "templates" / folder).glob("*.html"):
        assert not re.search(r"\sstyle=", path.read_text(encoding="utf-8")), path.name
