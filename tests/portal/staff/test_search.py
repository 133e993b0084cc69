from collections.abc import Callable

import pytest

from portal.audit.operations import PLATFORM
from portal.audit.queries import entries, first_break
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.references import Kind, mint
from tests.factories.merchants import add_merchant, add_user
from tests.portal.staff.conftest import FRUIT, TOFU, Desk

CODE = "7KQ42MHDW"
PHONE = "+8613800138001"


@pytest.fixture(autouse=True)
def shops(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=TOFU, name="老周豆腐", code=CODE)
    add_user(db, keyring, phone=PHONE, name="周建国", merchant_id=TOFU)
    add_merchant(db, keyring, merchant_id=FRUIT, name="阿珍水果摊")


def order(keyring: Keyring, kind: Kind = Kind.ORDER) -> str:
    return mint(kind, TOFU, key=keyring.reference_key, now=now())


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("豆腐", "按店名找"),
        (f"M-{TOFU}", "按商户号找"),
        (f"m{TOFU}", "按商户号找"),
        (f" {TOFU} ", "按商户号找"),
        ("４８２９１３０５７", "按商户号找"),
        ("138 0013 8001", "按手机号找"),
        (PHONE, "按手机号找"),
        ("7KQ4-2MHD-W", "按码牌号找"),
        ("7kq42mhdw", "按码牌号找"),
    ],
)
def test_a_shop_is_found_by_whatever_is_read_out(desk: Callable[..., Desk], text: str, how: str) -> None:
    page = desk("support").browser.get("/staff/merchants", query_string={"q": text}).get_data(as_text=True)
    assert how in page
    assert f"/staff/merchants/{TOFU}" in page
    assert f"/staff/merchants/{FRUIT}" not in page


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.REFUND])
def test_a_shop_is_found_by_a_receipts_number(desk: Callable[..., Desk], keyring: Keyring, kind: Kind) -> None:
    page = desk("support").browser.get(f"/staff/merchants?q={order(keyring, kind).lower()}").get_data(as_text=True)
    assert "按收款单号找" in page
    assert f"/staff/merchants/{TOFU}" in page


@pytest.mark.parametrize(
    "text",
    ["没有这家", "%", "8001", "13900139000", "M-100000000", "7KQ4-2MHD-9", "Y" + "0" * 29, "\x00", "'; --", "长" * 300],
)
def test_nothing_found_says_how_to_search(desk: Callable[..., Desk], text: str) -> None:
    answer = desk("support").browser.get("/staff/merchants", query_string={"q": text})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert ("没有找到" in page and "印在码牌最下面一行" in page) or text == "\x00"


def test_a_search_is_written_down_without_the_number(
    desk: Callable[..., Desk], keyring: Keyring, staff_db: Database
) -> None:
    support = desk("support")
    for text in ("13800138001", "豆腐", "没有这家"):
        support.browser.get("/staff/merchants", query_string={"q": text})
    support.browser.get("/staff/merchants")
    with staff_db.transaction() as session:
        acts = [entry.act for entry in reversed(entries(session, PLATFORM))]
        assert first_break(session, PLATFORM) is None
    assert [(act.action, act.actor.user_id) for act in acts] == [("merchants.searched", support.user_id)] * 3
    assert [act.facts for act in acts] == [
        {"text": "*** **** 8001", "found": 1},
        {"text": "豆腐", "found": 1},
        {"text": "没有这家", "found": 0},
    ]


def test_without_a_question_the_newest_are_listed(desk: Callable[..., Desk]) -> None:
    page = desk("auditor").browser.get("/staff/merchants").get_data(as_text=True)
    assert "最近注册的 2 家" in page
