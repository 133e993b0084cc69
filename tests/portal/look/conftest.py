"""What the tests of the look share: the small app, and a browser that asks it directly, without a server."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route

from tests.portal.look.demo_app import create_app

ADDRESS = "http://look.test/"


@pytest.fixture(scope="session")
def look_app() -> Flask:
    return create_app()


@pytest.fixture
def look(look_app: Flask) -> FlaskClient:
    return look_app.test_client()


@pytest.fixture
def open_page(look: FlaskClient, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a screen of the small app: `open_page("screen=today&theme=dark", width=320)`."""
    contexts = []

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS.rstrip("/"))
        with look.get(path) as response:
            route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.data)

    def open_it(query: str, *, width: int = 360, height: int = 780, script: bool = True) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(f"{ADDRESS}?{query}")
        return page

    yield open_it
    for context in contexts:
        context.close()
