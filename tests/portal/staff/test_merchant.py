from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from portal.audit.queries import entries, first_break
from portal.merchants import queries
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.day import business_date
from tests.factories.merchants import add_merchant, add_user
from tests.portal.staff.conftest import FRUIT, TOFU, Desk
from tests.portal.staff.test_application import join

CODE = "7KQ42MHDW"
PAGE = f"/staff/merchants/{TOFU}"
WECHAT = {"User-Agent": "Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.50 Language/zh_CN"}
GIVEN = {
    "function": "receive",
    "reason": "同一顾客反复小额付款，共 11 笔",
    "way_out": "请上传这几笔的进货单，1 个工作日内复核",
}


@pytest.fixture(autouse=True)
def owner(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=TOFU, name="老周豆腐", code=CODE)
    return add_user(db, keyring, phone="+8613800138001", name="周建国", merchant_id=TOFU)


def held(staff_db: Database) -> set[str]:
    with staff_db.transaction() as session:
        return set(queries.restrictions(session, TOFU, now=now()))


def test_the_page_tells_everything_and_nothing_secret(desk: Callable[..., Desk]) -> None:
    page = desk("support").browser.get(PAGE).get_data(as_text=True)
    for words in (
        "老周豆腐",
        f"M-{TOFU}",
        "营业中",
        "7KQ4-2MHD-W",
        f"WX{TOFU}",
        f"JD{TOFU}",
        "0.38%",
        "功能状态",
        "访问记录",
    ):
        assert words in page, words
    assert "周建国" not in page
    assert "13800138001" not in page


def test_names_are_masked_in_the_head_and_in_the_story(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply(FRUIT, shop="阿珍水果摊", phone="+8613800138002")
    page = desk("support").browser.get(f"/staff/merchants/{FRUIT}").get_data(as_text=True)
    assert "经营者 *珍珍" in page
    assert "*建国" in page
    assert "提交进件" in page
    for secret in ("陈珍珍", "周建国", "13800138002", "6222021203008846213"):
        assert secret not in page


def test_every_look_is_written_down_and_shown_to_the_owner(
    desk: Callable[..., Desk], staff_db: Database, owner: int, client_of: Callable[..., FlaskClient]
) -> None:
    support = desk("support", "何敏")
    page = support.browser.get(PAGE).get_data(as_text=True)
    assert "商户总览（遮蔽）" in page
    assert "何敏" in page
    with staff_db.transaction() as session:
        assert [entry.act.action for entry in entries(session, TOFU)] == ["merchant.viewed"]
        assert first_break(session, TOFU) is None
    assert "一码工作人员 何敏" in client_of(owner, TOFU).get("/settings/records").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/staff/merchants/1", "/staff/merchants/99999999999999999999", "/staff/merchants/x"])
def test_a_number_nobody_has_is_not_found(desk: Callable[..., Desk], path: str) -> None:
    assert desk("admin").browser.get(path).status_code == 404


@pytest.mark.parametrize("role", ["support", "reviewer", "finance", "auditor", "risk", "admin"])
def test_only_risk_and_admin_restrict(desk: Callable[..., Desk], staff_db: Database, role: str) -> None:
    browser = desk(role).browser
    may = role in ("risk", "admin")
    assert (f"{PAGE}/restrict" in browser.get(PAGE).get_data(as_text=True)) is may
    assert browser.get(f"{PAGE}/restrict").status_code == (200 if may else 404)
    assert browser.post(f"{PAGE}/restrict", data=GIVEN).status_code == (302 if may else 404)
    assert held(staff_db) == ({"receive"} if may else set())
    answer = browser.post(f"{PAGE}/lift/receive", data={"reason": "材料都齐了"})
    assert answer.status_code == (302 if may else 404)


def test_the_payers_page_obeys_at_once(desk: Callable[..., Desk], client: FlaskClient, staff_db: Database) -> None:
    def payer() -> tuple[int, str]:
        answer = client.get(f"/c/{CODE}", headers=WECHAT)
        return answer.status_code, answer.get_data(as_text=True)

    risk = desk("risk", "沈越").browser
    assert payer()[0] == 200
    answer = risk.post(f"{PAGE}/restrict", data=GIVEN, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "收款功能已经限制" in page
    assert GIVEN["reason"] in page
    assert GIVEN["way_out"] in page
    assert payer()[0] == 403
    assert "这个码现在不能收款" in payer()[1]
    page = risk.get(f"{PAGE}/lift/receive").get_data(as_text=True)
    assert GIVEN["reason"] in page
    answer = risk.post(f"{PAGE}/lift/receive", data={"reason": "进货单核对过了"}, follow_redirects=True)
    assert "收款功能恢复了" in answer.get_data(as_text=True)
    assert payer()[0] == 200
    with staff_db.transaction() as session:
        acts = [entry.act for entry in reversed(entries(session, TOFU))]
        assert first_break(session, TOFU) is None
    assert [(act.action, act.reason) for act in acts if act.action.startswith("restriction.")] == [
        ("restriction.placed", GIVEN["reason"]),
        ("restriction.lifted", "进货单核对过了"),
    ]
    assert {act.actor.name for act in acts} == {"沈越"}


def test_the_owner_reads_the_same_sentence(
    desk: Callable[..., Desk], owner: int, client_of: Callable[..., FlaskClient]
) -> None:
    desk("risk").browser.post(f"{PAGE}/restrict", data=GIVEN)
    page = client_of(owner, TOFU).get("/settings").get_data(as_text=True)
    assert GIVEN["reason"] in page
    assert GIVEN["way_out"] in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"function": ""}, "请选一项功能"),
        ({"function": "everything"}, "请选一项功能"),
        ({"reason": ""}, "请写原因"),
        ({"reason": "坏"}, "要写 4 到 500 个字"),
        ({"way_out": " "}, "请写怎样恢复"),
        ({"way_out": "长" * 501}, "要写 4 到 500 个字"),
        ({"until": "2020-01-01"}, "请选今天到一年以内的一天"),
        ({"until": "9999-12-31"}, "请选今天到一年以内的一天"),
        ({"until": "明天"}, "日期不对"),
    ],
)
def test_it_is_never_a_bare_freeze(
    desk: Callable[..., Desk], staff_db: Database, changes: dict[str, str], words: str
) -> None:
    answer = desk("risk").browser.post(f"{PAGE}/restrict", data={**GIVEN, **changes})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    kept = {**GIVEN, **changes}
    assert kept["reason"].strip() in page
    assert kept["way_out"].strip() in page
    assert kept.get("until", "") in page
    assert held(staff_db) == set()


