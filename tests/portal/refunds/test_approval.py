"""A clerk's refund above the limit waits for the owner, who agrees or not in two taps."""

import re
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.audit import queries as audit
from portal.audit.rules import Actor
from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.merchants.models import Restriction
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations, queries
from portal.refunds.models import Refund
from portal.refunds.queries import RefundRow
from portal.refunds.rules import CLERK_LIMIT_MOST
from portal.values.errors import InvalidAmount
from portal.wallets.errors import WalletUnavailable
from portal.wallets.port import Acquirer, RefundAnswer, RefundState
from tests.factories.merchants import add_user
from tests.factories.payments import add_payment
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP, STRANGER

WECHAT = Acquirer.WECHAT
Ask = Callable[..., str]


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    """¥1,000.00 by WeChat Pay."""
    return add_payment(db, keyring, merchant_id=SHOP, amount=100_000, now=now())


@pytest.fixture
def clerk(db: Database, keyring: Keyring) -> int:
    return add_user(db, keyring, phone="+8613800138009", name="周姐", merchant_id=SHOP, role="clerk")


@pytest.fixture
def clerks_browser(clerk: int, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    return client_of(clerk, SHOP)


@pytest.fixture
def managers_browser(db: Database, keyring: Keyring, client_of: Callable[..., FlaskClient]) -> FlaskClient:
    user = add_user(db, keyring, phone="+8613800138010", name="阿强", merchant_id=SHOP, role="manager")
    return client_of(user, SHOP)


def words(response: TestResponse) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def hidden(response: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.get_data(as_text=True)))


@pytest.fixture
def ask(clerks_browser: FlaskClient, paid: str) -> Ask:
    """Ask for a refund on the pages, as a clerk; answers its number."""
    keys: Iterator[int] = iter(range(99))

    def asked(yuan: str, browser: FlaskClient = clerks_browser) -> str:
        page = browser.get(
            f"/receipts/{paid}/refund/check",
            query_string={"amount": yuan, "reason": "顾客不要了", "key": f"form-{next(keys)}"},
        )
        done = browser.post(f"/receipts/{paid}/refund/check", data=hidden(page))
        assert done.status_code == 303, words(done)
        return done.location.rpartition("/")[2]

    return asked


def refund(db: Database, number: str) -> RefundRow:
    with db.transaction(merchant=SHOP) as session:
        found = queries.refund(session, SHOP, number)
    assert found is not None
    return found


def standing(db: Database, paid: str) -> tuple[int, int, int]:
    """Set aside, refunded, and what is in flight by the ledger."""
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
        in_flight = ledger.balances(session, SHOP).get("refund_in_flight:wechat")
    assert row is not None
    return row.refund_reserved, row.refunded, -in_flight.net if in_flight else 0


def acts(db: Database) -> list[tuple[str, str, str]]:
    with db.transaction(merchant=SHOP) as session:
        return [(one.act.action, one.act.subject, one.act.actor.name) for one in audit.entries(session, SHOP)]


def decide(browser: FlaskClient, number: str, word: str) -> TestResponse:
    return browser.post(f"/refunds/{number}/decision", data={"decision": word})


def test_above_the_limit_the_amount_is_set_aside_and_no_wallet_hears_of_it(
    ask: Ask, db: Database, paid: str, wallets: dict[Acquirer, ScriptedWallet], staff_db: Database
) -> None:
    number = ask("200.01")
    assert refund(db, number).state == "pending_approval"
    assert standing(db, paid) == (20_001, 0, 20_001)
    assert wallets[WECHAT].asked == []
    with staff_db.transaction() as session:
        jobs = session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'refunds.chase'"))
    assert jobs == 0


def test_up_to_the_limit_a_clerk_refunds_by_himself(ask: Ask, db: Database) -> None:
    assert refund(db, ask("200")).state == "processing"


def test_in_parts_is_no_way_around_the_limit(ask: Ask, db: Database) -> None:
    assert refund(db, ask("150")).state == "processing"
    assert refund(db, ask("50.01")).state == "pending_approval"
    assert refund(db, ask("50")).state == "processing"


def test_the_owner_and_a_manager_ask_nobody(
    ask: Ask, db: Database, owners_browser: FlaskClient, managers_browser: FlaskClient
) -> None:
    assert refund(db, ask("300", owners_browser)).state == "processing"
    assert refund(db, ask("300", managers_browser)).state == "processing"


def test_the_clerk_reads_beforehand_that_the_owner_will_be_asked(clerks_browser: FlaskClient, paid: str) -> None:
    address, given = f"/receipts/{paid}/refund/check", {"reason": "x", "key": "k"}
    above = words(clerks_browser.get(address, query_string={**given, "amount": "200.01"}))
    assert "先等店主同意：您自己能退到 ¥200.00" in above
    assert "请店主同意" in above
    below = words(clerks_browser.get(address, query_string={**given, "amount": "200"}))
    assert "店主同意" not in below


