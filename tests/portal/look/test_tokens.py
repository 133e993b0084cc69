"""The colours keep the contrast they were chosen for, and nothing else brings a colour of its own."""

import re

import pytest

from tests.portal.look.demo_app import ROOT

CSS = ROOT / "static" / "css"
PAIR = re.compile(r"--([\w-]+): var\(--light, ([^;]+?)\) var\(--dark, ([^;]+?)\);")
SINGLE = re.compile(r"--([\w-]+): (#[0-9A-F]{6});")
TEXT, GRAPHIC = 4.5, 3.0


def tokens(text: str) -> dict[str, tuple[str, str]]:
    """Name to its light and dark value."""
    found = {name: (light, dark) for name, light, dark in PAIR.findall(text)}
    return found | {name: (value, value) for name, value in SINGLE.findall(text)}


def sheets() -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """The phone's tokens and the desk's."""
    phone, desk = (CSS / "tokens.css").read_text(encoding="utf-8").split("html.desk {")
    return tokens(phone), tokens(desk)


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Ground, then the tokens written on it; and the shapes that only need to be seen.
PHONE_TEXT = {
    "card": "ink ink2 brand-ink danger-ink warn link",
    "page": "ink ink2 brand-ink danger-ink link",
    "btn2": "ink ink2",
    "key": "ink",
    "key-press": "ink",
    "sunk": "ink2 brand-ink",
    "brand-tint": "brand-ink",
    "jd-tint": "jd-ink",
    "danger-tint": "danger-ink",
    "warn-tint": "warn",
}
PHONE_TEXT |= {
    "call-ground": "call-ink call-ink2 call-ok",
    "call-key": "call-ink call-ink2",
    "call-wx-tint": "call-wx-ink",
    "call-jd-tint": "call-jd-ink",
    "alarm": "alarm-ink",
}
PHONE_SHAPES = {"card": "wx jd field bar-prev danger", "page": "field"}
DESK_TEXT = {
    "card": "ink ink2 ink3 brand ok bad warn hold",
    "page": "ink ink2 brand bad",
    "sunk": "ink2 ink3",
    "brand": "on-brand",
    "bad": "on-bad",
    "hold": "on-hold",
    "ok-tint": "ok",
    "bad-tint": "bad",
    "warn-tint": "warn ink2",
    "hold-tint": "hold ink2",
    "brand-tint": "brand ink2",
}
DESK_SHAPES = {"card": "field"}


def pairs(texts: dict[str, str], shapes: dict[str, str]) -> list[tuple[str, str, float]]:
    """(front, ground, least contrast) for each line above."""
    return [(front, ground, TEXT) for ground, fronts in texts.items() for front in fronts.split()] + [
        (front, ground, GRAPHIC) for ground, fronts in shapes.items() for front in fronts.split()
    ]


@pytest.mark.parametrize(("front", "ground", "least"), pairs(PHONE_TEXT, PHONE_SHAPES))
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_it_keeps_the_contrast_of_the_phone(front: str, ground: str, least: float, theme: int) -> None:
    phone, _desk = sheets()
    assert contrast(phone[front][theme], phone[ground][theme]) >= least


@pytest.mark.parametrize(("front", "ground", "least"), pairs(DESK_TEXT, DESK_SHAPES))
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_it_keeps_the_contrast_of_the_desk(front: str, ground: str, least: float, theme: int) -> None:
    _phone, desk = sheets()
    assert contrast(desk[front][theme], desk[ground][theme]) >= least


@pytest.mark.parametrize("ground", ["brand", "brand-press", "jd-btn", "danger"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_it_writes_readable_white_on_solid_buttons(ground: str, theme: int) -> None:
    phone, _desk = sheets()
    assert contrast("#FFFFFF", phone[ground][theme]) >= TEXT


def test_it_repeats_the_payers_tokens_without_a_difference() -> None:
    phone, _desk = sheets()
    payer = tokens((CSS / "pay.css").read_text(encoding="utf-8"))
    assert payer == {name: phone[name] for name in payer}


@pytest.mark.parametrize("sheet", ["phone.css", "desk.css", "announcer.css"])
def test_it_takes_every_colour_from_the_tokens(sheet: str) -> None:
    text = (CSS / sheet).read_text(encoding="utf-8")
    assert set(re.findall(r"#[0-9A-Fa-f]{3,8}\b(?=[;, )])", text)) <= {"#FFFFFF"}


@pytest.mark.parametrize("sheet", ["phone.css", "desk.css", "pay.css", "announcer.css"])
def test_it_uses_no_token_that_is_not_defined(sheet: str) -> None:
    text = (CSS / sheet).read_text(encoding="utf-8")
    source = text if sheet == "pay.css" else (CSS / "tokens.css").read_text(encoding="utf-8")
    known = set(re.findall(r"--([\w-]+):", source))
    known |= set(re.findall(r"--([\w-]+):", text))
    used = {name for name in re.findall(r"var\(--([\w-]+)", text) if not name.startswith("weui-")}
    assert used <= known
