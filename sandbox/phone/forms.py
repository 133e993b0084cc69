"""A form as a person fills it in: hidden fields as they stand, one field typed, one button pressed."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from sandbox.phone import markup
from sandbox.phone.browser import Request
from sandbox.phone.markup import Element

_TYPED = frozenset(("text", "hidden", "tel", "number", "email", "search", "password", "url", ""))


@dataclass(frozen=True)
class Form:
    """`buttons` are (name, value) of everything that submits."""

    url: str
    method: str
    fields: Mapping[str, str]
    buttons: tuple[tuple[str, str], ...]

    def filled(self, values: Mapping[str, str], *, referer: str) -> Request:
        """The request of pressing a button: the form's own values, `values` over them."""
        body = urlencode({**self.fields, **values}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request(self.url, method=self.method, body=body, headers=headers, referer=referer)


def with_field(page: Element, url: str, name: str) -> Form | None:
    """The first posted form that asks for a field of that name."""
    return next((form for form in posted(page, url) if name in form.fields), None)


def with_button(page: Element, url: str, name: str, value: str) -> Form | None:
    """The first posted form with such a button or hidden field."""
    for form in posted(page, url):
        if (name, value) in form.buttons or form.fields.get(name) == value:
            return form
    return None


def posted(page: Element, url: str) -> list[Form]:
    """Every form of the page that posts, addresses absolute."""
    forms = markup.find_all(page, "form")
    return [_form(form, url) for form in forms if form.get("method", "get").lower() == "post"]


def _form(form: Element, url: str) -> Form:
    fields: dict[str, str] = {}
    buttons: list[tuple[str, str]] = []
    for element in form.iter():
        name, kind = element.get("name", ""), element.get("type", "").lower()
        match markup.name_of(element):
            case "input" if kind in _TYPED and name:
                fields[name] = element.get("value", "")
            case "input" if kind in ("radio", "checkbox") and name and "checked" in element.attrib:
                fields[name] = element.get("value", "on")
            case "textarea" if name:
                fields[name] = element.text or ""
            case "button" if name and kind in ("", "submit"):
                buttons.append((name, element.get("value", "")))
            case "input" if kind == "submit" and name:
                buttons.append((name, element.get("value", "")))
    return Form(urljoin(url, form.get("action") or url), "POST", fields, tuple(buttons))
