"""The switches for language, type size and theme that the pages show are the ones the portal understands."""

import re

import pytest
from flask.testing import FlaskClient

_BUTTON = re.compile(r'<button [^>]*?name="(\w+)" value="(\w*)"')


@pytest.mark.parametrize(
    ("name", "value", "shows"),
    [("locale", "en", 'lang="en" class='), ("large_type", "1", "large-type"), ("theme", "dark", 'data-theme="dark"')],
)
def test_each_switch_on_a_public_page_works(client: FlaskClient, name: str, value: str, shows: str) -> None:
    before = client.get("/login", headers={"Accept-Language": "zh"}).get_data(as_text=True)
    assert (name, value) in _BUTTON.findall(before)
    assert shows not in before.partition("<head>")[0]
    answer = client.post("/settings/look", data={name: value, "next": "/login"})
    assert answer.location == "/login"
    after = client.get("/login").get_data(as_text=True)
    assert shows in after.partition("<head>")[0]
