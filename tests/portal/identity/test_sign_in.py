"""Signing in and out, and a forgotten password."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.tasks import TASKS
from tests.factories.merchants import PASSWORD, add_merchant, add_user
from tests.portal.conftest import RememberedSms

SHOP = 482913057
PHONE = "+8613800138001"


@pytest.fixture
def owner(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊")
    return add_user(db, keyring, phone=PHONE, name="陈珍珍", merchant_id=SHOP)


def send_waiting(tools: Tools) -> None:
    with tools.database.transaction() as session:
        rows = session.execute(
            sa.text("UPDATE procrastinate_jobs SET status = 'succeeded' RETURNING task_name, args")
        ).all()
    for name, arguments in rows:
        TASKS[name](tools, **arguments)


def test_it_signs_in_and_goes_home(client: FlaskClient, owner: int) -> None:
    answer = client.post("/login", data={"phone": "138 0013 8001", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/settings").status_code == 200


@pytest.mark.parametrize(
    ("phone", "password"), [("13800138001", "wrong-one"), ("13900139000", PASSWORD)], ids=["password", "number"]
)
def test_it_says_the_same_of_a_wrong_password_and_an_unknown_number(
    client: FlaskClient, owner: int, phone: str, password: str
) -> None:
    page = client.post("/login", data={"phone": phone, "password": password}).get_data(as_text=True)
    assert "手机号或密码不对" in page
    assert f'value="{phone}"' in page


def test_it_refuses_after_ten_wrong_passwords_even_the_right_one(client: FlaskClient, owner: int) -> None:
    for _ in range(10):
        client.post("/login", data={"phone": PHONE, "password": "wrong-one"})
    answer = client.post("/login", data={"phone": PHONE, "password": PASSWORD})
    assert answer.status_code == 429
    assert "请过几分钟再来" in answer.get_data(as_text=True)


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\nb"])
def test_it_never_leads_to_another_host(client: FlaskClient, owner: int, where: str) -> None:
    answer = client.post("/login", query_string={"next": where}, data={"phone": PHONE, "password": PASSWORD})
    assert answer.location == "/"


def test_it_comes_back_to_the_page_that_asked(client: FlaskClient, owner: int) -> None:
    assert client.get("/settings/devices").location == "/login?next=/settings/devices"
    answer = client.post("/login?next=/settings/devices", data={"phone": PHONE, "password": PASSWORD})
    assert answer.location == "/settings/devices"


def test_it_signs_out_for_good(client: FlaskClient, owner: int) -> None:
    client.post("/login", data={"phone": PHONE, "password": PASSWORD})
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    client.post("/logout")
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
    assert client.get("/settings").status_code == 302


def test_it_sets_a_new_password_by_sms_and_ends_the_old_sessions(
    client: FlaskClient,
    client_of: Callable[..., FlaskClient],
    tools: Tools,
    sms: RememberedSms,
    owner: int,
) -> None:
    elsewhere = client_of(owner, SHOP)
    assert client.post("/forgot", data={"phone": PHONE}).location == "/forgot/code"
    assert "138 0013 8001" in client.get("/forgot/code").get_data(as_text=True)
    send_waiting(tools)
    done = client.post("/forgot/code", data={"code": sms.sent[0][1], "password": "durian-season-9"})
    assert done.location == "/login"
    assert elsewhere.get("/settings").status_code == 302
    assert client.post("/login", data={"phone": PHONE, "password": "durian-season-9"}).location == "/"


def test_an_unknown_number_gets_the_same_page_and_no_message(
    client: FlaskClient, tools: Tools, sms: RememberedSms, owner: int
) -> None:
    assert client.post("/forgot", data={"phone": "13900139000"}).location == "/forgot/code"
    send_waiting(tools)
    assert sms.sent == []
    page = client.post("/forgot/code", data={"code": "000000", "password": "durian-season-9"}).get_data(as_text=True)
    assert "验证码不对" in page


def test_a_second_code_waits_for_a_minute(client: FlaskClient, tools: Tools, sms: RememberedSms, owner: int) -> None:
    client.post("/forgot", data={"phone": PHONE})
    client.post("/forgot/again")
    assert "请过一分钟再取" in client.get("/forgot/code").get_data(as_text=True)
    with time_machine.travel(now() + timedelta(seconds=61), tick=False):
        client.post("/forgot/again")
        send_waiting(tools)
    assert len(sms.sent) == 2


def test_an_expired_code_is_refused_in_plain_words(
    client: FlaskClient, tools: Tools, sms: RememberedSms, owner: int
) -> None:
    client.post("/forgot", data={"phone": PHONE})
    send_waiting(tools)
    with time_machine.travel(now() + timedelta(minutes=11), tick=False):
        page = client.post("/forgot/code", data={"code": sms.sent[0][1], "password": "durian-season-9"})
    assert "验证码过期了" in page.get_data(as_text=True)


@pytest.mark.parametrize("document", ["service", "privacy"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_texts_are_readable_in_both_languages(client: FlaskClient, document: str, language: str) -> None:
    client.set_cookie("lang", language)
    page = client.get(f"/terms/{document}").get_data(as_text=True)
    assert ("10 years" in page) or ("10 年" in page) or ("0.38" in page)


def test_the_look_is_remembered(client: FlaskClient) -> None:
    answer = client.post("/settings/look", data={"large_type": "1", "theme": "dark", "next": "/login"})
    assert answer.location == "/login"
    page = client.get("/login").get_data(as_text=True)
    assert 'data-theme="dark"' in page
    assert "large-type" in page
