"""One running product for all journeys, and browsers of several sizes and languages."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.journeys import road
from tests.journeys import running as product
from tests.journeys.running import Running


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The product with its demonstration, in a data directory of its own."""
    with product.whole(tmp_path_factory.mktemp("journeys") / "data") as started:
        yield started


@pytest.fixture(scope="session")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A second product, for journeys that move its clock: no other journey looks at it."""
    with product.whole(tmp_path_factory.mktemp("hurried") / "data") as started:
        yield started


@pytest.fixture
def window(browser: Browser, running: Running) -> Iterator[Callable[..., Page]]:
    """A fresh visitor: `window(width=360, lang="en")` opens an empty page with that look."""
    contexts: list[BrowserContext] = []

    def make(*, width: int = 360, height: int = 780, lang: str = "zh", **options: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN" if lang == "zh" else "en-GB", **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in(window: Callable[..., Page], running: Running) -> Callable[..., Page]:
    """A browser in which the first demonstration person of a role is signed in."""

    def make(role: str, **options: object) -> Page:
        page = window(**options)
        road.sign_in(page, running, running.login(role))
        return page

    return make
