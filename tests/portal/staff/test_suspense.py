"""待查款: what finance sees of money that fits nothing, and how two of them decide."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from portal.suspense.queries import CaseRow
from portal.wallets.errors import WalletUnavailable
from tests.portal.staff.conftest import Desk
from tests.portal.suspense.conftest import SHOP, Aside, aside, confirmed  # noqa: F401 - fixtures go by their names

WISH = {"way": "release", "target_no": "", "reason": "账单里有这一笔，商户也认"}


@pytest.fixture
def row(confirmed: Callable[..., CaseRow]) -> CaseRow:  # noqa: F811
    return confirmed()


def page_of(row: CaseRow, act: str = "") -> str:
    return f"/staff/suspense/{row.merchant_id}/{row.case_id}" + (f"/{act}" if act else "")


def proposed(first: FlaskClient, row: CaseRow, **changes: str) -> str:
    """Asks and proposes; answers the address that decides, as it stands on the page."""
    assert first.post(page_of(row, "ask")).status_code == 302
    assert first.post(page_of(row, "propose"), data={**WISH, **changes}).status_code == 302
    found = re.search(r'action="([^"]+/decide\?shown=[0-9a-f]{64})"', first.get(page_of(row)).text)
    assert found is not None
    return found[1]


def test_without_money_put_aside_the_page_says_what_would_be_here(desk: Callable[..., Desk]) -> None:
    browser = desk("finance").browser
    assert "没有待查款" in browser.get("/staff/suspense").text
    assert "没有符合筛选的待查款" in browser.get("/staff/suspense?show=over&reason=wrong_amount&page=x").text
    assert "笔待查款" not in browser.get("/staff/applications").text


def test_the_list_says_why_whose_and_how_much_and_the_first_page_alerts(
    desk: Callable[..., Desk], row: CaseRow
) -> None:
    browser = desk("support").browser
    page = browser.get("/staff/suspense").text
    for words in ("金额不符", "阿珍水果摊", "微信收单", "19.80", "20.00", "由财务处理", row.order_no, "T1"):
        assert words in page
    alert = browser.get("/staff/applications").text
    assert "有 1 笔待查款，共 19.80 元" in alert


def test_the_wallets_answer_stands_beside_the_notice(desk: Callable[..., Desk], row: CaseRow) -> None:
    browser = desk("finance").browser
    assert "还没查" in browser.get(page_of(row)).text
    browser.post(page_of(row, "ask"))
    page = browser.get(page_of(row)).text
    assert "还没查" not in page
    assert "支付成功" in page


def test_a_wallet_that_is_silent_is_said_to_be(
    desk: Callable[..., Desk],
    row: CaseRow,
    aside: Aside,  # noqa: F811
) -> None:
    browser = desk("finance").browser
    aside.says(WalletUnavailable("down"))
    assert "钱包没有回答" in browser.post(page_of(row, "ask"), follow_redirects=True).text


def test_one_proposes_and_another_agrees(desk: Callable[..., Desk], row: CaseRow, aside: Aside) -> None:  # noqa: F811
    first, second = desk("finance", "许航").browser, desk("finance", "周宁").browser
    address = proposed(first, row)
    mine, theirs = first.get(page_of(row)).text, second.get(page_of(row)).text
    assert "提议是您自己提的" in mine
    assert "提议是您自己提的" not in theirs
    for words in ("许航", WISH["reason"], "借 待查", "贷 商户 收款", "同意入账"):
        assert words in theirs
    assert first.post(address, data={"decision": "approve"}).status_code == 409
    assert aside.nets() == {"clearing:wechat": 1980, "suspense": -1980}
    assert second.post(address, data={"decision": "approve"}).status_code == 302
    assert "suspense" not in aside.nets()
    over = second.get(page_of(row)).text
    assert "已入账" in over
    assert "许航 提出，周宁 同意" in over
    assert "已入账" in second.get("/staff/suspense?show=over").text
    assert second.post(page_of(row, "ask"), follow_redirects=True).text.count("这笔钱已经有结果了") == 1


def test_a_proposal_is_sent_back(desk: Callable[..., Desk], row: CaseRow, aside: Aside) -> None:  # noqa: F811
    address = proposed(desk("finance").browser, row, way="give_back")
    second = desk("finance", "周宁").browser
    assert "同意退回" in second.get(page_of(row)).text
    assert second.post(address, data={"decision": "decline"}).status_code == 302
    assert aside.newest().state == "open"


def test_when_the_money_moves_at_that_very_moment_nothing_is_done_and_it_is_said(
    desk: Callable[..., Desk], row: CaseRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadlock(*_: object, **__: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("deadlock detected"))

    address = proposed(desk("finance").browser, row)
    monkeypatch.setattr("portal.notices.flows.approve_case", deadlock)
    second = desk("finance", "周宁").browser
    assert "什么都没有改" in second.post(address, data={"decision": "approve"}, follow_redirects=True).text


def test_without_a_reason_nothing_is_proposed_and_what_was_chosen_stays(
    desk: Callable[..., Desk], row: CaseRow
) -> None:
    answer = desk("finance").browser.post(page_of(row, "propose"), data={**WISH, "reason": " ", "target_no": "Y1"})
    assert answer.status_code == 422
    assert "请写原因" in answer.text
    assert 'value="Y1"' in answer.text


def test_what_may_not_be_done_is_said_with_its_reason(desk: Callable[..., Desk], row: CaseRow) -> None:
    answer = desk("finance").browser.post(page_of(row, "propose"), data={**WISH, "way": "ignore"})
    assert answer.status_code == 409
    assert "请先查单" in answer.text


def test_ignoring_shows_the_way_out_of_the_books(
    desk: Callable[..., Desk],
    row: CaseRow,
    aside: Aside,  # noqa: F811
) -> None:
    aside.says(replace(aside.answer(row.order_no), transaction_id="T9"))
    proposed(desk("finance").browser, row, way="ignore")
    assert "同意忽略" in desk("support").browser.get(page_of(row)).text


def test_only_finance_decides(desk: Callable[..., Desk], row: CaseRow) -> None:
    browser = desk("support").browser
    for act in ("ask", "propose", "decide"):
        assert browser.post(page_of(row, act), data=WISH).status_code == 404


def test_nobody_decides_about_his_own_shop(desk: Callable[..., Desk], row: CaseRow, aside: Aside) -> None:  # noqa: F811
    first, second = desk("finance", "许航"), desk("finance", "周宁")
    with aside.staff_db.transaction(merchant=SHOP) as session:
        session.execute(
            sa.text(
                "INSERT INTO members (merchant_id, user_id, role, name, joined_at) VALUES (:m, :u, 'owner', 'x', now())"
            ),
            {"m": SHOP, "u": second.user_id},
        )
    first.browser.post(page_of(row, "ask"))
    assert second.browser.post(page_of(row, "propose"), data=WISH).status_code == 403
    address = proposed(first.browser, row)
    answer = second.browser.post(address, data={"decision": "approve"})
    assert answer.status_code == 403
    assert "这是您自己的店" in answer.text


def test_a_case_that_is_not_there_is_not_found(desk: Callable[..., Desk], row: CaseRow) -> None:
    assert desk("finance").browser.get(f"/staff/suspense/{SHOP}/{row.case_id + 1}").status_code == 404
