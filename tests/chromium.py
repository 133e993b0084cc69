"""Chromium for the tests: where it is, how it is started, and what a page must pass."""

import os
from pathlib import Path

from playwright.sync_api import Frame, Page

PROGRAM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Without a sandbox of its own because the tests may run as root; the rest keeps it from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
# Every rule but the experimental ones, every node of the page.
_RUN = (
    "frames => axe.run(document, {iframes: frames,"
    " runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})"
    ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))"
)


def violations(page: Page | Frame, *, frames: bool = True) -> list[str]:
    """What axe finds on the page, or in one frame of it, one line each.

    A frame that is another page of the test may be left out.
    """
    page.evaluate(_AXE)
    return list(page.evaluate(_RUN, frames))


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
