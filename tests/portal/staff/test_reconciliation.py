"""对账: what staff see of a day's bills, and what they may do about a difference."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest
import sqlalchemy as sa

from portal.audit.models import AuditEntry
from portal.ledger import queries as ledger
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.reconciliation import flows, operations, queries
from portal.wallets.bills import BillAnswer, BillState
from portal.wallets.errors import WalletUnknown
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Wallet
from tests.factories.bills import Line, wechat_bill
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order, add_payment
from tests.factories.wallets import ScriptedWallet
from tests.portal.reconciliation.conftest import AT, DAY, MORNING
from tests.portal.staff.conftest import Desk

SHOP = 482913057
PAGE = f"/staff/reconciliation/{DAY}"


@pytest.fixture
def line(db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> Line:
    add_merchant(db, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    wallets[Acquirer.JDPAY].script["fetch_bill"] = BillAnswer(BillState.EMPTY)
    return Line(add_payment(db, keyring, merchant_id=SHOP, amount=2000, now=AT), 2000, AT, f"WX{SHOP}")


@pytest.fixture
def compared(
    tools: Tools, wallets: dict[Acquirer, ScriptedWallet], staff_db: Database, line: Line
) -> Callable[..., int]:
    """`compared(line, …)`: the day with such a bill; answers the first open difference's number, 0 for none."""

    def run(*lines: Line) -> int:
        wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(*lines)
        flows.reconcile(tools, DAY, now=MORNING)
        with staff_db.transaction() as session:
            return next((item.item_id for item in queries.items(session, DAY, only_open=True)), 0)

    return run


def test_before_the_first_bill_the_page_says_when_it_comes(desk: Callable[..., Desk]) -> None:
    assert "还没有账单" in desk("finance").browser.get("/staff/reconciliation").text


