"""What only a browser can tell: accessibility, sideways scrolling, the keypad, and the content policy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.chromium import violations
from tests.portal.look.conftest import ADDRESS
from tests.portal.look.demo_app import ROOT, SCREENS

LOOKS = ["", "theme=dark", "lang=en&type=large"]
PHONE = ["", *(name for name in SCREENS if not name.startswith("desk"))]
DESK = [name for name in SCREENS if name.startswith("desk")]
Open = Callable[..., Page]


def visited(page: Page, query: str) -> Page:
    """The same page, at another screen."""
    page.goto(f"{ADDRESS}?{query}")
    return page


@pytest.mark.parametrize("look_of", LOOKS)
def test_it_passes_axe_on_the_phone(open_page: Open, look_of: str) -> None:
    # Tall enough that no row is half under the bar at the bottom, where axe would measure only what shows.
    page = open_page("screen=none", height=6000)
    found = {screen: violations(visited(page, f"screen={screen}&{look_of}")) for screen in PHONE}
    assert {screen: lines for screen, lines in found.items() if lines} == {}


@pytest.mark.parametrize("look_of", LOOKS)
def test_it_passes_axe_on_the_desk(open_page: Open, look_of: str) -> None:
    page = open_page("screen=none", width=1280, height=800)
    found = {screen: violations(visited(page, f"screen={screen}&{look_of}")) for screen in DESK}
    assert {screen: lines for screen, lines in found.items() if lines} == {}


@pytest.mark.parametrize("look_of", ["", "lang=en&type=large"])
def test_it_never_scrolls_sideways_at_320_px(open_page: Open, look_of: str) -> None:
    page = open_page("screen=none", width=320)
    wide = {
        screen: visited(page, f"screen={screen}&{look_of}").evaluate("document.documentElement.scrollWidth")
        for screen in [*PHONE, *DESK]
    }
    assert {screen: width for screen, width in wide.items() if width > 320} == {}


def test_it_keeps_targets_large_enough_for_a_wet_thumb(open_page: Open) -> None:
    page = open_page("screen=none")
    for screen in ("today", "receipts", "receipt", "refund", "pay", "tasks", "question"):
        small = visited(page, f"screen={screen}").evaluate(
            """() => [...document.querySelectorAll('main a, main button, nav a, .bar a, .bar button, summary')]
            .filter(e => e.getClientRects().length && getComputedStyle(e).position !== 'absolute')
            .filter(e => { const r = e.getBoundingClientRect(); return r.height < 43.5 || r.width < 43.5 })
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert small == [], screen


def test_it_types_an_amount_with_the_keypad(open_page: Open) -> None:
    page = open_page("screen=pay")
    button, field = page.locator("#go"), page.locator("#amount")
    assert button.inner_text() == "微信支付 ¥26.80"
    for _ in range(5):
        page.get_by_role("button", name="删一位").click()
    assert field.input_value() == ""
    assert button.is_disabled()
    for key in "1234.567":
        page.locator(f".kp button[value='{key}']").click()
    assert field.input_value() == "1234.56"
    assert button.inner_text() == "微信支付 ¥1,234.56"


def test_it_refuses_keys_that_make_no_amount(open_page: Open) -> None:
    page = open_page("screen=pay&wallet=jdpay")
    for _ in range(5):
        page.locator(".kp button[value='']").click()
    for key in ".0..05":
        page.locator(f".kp button[value='{key}']").click()
    assert page.locator("#amount").input_value() == "0.00"
    assert page.locator("#go").is_disabled()


def test_it_is_complete_without_script(open_page: Open) -> None:
    page = open_page("screen=pay", script=False)
    assert page.locator(".kp").is_hidden()
    assert page.locator("#amount").is_editable()
    assert page.locator("#go").is_enabled()


def test_it_runs_under_the_content_policy(open_page: Open) -> None:
    page = open_page("screen=none")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for screen in ["", *SCREENS]:
        visited(page, f"screen={screen}")
    assert [line for line in said if "Content Security Policy" in line or "Error" in line] == []


def test_it_names_the_licence_of_what_was_taken_in() -> None:
    for path in ("static/vendor/weui.LICENSE.txt", "tests/axe/LICENSE"):
        assert (ROOT / path).stat().st_size > 500
