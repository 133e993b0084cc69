"""Registering: what is opened, and what a stranger does not learn."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal.audit.queries import entries
from portal.identity import texts
from portal.merchants import queries
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from tests.portal.conftest import RememberedSms
from tests.portal.merchants.conftest import PASSWORD, PHONE, Jobs, merchant_of

FORM = {"shop_name": "阿珍水果摊", "password": PASSWORD, "accept": "y"}


def test_it_opens_person_merchant_and_first_shop(register: Callable[..., FlaskClient], db: Database) -> None:
    browser = register()
    assert browser.get("/application").status_code == 200
    merchant_id = merchant_of(db)
    assert 10**8 <= merchant_id < 10**9
    with db.transaction(merchant=merchant_id) as session:
        found = queries.merchant(session, merchant_id)
        shops = queries.shops(session, merchant_id)
        events = session.execute(sa.text("SELECT kind FROM events")).scalars().all()
        acts = [entry.act.action for entry in entries(session, merchant_id)]
    assert found is not None
    assert (found.status, found.name) == ("pending", "阿珍水果摊")
    assert [(shop.shop_id, shop.name) for shop in shops] == [(1, "阿珍水果摊")]
    assert events == ["merchant.registered"]
    assert acts == ["merchant.registered"]


def test_it_keeps_which_texts_were_accepted(register: Callable[..., FlaskClient], db: Database) -> None:
    register()
    with db.transaction() as session:
        kept = session.execute(sa.text("SELECT document, version, sha256 FROM acceptances ORDER BY document")).all()
    wanted = [texts.current(name, "zh") for name in ("privacy", "service")]
    assert [tuple(row) for row in kept] == [(text.document, text.version, text.sha256) for text in wanted]


def test_nobody_sees_the_merchant_without_a_scope(register: Callable[..., FlaskClient], db: Database) -> None:
    register()
    with db.transaction() as session:
        assert session.execute(sa.text("SELECT count(*) FROM merchants")).scalar_one() == 0


def test_a_known_number_gets_a_code_like_any_other(
    register: Callable[..., FlaskClient], app: object, sms: RememberedSms, jobs: Jobs
) -> None:
    register()
    stranger = app.test_client()  # type: ignore[attr-defined]
    with time_machine.travel(now() + timedelta(minutes=2), tick=False):
        first = stranger.post("/register", data={"phone": PHONE})
        assert (first.status_code, first.location) == (302, "/register/code")
        wrong = stranger.post("/register/code", data={**FORM, "code": "000000"}).get_data(as_text=True)
        assert "验证码不对" in wrong
        assert "账号" not in wrong.partition("<main")[2].partition("已有账号，去登录")[0].replace("已有账号", "")
        jobs.run()
        told = stranger.post("/register/code", data={**FORM, "code": sms.sent[-1][1]}).get_data(as_text=True)
    assert "您已经注册过" in told
    assert "/login" in told


def test_a_wrong_code_keeps_what_was_typed(client: FlaskClient) -> None:
    client.post("/register", data={"phone": PHONE})
    page = client.post("/register/code", data={**FORM, "code": "123456"}).get_data(as_text=True)
    assert "验证码不对" in page
    assert 'value="阿珍水果摊"' in page
    assert "<title>错误：" in page


def test_five_wrong_codes_use_it_up(client: FlaskClient, sms: RememberedSms, jobs: Jobs) -> None:
    client.post("/register", data={"phone": PHONE})
    jobs.run()
    right = sms.sent[0][1]
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        client.post("/register/code", data={**FORM, "code": wrong})
    page = client.post("/register/code", data={**FORM, "code": right}).get_data(as_text=True)
    assert "验证码输错太多次" in page


@pytest.mark.parametrize("name", ["阿珍😀", "阿珍☕", "阿\u200d珍", "𠮷野家", "   "])
def test_a_name_the_wallets_do_not_take_is_refused(client: FlaskClient, name: str) -> None:
    client.post("/register", data={"phone": PHONE})
    page = client.post("/register/code", data={**FORM, "code": "123456", "shop_name": name}).get_data(as_text=True)
    assert ("表情符号" in page) or ("请填店名" in page)


def test_without_accepting_nothing_is_opened(client: FlaskClient, db: Database, sms: RememberedSms, jobs: Jobs) -> None:
    client.post("/register", data={"phone": PHONE})
    jobs.run()
    page = client.post(
        "/register/code", data={"code": sms.sent[0][1], "shop_name": "阿珍", "password": PASSWORD}
    ).get_data(as_text=True)
    assert "同意服务协议和隐私说明后才能注册" in page
    with db.transaction() as session:
        assert session.execute(sa.text("SELECT count(*) FROM users")).scalar_one() == 0


def test_the_fee_is_shown_before_anything_is_accepted(client: FlaskClient) -> None:
    client.post("/register", data={"phone": PHONE})
    assert "0.38%" in client.get("/register/code").get_data(as_text=True)


@pytest.mark.parametrize("phone", ["", "12345", "02112345678", "+1 202 555 0100", "1380013800a"])
def test_a_number_that_is_no_mobile_is_refused(client: FlaskClient, phone: str) -> None:
    page = client.post("/register", data={"phone": phone})
    assert page.status_code == 200
    assert "手机号" in page.get_data(as_text=True)


def test_the_code_page_needs_a_number_first(client: FlaskClient) -> None:
    assert client.get("/register/code").location == "/register"