def test_the_days_are_listed_with_what_is_open(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    compared(replace(line, amount=2035))
    page = desk("support").browser.get("/staff/reconciliation").text
    assert str(DAY) in page
    assert "未对平" in page
    assert "0.35" in page


def test_a_day_shows_its_sums_and_its_differences(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    compared(replace(line, amount=2035))
    page = desk("finance").browser.get(PAGE).text
    for words in ("微信收单", "20.35", "20.00", "0.35", "金额不符", "阿珍水果摊", line.order_no, "提出／保存"):
        assert words in page


def test_whoever_is_not_of_finance_sees_but_does_not_decide(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    item = compared(replace(line, amount=2035))
    browser = desk("support").browser
    assert "由财务处理" in browser.get(PAGE).text
    assert browser.post(f"{PAGE}/{item}", data={"way": "ignore", "reason": "不要紧的差异"}).status_code == 404


def test_the_page_shows_per_cent_while_somebody_works(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database
) -> None:
    compared(line)
    with staff_db.transaction() as session:
        key = queries.batches(session, DAY)[0].key
        operations.note_progress(session, key, 43, now=now())
    assert "43%" in desk("finance").browser.get(PAGE).text
    with staff_db.transaction() as session:
        operations.note_progress(session, key, 43, now=datetime(2026, 1, 1, tzinfo=AT.tzinfo))
    assert "43%" not in desk("finance").browser.get(PAGE).text


def test_a_bill_that_is_missing_or_lies_is_named(
    desk: Callable[..., Desk], tools: Tools, wallets: dict[Acquirer, ScriptedWallet], line: Line
) -> None:
    wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(line, more=1)
    wallets[Acquirer.JDPAY].script["fetch_bill"] = BillAnswer(BillState.NOT_READY)
    flows.reconcile(tools, DAY, now=MORNING)
    page = desk("finance").browser.get(PAGE).text
    assert "账单自己对不上或者读不懂" in page
    assert "钱包还没有做好账单" in page


@pytest.mark.parametrize(("way", "said"), [("hold", "挂账"), ("ignore", "已忽略")])
def test_a_difference_is_decided_with_a_reason(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database, way: str, said: str
) -> None:
    item = compared(replace(line, amount=2035))
    browser = desk("finance").browser
    answer = browser.post(f"{PAGE}/{item}", data={"way": way, "reason": "已经问了微信，等回复"})
    assert answer.status_code == 302
    page = browser.get(f"{PAGE}?state=all").text
    assert said in page
    assert "已经问了微信，等回复" in page
    with staff_db.transaction() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action.like("bill_item.%"))).one()
        assert (entry.merchant_id, entry.reason, entry.facts["bill"]) == (SHOP, "已经问了微信，等回复", 2035)
        states = {row.key.acquirer: row.state for row in queries.batches(session, DAY)}
    assert states["wechat"] == ("unbalanced" if way == "hold" else "balanced")


def test_without_a_reason_nothing_is_decided_and_what_was_chosen_stays(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    item = compared(replace(line, amount=2035))
    answer = desk("finance").browser.post(f"{PAGE}/{item}", data={"way": "ignore", "reason": " "})
    assert answer.status_code == 422
    assert "请写原因" in answer.text


def test_what_is_over_is_not_decided_again(desk: Callable[..., Desk], compared: Callable[..., int], line: Line) -> None:
    item = compared(replace(line, amount=2035))
    browser = desk("finance").browser
    wish = {"way": "ignore", "reason": "差三角五分"}
    assert browser.post(f"{PAGE}/{item}", data=wish).status_code == 302
    answer = browser.post(f"{PAGE}/{item}", data=wish)
    assert answer.status_code == 409
    assert "已经有结果了" in answer.text


def test_nobody_decides_about_his_own_shop(
    db: Database,
    keyring: Keyring,
    desk: Callable[..., Desk],
    compared: Callable[..., int],
    line: Line,
    staff_db: Database,
) -> None:
    item = compared(replace(line, amount=2035))
    person = desk("finance")
    with staff_db.transaction(merchant=SHOP) as session:
        session.execute(
            sa.text(
                "INSERT INTO members (merchant_id, user_id, role, name, joined_at) VALUES (:m, :u, 'owner', 'x', now())"
            ),
            {"m": SHOP, "u": person.user_id},
        )
    answer = person.browser.post(f"{PAGE}/{item}", data={"way": "hold", "reason": "我自己的店"})
    assert answer.status_code == 403


def test_a_day_is_closed_once_everything_is_balanced_and_then_rests(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database, tools: Tools
) -> None:
    item = compared(replace(line, amount=2035))
    browser = desk("finance").browser
    browser.post(f"{PAGE}/close")
    assert "先不能关账" in browser.get(PAGE).text
    browser.post(f"{PAGE}/{item}", data={"way": "ignore", "reason": "差三角五分"})
    assert browser.post(f"{PAGE}/close").status_code == 302
    assert "已关账" in browser.get(PAGE).text
    rows = flows.reconcile(tools, DAY, now=MORNING)
    assert {row.state for row in rows} == {"closed"}
    assert browser.post(f"{PAGE}/{item}", data={"way": "hold", "reason": "再看一下"}).status_code == 409


@pytest.mark.parametrize("address", ["yesterday", "2026-1-1", "20261121", str(date(2020, 1, 1))])
def test_a_day_without_bills_is_not_there(desk: Callable[..., Desk], address: str) -> None:
    assert desk("finance").browser.get(f"/staff/reconciliation/{address}").status_code == 404


def test_a_difference_of_another_day_is_not_there(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    item = compared(replace(line, amount=2035))
    answer = desk("finance").browser.post(
        f"/staff/reconciliation/2026-11-20/{item}", data={"way": "hold", "reason": "哪一天的"}
    )
    assert answer.status_code == 404


def proposed(staff_db: Database, item: int) -> queries.ProposalRow:
    with staff_db.transaction() as session:
        found = queries.proposal_of(session, item)
    assert found is not None
    return found


def test_money_is_booked_when_a_second_person_agrees(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database
) -> None:
    item = compared(replace(line, amount=2035))
    first, second = desk("finance", "许航").browser, desk("finance", "周宁").browser
    assert first.post(f"{PAGE}/{item}", data={"way": "accept", "reason": "微信确认多收"}).status_code == 302
    waiting = proposed(staff_db, item)
    own = first.get(PAGE).text
    for words in ("等第二人", waiting.payload_sha256[:12], "您是提出人，要另一位财务同意", "微信收单 应付给商户"):
        assert words in own
    address = f"{PAGE}/{item}/{waiting.resolution_id}?shown={waiting.payload_sha256}"
    assert first.post(address, data={"decision": "approve"}).status_code == 409
    assert second.post(address.replace("shown=", "shown=0"), data={"decision": "approve"}).status_code == 409
    assert "同意 +0.35" in second.get(PAGE).text
    assert second.post(address, data={"decision": "approve"}).status_code == 302
    page = second.get(f"{PAGE}?state=over").text
    assert "已了结" in page
    with staff_db.transaction() as session:
        assert [one.amount for one in ledger.transfers(session, SHOP) if one.kind == "bill_more"] == [35]
        # The day is compared once more, for its sums.
        assert session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) == 1
    assert second.post(address, data={"decision": "approve"}).status_code == 409


def test_a_proposal_is_sent_back_and_leaves_its_trace(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database
) -> None:
    item = compared(replace(line, amount=2035))
    first, second = desk("finance", "许航").browser, desk("finance", "周宁").browser
    first.post(f"{PAGE}/{item}", data={"way": "accept", "reason": "微信确认多收"})
    waiting = proposed(staff_db, item)
    assert second.post(f"{PAGE}/{item}/{waiting.resolution_id}", data={"decision": "decline"}).status_code == 302
    assert "周宁 没有同意" in second.get(PAGE).text
    assert second.post(f"{PAGE}/{item}/{waiting.resolution_id + 1}", data={}).status_code == 404
    assert desk("support").browser.post(f"{PAGE}/{item}/{waiting.resolution_id}", data={}).status_code == 404


def test_the_wallet_is_asked_and_what_it_says_is_proposed(
    desk: Callable[..., Desk],
    compared: Callable[..., int],
    line: Line,
    wallets: dict[Acquirer, ScriptedWallet],
    db: Database,
    keyring: Keyring,
    staff_db: Database,
) -> None:
    late = add_order(db, keyring, merchant_id=SHOP, amount=900, now=AT)
    item = compared(line, Line(late, 900, AT, f"WX{SHOP}", transaction_no="4200000001"))
    browser, wish = desk("finance").browser, {"way": "repost", "reason": "通知没有收到"}
    wallet = wallets[Acquirer.WECHAT]
    wallet.script["ask_payment"] = WalletUnknown("TIMEOUT")
    answer = browser.post(f"{PAGE}/{item}", data=wish)
    assert answer.status_code == 502
    assert "钱包没有回答" in answer.text
    assert "通知没有收到" in answer.text
    del wallet.script["ask_payment"]
    assert "没有可以补记的" in browser.post(f"{PAGE}/{item}", data=wish).text
    wallet.script["ask_payment"] = PaymentAnswer(
        *(Acquirer.WECHAT, late, PaymentState.SUCCESS, f"WX{SHOP}", Wallet.WECHAT, "4200000001", 900, 900), paid_at=AT
    )
    assert browser.post(f"{PAGE}/{item}", data=wish).status_code == 302
    waiting = proposed(staff_db, item)
    assert (waiting.way, waiting.payload["answer"]["amount"]) == ("repost", 900)
    assert "查单" in browser.get(PAGE).text
    second = desk("finance", "周宁").browser
    address = f"{PAGE}/{item}/{waiting.resolution_id}?shown={waiting.payload_sha256}"
    assert second.post(address, data={"decision": "approve"}).status_code == 302
    with staff_db.transaction() as session:
        paid = payments.payment(session, SHOP, late)
    assert paid is not None
    assert paid.state == "success"


def test_filters_choose_and_say_that_they_do(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line
) -> None:
    compared(replace(line, amount=2035))
    browser = desk("support").browser
    for asked, seen in (
        ("difference=amount&acquirer=wechat&wallet=wechat", True),
        (f"merchant=M-{SHOP}", True),
        ("least=100", False),
        ("difference=fee", False),
        ("state=proposed", False),
        ("difference=nonsense&least=x&merchant=x", True),
    ):
        page = browser.get(f"{PAGE}?{asked}").text
        assert (line.order_no in page) == seen, asked
        assert ("清除" in page) == ("nonsense" not in asked)


def test_the_differences_come_as_a_file(desk: Callable[..., Desk], compared: Callable[..., int], line: Line) -> None:
    compared(replace(line, amount=1965), Line("=cmd|404", 700, AT, f"WX{SHOP}"))
    answer = desk("support").browser.get(f"{PAGE}/differences.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    head, first, second = list(csv.reader(answer.data.decode("utf-8-sig").splitlines()))
    assert len(head) == len(first) == len(second)
    rows = {row[8]: dict(zip(head, row, strict=True)) for row in (first, second)}
    assert rows[line.order_no]["差额（元）"] == "-0.35"
    assert rows["'=cmd|404"]["账单金额（元）"] == "7.00"


def test_a_day_is_compared_again_by_a_worker(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database
) -> None:
    compared(line)
    browser = desk("finance").browser
    assert browser.post(f"{PAGE}/again").status_code == 302
    with staff_db.transaction() as session:
        assert session.scalar(sa.text("SELECT args->>'day' FROM procrastinate_jobs")) == str(DAY)
    assert browser.post("/staff/reconciliation/2020-01-01/again").status_code == 404


def test_a_withheld_bill_is_named_and_the_day_can_be_closed(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[Acquirer.JDPAY].script["fetch_bill"] = BillAnswer(BillState.NOT_PERMITTED)
    compared(line)
    browser = desk("finance").browser
    page = browser.get(PAGE).text
    for words in ("不给账单", f"JD{SHOP}", "不等，也不算对平"):
        assert words in page
    browser.post(f"{PAGE}/close")
    assert "已关账" in browser.get(PAGE).text


def test_a_hold_that_is_over_is_said_on_the_page(
    desk: Callable[..., Desk], compared: Callable[..., int], line: Line, staff_db: Database
) -> None:
    item = compared(replace(line, amount=2035))
    browser = desk("finance").browser
    browser.post(f"{PAGE}/{item}", data={"way": "hold", "reason": "问了微信，等回复"})
    with staff_db.transaction() as session:
        session.execute(sa.text("UPDATE bill_items SET hold_until = '2026-01-01'"))
        assert operations.expire_holds(session, today=DAY, now=now()) == 1
    assert "1 笔挂账已经到期" in browser.get(PAGE).text
