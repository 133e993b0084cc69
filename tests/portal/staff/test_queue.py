from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.plumbing.clock import now
from tests.portal.staff.conftest import FRUIT, TOFU, Desk

QUEUE = "/staff/applications"


def test_an_empty_queue_says_what_will_come(desk: Callable[..., Desk]) -> None:
    page = desk("reviewer").browser.get(QUEUE).get_data(as_text=True)
    assert "没有要审的申请" in page
    assert "0 件待审" in page


def test_the_console_begins_at_the_queue(desk: Callable[..., Desk]) -> None:
    answer = desk("support").browser.get("/staff")
    assert (answer.status_code, answer.location) == (302, QUEUE)


def test_the_longest_waiting_comes_first_and_is_chosen(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply(FRUIT, shop="阿珍水果摊", phone="+8613800138002", at=now() - timedelta(minutes=90))
    apply(TOFU, at=now() - timedelta(hours=5, minutes=12))
    page = desk("reviewer").browser.get(QUEUE).get_data(as_text=True)
    assert page.index("5:12") < page.index("1:30")
    assert page.count("超时") == 1
    assert "2 件待审" in page
    assert "1 件超过 4 小时" in page
    assert f'<h2>老周豆腐</h2><span class="panel__note">A-{TOFU}-1</span>' in page


def test_another_line_is_chosen_by_the_address(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply(FRUIT, shop="阿珍水果摊", phone="+8613800138002", at=now() - timedelta(minutes=90))
    apply(TOFU)
    page = desk("reviewer").browser.get(f"{QUEUE}?at={TOFU}-1").get_data(as_text=True)
    assert "<h2>老周豆腐</h2>" in page
    assert 'data-key="K"' in page
    assert 'data-key="J"' not in page


def test_it_says_what_the_machine_doubts(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply(id_valid_until=(now() + timedelta(days=30)).date())
    page = desk("reviewer").browser.get(QUEUE).get_data(as_text=True)
    assert "天后到期" in page
    assert "自动核对 7 项：6 项通过" in page


def test_nothing_secret_stands_in_the_queue(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply()
    page = desk("reviewer").browser.get(QUEUE).get_data(as_text=True)
    for secret in ("360426199101010071", "6222021203008846213", "陈珍珍", "13800138001"):
        assert secret not in page


def test_the_filters_stand_in_the_address(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply()
    browser = desk("reviewer").browser
    assert "老周豆腐" in browser.get(f"{QUEUE}?city=330100").get_data(as_text=True)
    assert "没有符合筛选的申请" in browser.get(f"{QUEUE}?city=110100").get_data(as_text=True)
    browser.post(f"{QUEUE}/{TOFU}/1", data={"decision": "return", "reason": "门头照看不清店名"})
    assert "老周豆腐" in browser.get(f"{QUEUE}?state=returned").get_data(as_text=True)
    assert "没有要审的申请" in browser.get(QUEUE).get_data(as_text=True)
    assert "退回 1" in browser.get(QUEUE).get_data(as_text=True)


@pytest.mark.parametrize("query", ["state=nonsense", "page=99999999999999999999", "page=-1", "city=%00", "at=x"])
def test_an_address_that_makes_no_sense_shows_the_queue(
    desk: Callable[..., Desk], apply: Callable[..., int], query: str
) -> None:
    apply()
    answer = desk("reviewer").browser.get(f"{QUEUE}?{query}")
    assert answer.status_code == 200
    assert "老周豆腐" in answer.get_data(as_text=True)


def test_a_draft_is_nobodys_business(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    apply(submit=False)
    browser = desk("admin").browser
    assert "没有要审的申请" in browser.get(QUEUE).get_data(as_text=True)
    assert browser.get(f"{QUEUE}/{TOFU}/1").status_code == 404


def test_a_long_queue_has_pages(desk: Callable[..., Desk], apply: Callable[..., int]) -> None:
    for number in range(14):
        apply(TOFU + number, shop=f"豆腐{number:02d}", phone=f"+8613800138{100 + number}")
    browser = desk("reviewer").browser
    first = browser.get(QUEUE).get_data(as_text=True)
    assert "第 1–12 件，共 14 件" in first
    assert "豆腐13" not in first
    second = browser.get(f"{QUEUE}?page=2").get_data(as_text=True)
    assert "第 13–14 件，共 14 件" in second
    assert "豆腐13" in second


@pytest.mark.parametrize(("name", "value", "shows"), [("locale", "en", 'lang="en"'), ("theme", "dark", "dark")])
def test_the_head_switches_the_look_and_comes_back(
    desk: Callable[..., Desk], name: str, value: str, shows: str
) -> None:
    browser = desk("reviewer").browser
    where = f"{QUEUE}?city=330100"
    page = browser.get(where).get_data(as_text=True)
    assert f'name="{name}" value="{value}"' in page
    assert f'name="next" value="{where}"' in page
    answer = browser.post("/settings/look", data={name: value, "next": where})
    assert answer.location == where
    assert shows in browser.get(where).get_data(as_text=True).partition("<head>")[0]


def test_the_head_signs_out(desk: Callable[..., Desk]) -> None:
    browser = desk("reviewer").browser
    assert 'action="/logout"' in browser.get(QUEUE).get_data(as_text=True)
    browser.post("/logout")
    assert browser.get(QUEUE).location.startswith("/login")
