"""The wrapper of WeasyPrint: what it serves and what it will not swallow."""

import warnings

import pytest

with warnings.catch_warnings():
    # On a machine without any font; pages bring theirs.
    warnings.filterwarnings("ignore", "No fonts configured")
    warnings.filterwarnings("ignore", "FontConfig cannot load")
    from portal.plumbing.pdf import Asset, PdfRefused, write_pdf

_STYLE = {"page.css": Asset("text/css", b"p { color: #083A4A }")}


def test_it_serves_the_assets_it_was_given() -> None:
    html = '<link rel="stylesheet" href="asset:page.css"><p></p>'
    assert write_pdf(html, assets=_STYLE, identifier=b"1").startswith(b"%PDF")


@pytest.mark.parametrize(
    "html",
    [
        "<img src=file:///etc/passwd>",
        "<style>@import 'file:///etc/passwd';</style>",
        "<style>p { background: url(http://127.0.0.1:9/x.png) }</style><p>",
        "<style>@font-face { font-family: x; src: url(file:///etc/passwd) } p { font-family: x }</style><p>x",
        "<link rel=attachment href=file:///etc/passwd>",
        "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"/>'>",
        "<object data=file:///etc/passwd></object>",
        "<img src=asset:other.png>",
    ],
)
def test_it_stops_at_any_address_that_is_not_an_asset(html: str) -> None:
    with pytest.raises(PdfRefused):
        write_pdf(html, assets=_STYLE, identifier=b"1")


@pytest.mark.parametrize("declaration", ["filter: blur(1px)", "clip-path: circle()", "colour: red"])
def test_a_property_that_would_be_ignored_is_an_error(declaration: str) -> None:
    with pytest.raises(PdfRefused):
        write_pdf(f"<style>p {{ {declaration} }}</style><p>", assets={}, identifier=b"1")