def test_a_restriction_until_today_ends_at_midnight(desk: Callable[..., Desk], staff_db: Database) -> None:
    today = business_date(now())
    desk("risk").browser.post(f"{PAGE}/restrict", data={**GIVEN, "until": today.isoformat()})
    with staff_db.transaction() as session:
        assert set(queries.restrictions(session, TOFU, now=now())) == {"receive"}
        assert queries.restrictions(session, TOFU, now=now() + timedelta(days=1)) == {}


def test_what_a_colleague_did_meanwhile_is_told(desk: Callable[..., Desk], staff_db: Database) -> None:
    first, second = desk("risk").browser, desk("risk").browser
    first.post(f"{PAGE}/restrict", data=GIVEN)
    answer = second.post(f"{PAGE}/restrict", data=GIVEN)
    assert answer.status_code == 409
    assert "可能是同事刚刚限制的" in answer.get_data(as_text=True)
    assert GIVEN["way_out"] in answer.get_data(as_text=True)
    first.post(f"{PAGE}/lift/receive", data={"reason": "进货单核对过了"})
    answer = second.post(f"{PAGE}/lift/receive", data={"reason": "进货单核对过了"})
    assert answer.status_code == 409
    assert "可能是同事刚刚解除的" in answer.get_data(as_text=True)


def test_lifting_needs_a_reason(desk: Callable[..., Desk], staff_db: Database) -> None:
    browser = desk("risk").browser
    browser.post(f"{PAGE}/restrict", data=GIVEN)
    answer = browser.post(f"{PAGE}/lift/receive", data={"reason": "  "})
    assert answer.status_code == 422
    assert "请写解除原因" in answer.get_data(as_text=True)
    assert held(staff_db) == {"receive"}
    assert browser.get(f"{PAGE}/lift/everything").status_code == 404


def test_nobody_restricts_or_frees_his_own_shop(desk: Callable[..., Desk], staff_db: Database) -> None:
    own, other = desk("admin"), desk("risk")
    join(staff_db, own.user_id)
    assert own.browser.post(f"{PAGE}/restrict", data=GIVEN).status_code == 403
    other.browser.post(f"{PAGE}/restrict", data=GIVEN)
    answer = own.browser.post(f"{PAGE}/lift/receive", data={"reason": "没有问题了"})
    assert answer.status_code == 403
    assert "这是您自己的店" in answer.get_data(as_text=True)
    assert held(staff_db) == {"receive"}


def test_four_functions_are_restricted_one_by_one(desk: Callable[..., Desk], staff_db: Database) -> None:
    browser = desk("admin").browser
    for function in ("receive", "refund", "rebate", "payout"):
        assert browser.post(f"{PAGE}/restrict", data={**GIVEN, "function": function}).status_code == 302
    assert held(staff_db) == {"receive", "refund", "rebate", "payout"}
    assert "四项功能都已经在限制中" in browser.get(f"{PAGE}/restrict").get_data(as_text=True)
