"""我的: what the owner sees of himself, his devices and the record of acts."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.merchants import operations
from portal.merchants.rules import Function
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from tests.factories.merchants import add_merchant, add_user
from tests.portal.merchants.conftest import merchant_of

SHOP = 482913057
REVIEWER = Actor("staff", 900, "许静")


@pytest.fixture
def owner(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊")
    return add_user(db, keyring, phone="+8613800138001", name="陈珍珍", merchant_id=SHOP)


def test_it_shows_contracts_with_their_rates(owner: int, client_of: Callable[..., FlaskClient]) -> None:
    page = client_of(owner, SHOP).get("/settings").get_data(as_text=True)
    assert "费率 0.38%，商户号 WX482913057" in page
    assert "已开通" in page
    assert "店主" in page


def test_it_shows_how_an_application_stands(apply: Callable[..., FlaskClient], db: Database) -> None:
    browser = apply()
    page = browser.get("/settings").get_data(as_text=True)
    assert "等一码审核" in page
    assert f"商户号 {merchant_of(db)}" in page


def test_it_shows_a_restriction_with_its_way_out(
    owner: int, client_of: Callable[..., FlaskClient], staff_db: Database
) -> None:
    with staff_db.transaction(merchant=SHOP) as session:
        operations.restrict(
            session,
            merchant_id=SHOP,
            function=Function.RECEIVE,
            reason="同一顾客反复小额付款",
            way_out="请上传进货单",
            actor=REVIEWER,
            now=now(),
        )
    page = client_of(owner, SHOP).get("/settings").get_data(as_text=True)
    assert "收款功能暂停了" in page
    assert "怎样恢复：请上传进货单" in page


def test_another_device_can_be_signed_out(owner: int, client_of: Callable[..., FlaskClient]) -> None:
    here, there = client_of(owner, SHOP), client_of(owner, SHOP)
    assert "退出其他 1 台" in here.get("/settings/devices").get_data(as_text=True)
    assert here.post("/settings/devices", data={"device": "others"}).status_code == 302
    assert there.get("/settings").status_code == 302
    assert here.get("/settings").status_code == 200


def test_a_device_of_somebody_else_cannot_be_signed_out(
    owner: int, db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]
) -> None:
    add_merchant(db, keyring, merchant_id=SHOP + 1, name="建国包子铺")
    other = add_user(db, keyring, phone="+8613800138002", name="周建国", merchant_id=SHOP + 1)
    theirs = client_of(other, SHOP + 1)
    page = theirs.get("/settings/devices").get_data(as_text=True)
    device = page.split('name="device" value="')[1].split('"')[0]
    assert client_of(owner, SHOP).post("/settings/devices", data={"device": device}).status_code == 404
    assert theirs.get("/settings").status_code == 200


def test_signing_out_this_device_leads_to_the_login(owner: int, client_of: Callable[..., FlaskClient]) -> None:
    browser = client_of(owner, SHOP)
    page = browser.get("/settings/devices").get_data(as_text=True)
    device = page.split('name="device" value="')[1].split('"')[0]
    assert browser.post("/settings/devices", data={"device": device}).location == "/login"
    assert browser.get("/settings").status_code == 302


def test_the_owner_sees_which_staff_looked(
    owner: int, client_of: Callable[..., FlaskClient], staff_db: Database
) -> None:
    looked = Act(at=datetime(2026, 11, 22, 6, tzinfo=UTC), actor=REVIEWER, action="merchant.viewed", subject=str(SHOP))
    with staff_db.transaction(merchant=SHOP) as session:
        record(session, looked, merchant_id=SHOP)
    page = client_of(owner, SHOP).get("/settings/records").get_data(as_text=True)
    assert "看了您的资料" in page
    assert "一码工作人员 许静" in page


@pytest.mark.parametrize("path", ["/settings", "/settings/devices", "/settings/records", "/application"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_in_both_languages(
    owner: int, client_of: Callable[..., FlaskClient], path: str, language: str
) -> None:
    browser = client_of(owner, SHOP)
    browser.set_cookie("lang", language)
    assert browser.get(path).status_code == 200
