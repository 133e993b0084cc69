"""A newcomer on his way through registering and applying."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image

from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.tasks import TASKS
from tests.connectors.conftest import ear, sandbox
from tests.portal.conftest import RememberedSms

PHONE = "13800138000"
PASSWORD = "mangosteen-17"

LICENCE = {
    "licence_name": "杭州市上城区阿珍水果店",
    "licence_number": "92330102MA2H1ABC1C",
    "licence_address": "浙江省杭州市上城区城东菜市场 B12",
}
PERSON = {
    "legal_person": "陈珍珍",
    "id_number": "360426199101010071",
    "id_valid_from": "2016-03-01",
    "id_valid_until": "2036-03-01",
}
ACCOUNT = {"bank_name": "建设银行", "account_number": "6222 0212 0300 8846 213"}
SHOP = {
    "shop_name": "阿珍水果摊",
    "region_code": "330100",
    "store_address": "上城区城东菜市场 B12",
    "email": "azhen@example.com",
}


def photo(size: tuple[int, int] = (800, 600), kind: str = "JPEG") -> tuple[io.BytesIO, str]:
    """A picture as a browser uploads it."""
    written = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(written, kind)
    written.seek(0)
    return written, f"photo.{kind.lower()}"


@dataclass
class Jobs:
    """The queue, worked off by hand: `run()` does everything that waits, due or not, once."""

    tools: Tools
    done: list[str] = field(default_factory=list)

    def waiting(self) -> list[tuple[int, str, dict[str, object]]]:
        with self.tools.database.transaction() as session:
            rows = session.execute(
                sa.text("SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
            )
            return [(row.id, row.task_name, row.args) for row in rows]

    def run(self) -> list[str]:
        names = []
        for number, name, arguments in self.waiting():
            with self.tools.database.transaction() as session:
                session.execute(
                    sa.text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = :id"), {"id": number}
                )
            TASKS[name](self.tools, **arguments)
            names.append(name)
        self.done += names
        return names


@pytest.fixture
def jobs(tools: Tools) -> Jobs:
    return Jobs(tools)


@pytest.fixture
def register(client: FlaskClient, jobs: Jobs, sms: RememberedSms) -> Callable[..., FlaskClient]:
    """A browser whose owner has just registered."""

    def make(phone: str = PHONE, shop_name: str = "阿珍水果摊") -> FlaskClient:
        client.post("/register", data={"phone": phone})
        jobs.run()
        answer = client.post(
            "/register/code",
            data={"code": sms.sent[-1][1], "shop_name": shop_name, "password": PASSWORD, "accept": "y"},
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    return make


@pytest.fixture
def apply(register: Callable[..., FlaskClient]) -> Callable[..., FlaskClient]:
    """A browser whose owner has filled in everything, and handed it in unless told otherwise."""

    def make(*, submit: bool = True, **named: str) -> FlaskClient:
        browser = register(**named)
        browser.post("/application")
        for step, answers, pictures in (
            ("licence", LICENCE, ("licence",)),
            ("person", PERSON, ("id_front", "id_back")),
            ("account", ACCOUNT, ()),
            ("shop", SHOP, ("storefront", "interior")),
        ):
            answer = browser.post(f"/application/{step}", data={**answers, **{name: photo() for name in pictures}})
            assert answer.status_code == 302, answer.get_data(as_text=True)
        if submit:
            hand_in(browser)
        return browser

    return make


def hand_in(browser: FlaskClient) -> None:
    """Accept the rates shown on the check page and submit."""
    page = browser.get("/application/check").get_data(as_text=True)
    shown = re.search(r'name="rates"[^>]*value="([^"]*)"', page)
    assert shown is not None
    answer = browser.post("/application/check", data={"rates": shown[1], "accept": "y"})
    assert answer.status_code == 302, answer.get_data(as_text=True)


def merchant_of(db: Database) -> int:
    """The only merchant there is."""
    with db.transaction() as session:
        found: int = session.execute(sa.text("SELECT merchant_id FROM user_merchants")).scalar_one()
    return found


__all__ = ["ear", "sandbox"]
