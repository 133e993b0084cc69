import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.audit.queries import entries, first_break
from portal.merchants import queries
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from tests.portal.staff.conftest import TOFU, Desk

PAGE = f"/staff/applications/{TOFU}/1"
REASON = "门头照看不清店名，请重拍一张"


def state(staff_db: Database) -> str:
    with staff_db.transaction() as session:
        row = queries.application(session, TOFU, 1)
    assert row is not None
    return str(row.state)


def actions(staff_db: Database) -> list[str]:
    with staff_db.transaction() as session:
        assert first_break(session, TOFU) is None
        return [entry.act.action for entry in reversed(entries(session, TOFU))]


@pytest.mark.parametrize("role", ["support", "reviewer", "risk", "finance", "auditor", "admin"])
def test_every_role_may_read_and_only_some_decide(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database, role: str
) -> None:
    apply()
    browser = desk(role).browser
    page = browser.get(PAGE).get_data(as_text=True)
    assert "信用代码" in page
    decides = role in ("reviewer", "admin")
    assert ("确认通过" in page) is decides
    answer = browser.post(PAGE, data={"decision": "approve"})
    assert answer.status_code == (302 if decides else 404)
    assert state(staff_db) == ("approved" if decides else "submitted")


def test_what_is_secret_is_masked(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply()
    page = desk("reviewer").browser.get(PAGE).get_data(as_text=True)
    assert "3604**********0071" in page
    assert "**** 6213" in page
    for secret in ("360426199101010071", "6222021203008846213", "13800138001"):
        assert secret not in page


def test_a_look_is_written_down_before_anything_is_shown(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply()
    reviewer = desk("reviewer")
    reviewer.browser.get(PAGE)
    answer = reviewer.browser.get(f"{PAGE}/pictures/id_front")
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b"\xff\xd8")
    assert actions(staff_db)[-2:] == ["application.viewed", "document.viewed"]
    with staff_db.transaction() as session:
        last = entries(session, TOFU, most=1)[0].act
    assert (last.actor.user_id, last.subject) == (reviewer.user_id, "1/id_front")
    assert "已看" in reviewer.browser.get(PAGE).get_data(as_text=True)


@pytest.mark.parametrize("path", ["pictures/bank_card", "pictures/..", "pictures/nonsense"])
def test_a_picture_that_is_not_there_is_not_found(
    desk: Callable[..., Desk], apply: Callable[..., int], path: str
) -> None:
    apply()
    assert desk("reviewer").browser.get(f"{PAGE}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["1/1", f"{TOFU}/2", f"{TOFU}/99999999999999999999", "99999999999999999999/1", "0/0"])
def test_an_application_that_is_not_there_is_not_found(
    desk: Callable[..., Desk], apply: Callable[..., int], path: str
) -> None:
    apply()
    browser = desk("reviewer").browser
    assert browser.get(f"/staff/applications/{path}").status_code == 404
    assert browser.post(f"/staff/applications/{path}", data={"decision": "approve"}).status_code in (404, 405)


def test_approving_sends_it_on_and_is_written_down(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply()
    browser = desk("reviewer").browser
    answer = browser.post(PAGE, data={"decision": "approve"}, follow_redirects=True)
    assert "老周豆腐通过了" in answer.get_data(as_text=True)
    assert state(staff_db) == "approved"
    assert actions(staff_db)[-1] == "application.approved"
    with staff_db.transaction() as session:
        jobs = session.execute(sa.text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")).scalar_one()
        assert set(queries.wallet_applications(session, TOFU)) == {"wechat", "jdpay"}
    assert jobs == 2
    page = browser.get(PAGE).get_data(as_text=True)
    assert "林岚" in page
    assert "确认通过" not in page


def test_returning_needs_a_reason_and_keeps_what_was_chosen(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply()
    browser = desk("reviewer").browser
    for reason, words in (("", "请写退回原因"), ("差", "要写 4 到 500 个字"), ("长" * 501, "要写 4 到 500 个字")):
        answer = browser.post(PAGE, data={"decision": "return", "step": "shop", "reason": reason})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert words in page
        assert reason in page
        assert re.search(r'<input checked [^>]*value="shop"', page)
    assert state(staff_db) == "submitted"


@pytest.mark.parametrize("step", ["", "shop"])
def test_the_owner_reads_why_it_was_returned(
    desk: Callable[..., Desk],
    apply: Callable[..., int],
    staff_db: Database,
    client_of: Callable[..., FlaskClient],
    step: str,
) -> None:
    owner = apply()
    browser = desk("reviewer").browser
    answer = browser.post(PAGE, data={"decision": "return", "step": step, "reason": f" {REASON}\x00 "})
    assert answer.status_code == 302
    assert state(staff_db) == "returned"
    assert REASON in browser.get(PAGE).get_data(as_text=True)
    assert REASON in client_of(owner, TOFU).get("/application").get_data(as_text=True)


def test_the_second_of_two_reviewers_is_told_who_was_first(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply()
    first, second = desk("reviewer", "林岚"), desk("reviewer", "许静")
    assert "确认通过" in second.browser.get(PAGE).get_data(as_text=True)
    first.browser.post(PAGE, data={"decision": "approve"})
    for given in ({"decision": "approve"}, {"decision": "return", "reason": REASON}):
        answer = second.browser.post(PAGE, data=given)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "别人已经处理了这份申请" in page
        assert "林岚" in page
        assert given.get("reason", "") in page
    assert state(staff_db) == "approved"


def test_nobody_decides_on_his_own_shop(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply()
    reviewer = desk("admin")
    join(staff_db, reviewer.user_id)
    page = reviewer.browser.get(PAGE).get_data(as_text=True)
    assert "这是您自己的店" in page
    assert "确认通过" not in page
    for given in ({"decision": "approve"}, {"decision": "return", "reason": REASON}):
        answer = reviewer.browser.post(PAGE, data=given)
        assert answer.status_code == 403
        assert "这是您自己的店" in answer.get_data(as_text=True)
    assert state(staff_db) == "submitted"


def test_what_the_machine_finds_wrong_cannot_be_approved(
    desk: Callable[..., Desk], apply: Callable[..., int], staff_db: Database
) -> None:
    apply(id_valid_until=now().date().replace(year=2020, day=1))
    browser = desk("reviewer").browser
    assert "自动核对有 1 项不符" in browser.get(PAGE).get_data(as_text=True)
    assert browser.post(PAGE, data={"decision": "approve"}).status_code == 422
    assert state(staff_db) == "submitted"


def test_the_console_is_not_there_for_the_owner(
    apply: Callable[..., int], client_of: Callable[..., FlaskClient]
) -> None:
    browser = client_of(apply(), TOFU)
    for path in (
        "/staff",
        "/staff/applications",
        PAGE,
        f"{PAGE}/pictures/licence",
        "/staff/merchants",
        f"/staff/merchants/{TOFU}",
        f"/staff/merchants/{TOFU}/restrict",
        f"/staff/merchants/{TOFU}/lift/receive",
    ):
        assert browser.get(path).status_code == 404, path
    for path in (PAGE, f"/staff/merchants/{TOFU}/restrict", f"/staff/merchants/{TOFU}/lift/receive"):
        assert browser.post(path).status_code == 404, path


def join(staff_db: Database, user_id: int) -> None:
    """A member of staff works at this shop too."""
    with staff_db.transaction(merchant=TOFU) as session:
        session.execute(
            sa.text("INSERT INTO members VALUES (:m, :u, 'clerk', '林岚', now())"), {"m": TOFU, "u": user_id}
        )