def test_the_owner_finds_it_on_today_and_agrees_with_the_second_tap(
    ask: Ask,
    db: Database,
    paid: str,
    clerk: int,
    owner: int,
    owners_browser: FlaskClient,
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    number = ask("300")
    today = owners_browser.get("/").get_data(as_text=True)
    assert "周姐申请退款 ¥300.00，等您同意" in today
    assert f'href="/refunds/{number}"' in today
    page = owners_browser.get(f"/refunds/{number}")
    assert "等您同意周姐要退 ¥300.00，超过店员限额。先留着" in words(page)
    assert "周姐提交申请" in words(page)
    assert decide(owners_browser, number, "approve").location == f"/refunds/{number}"
    row = refund(db, number)
    assert (row.state, row.asked_by, row.decided_by) == ("processing", clerk, owner)
    assert row.decided_at is not None
    assert [method for method, _ in wallets[WECHAT].asked] == ["refund"]
    assert standing(db, paid) == (30_000, 0, 30_000)
    assert "周建国同意" in words(owners_browser.get(f"/refunds/{number}"))
    assert ("refund.approved", number, "周建国") in acts(db)


def test_what_is_not_agreed_to_is_free_again_by_a_new_transfer(
    ask: Ask, db: Database, paid: str, managers_browser: FlaskClient, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    number = ask("300")
    decide(managers_browser, number, "decline")
    assert (refund(db, number).state, standing(db, paid)) == ("declined", (0, 0, 0))
    assert wallets[WECHAT].asked == []
    with db.transaction(merchant=SHOP) as session:
        kinds = [one.kind for one in ledger.transfers(session, SHOP) if one.ref == number]
        told = [one.kind for one in feed.about(session, SHOP, [number])]
    assert kinds == ["refund_requested", "refund_released"]
    assert told == ["refund.requested", "refund.pending_approval", "refund.declined"]
    assert "阿强没有同意" in words(managers_browser.get(f"/refunds/{number}"))
    assert refund(db, ask("1000", managers_browser)).state == "processing"


@pytest.mark.parametrize(("first", "then"), [("approve", "decline"), ("decline", "approve"), ("approve", "approve")])
def test_the_first_word_counts(
    ask: Ask,
    db: Database,
    owners_browser: FlaskClient,
    managers_browser: FlaskClient,
    wallets: dict[Acquirer, ScriptedWallet],
    first: str,
    then: str,
) -> None:
    number = ask("300")
    decide(owners_browser, number, first)
    decided = refund(db, number)
    assert decide(managers_browser, number, then).status_code == 303
    assert refund(db, number) == decided
    assert len(wallets[WECHAT].asked) == (first == "approve")


def test_a_clerk_decides_nothing_and_is_offered_nothing(ask: Ask, db: Database, clerks_browser: FlaskClient) -> None:
    number = ask("300")
    for word in ("approve", "decline"):
        assert decide(clerks_browser, number, word).status_code == 403
    assert refund(db, number).state == "pending_approval"
    page = clerks_browser.get(f"/refunds/{number}").get_data(as_text=True)
    assert "等店主同意" in page
    assert "/decision" not in page
    assert "等您同意" not in clerks_browser.get("/").get_data(as_text=True)
    assert "等店主同意" in words(clerks_browser.get("/refunds"))
    assert clerks_browser.get("/refunds/limit").status_code == 403


def test_another_shops_owner_finds_nothing_to_decide(ask: Ask, db: Database, strangers_browser: FlaskClient) -> None:
    number = ask("300")
    for word in ("approve", "decline"):
        assert decide(strangers_browser, number, word).status_code == 404
    assert strangers_browser.post(f"/refunds/{number}/bank").status_code == 404
    assert refund(db, number).state == "pending_approval"
    with db.transaction(merchant=STRANGER) as session:
        assert queries.pending(session, SHOP) == []


def test_a_decision_that_is_none_is_bad(ask: Ask, owners_browser: FlaskClient) -> None:
    assert decide(owners_browser, ask("300"), "perhaps").status_code == 400


def test_waiting_refunds_stand_first_in_the_list(ask: Ask, owners_browser: FlaskClient) -> None:
    number = ask("300")
    page = words(owners_browser.get("/refunds"))
    assert page.index("等您同意") < page.index("全部退款")
    assert re.search(r"第 1 笔 · 周姐 · .*?待同意", page)
    decide(owners_browser, number, "decline")
    assert "全部退款" not in words(owners_browser.get("/refunds"))


def test_a_wallet_out_of_reach_leaves_what_was_agreed_to_the_worker(
    ask: Ask, db: Database, owners_browser: FlaskClient, staff_db: Database, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = WalletUnavailable("NO_ROUTE")
    number = ask("300")
    decide(owners_browser, number, "approve")
    assert refund(db, number).state == "approved"
    with staff_db.transaction() as session:
        args = session.scalar(sa.text("SELECT args FROM procrastinate_jobs WHERE task_name = 'refunds.chase'"))
    assert args["refund_no"] == number
    assert "已同意，正在交给微信支付" in words(owners_browser.get(f"/refunds/{number}"))


def test_what_no_wallet_takes_any_more_can_only_be_declined(
    ask: Ask, db: Database, owners_browser: FlaskClient
) -> None:
    number = ask("300")
    with db.transaction(merchant=SHOP) as session:
        session.execute(sa.text("UPDATE payments SET paid_at = paid_at - interval '366 days'"))
    decide(owners_browser, number, "approve")
    assert refund(db, number).state == "pending_approval"
    assert "付款超过 365 天" in words(owners_browser.get(f"/refunds/{number}"))
    decide(owners_browser, number, "decline")
    assert refund(db, number).state == "declined"


def test_while_refunds_are_suspended_nothing_can_be_agreed_to(
    ask: Ask, db: Database, owners_browser: FlaskClient
) -> None:
    number = ask("300")
    with db.transaction(merchant=SHOP) as session:
        session.add(
            Restriction(
                merchant_id=SHOP,
                restriction_id=1,
                function="refund",
                reason="银行卡要核对",
                way_out="请联系客服核对银行卡",
                since=now(),
                lift_reason="",
            )
        )
    decide(owners_browser, number, "approve")
    assert "退款功能暂停了，恢复以后再同意" in words(owners_browser.get(f"/refunds/{number}"))
    assert refund(db, number).state == "pending_approval"


def test_a_wallets_word_about_what_nobody_asked_it_changes_nothing(ask: Ask, db: Database) -> None:
    number = ask("300")
    for state in RefundState:
        answer = RefundAnswer(WECHAT, number, state, f"WX{SHOP}")
        with db.transaction(merchant=SHOP) as session:
            assert not operations.note_answer(session, merchant_id=SHOP, answer=answer, now=now())
    assert refund(db, number).state == "pending_approval"


def test_what_waits_is_one_of_the_fifty_parts(ask: Ask, db: Database, paid: str) -> None:
    ask("300")
    with db.transaction(merchant=SHOP) as session:
        assert queries.parts_of(session, SHOP, paid) == 1


def test_the_owner_sets_the_limit_and_it_counts_from_then_on(
    ask: Ask, db: Database, owners_browser: FlaskClient
) -> None:
    assert 'value="200.00"' in owners_browser.get("/refunds/limit").get_data(as_text=True)
    assert owners_browser.post("/refunds/limit", data={"limit": "30"}).location == "/refunds/limit"
    assert 'value="30.00"' in owners_browser.get("/refunds/limit").get_data(as_text=True)
    assert refund(db, ask("30.01")).state == "pending_approval"
    assert refund(db, ask("30")).state == "processing"
    assert acts(db)[0][0] == "refund.limit_set"
    assert "改了店员退款限额" in words(owners_browser.get("/settings/records"))


def test_at_nought_every_refund_of_a_clerk_waits(ask: Ask, db: Database, owners_browser: FlaskClient) -> None:
    owners_browser.post("/refunds/limit", data={"limit": "0"})
    assert refund(db, ask("0.01")).state == "pending_approval"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请填限额；填 0，店员每笔都要您同意"),
        ("abc", "金额只能是数字"),
        ("1.001", "金额最多两位小数"),
        ("50000.01", "最多 ¥50,000.00"),
        ("-1", "金额只能是数字"),
    ],
)
def test_a_limit_that_is_none_is_explained_and_stays_typed(
    owners_browser: FlaskClient, db: Database, typed: str, said: str
) -> None:
    response = owners_browser.post("/refunds/limit", data={"limit": typed})
    assert response.status_code == 422
    page = response.get_data(as_text=True)
    assert said in page
    assert f'value="{typed}"' in page
    with db.transaction(merchant=SHOP) as session:
        assert queries.clerk_limit(session, SHOP) == 20_000


@pytest.mark.parametrize("limit", [-1, CLERK_LIMIT_MOST + 1])
def test_a_limit_outside_of_what_is_allowed_is_not_kept(db: Database, owner: int, limit: int) -> None:
    actor = Actor("merchant", owner, "周建国")
    with pytest.raises(InvalidAmount, match="too_large"), db.transaction(merchant=SHOP) as session:
        operations.set_clerk_limit(session, merchant_id=SHOP, limit=limit, actor=actor, now=now())


def test_the_database_itself_wants_to_know_when_it_was_decided(ask: Ask, db: Database) -> None:
    number = ask("300")
    with (
        pytest.raises(sa.exc.IntegrityError, match="decisions_have_a_time"),
        db.transaction(merchant=SHOP) as session,
    ):
        session.execute(sa.update(Refund).where(Refund.refund_no == number).values(state="approved"))
