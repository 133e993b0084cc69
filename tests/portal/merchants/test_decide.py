"""Staff decide on applications, take functions away and give them back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.audit.queries import first_break
from portal.audit.rules import Actor
from portal.merchants import operations, queries
from portal.merchants.operations.decision import SEND_APPLICATION
from portal.merchants.rules import Function, State, Step
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import NotAllowedNow, Refused
from tests.factories.merchants import add_merchant
from tests.portal.merchants.conftest import PHONE, SHOP, Jobs, hand_in, merchant_of

REVIEWER = Actor("staff", 900, "许静")
SHOP_ID = 482913057


def approve(staff_db: Database, merchant_id: int, actor: Actor = REVIEWER) -> None:
    with staff_db.transaction(merchant=merchant_id) as session:
        operations.approve_application(session, merchant_id=merchant_id, application_id=1, actor=actor, now=now())


def test_approval_sends_it_to_both_wallets(
    apply: Callable[..., FlaskClient], staff_db: Database, db: Database, jobs: Jobs
) -> None:
    apply()
    merchant_id = merchant_of(db)
    jobs.run()
    approve(staff_db, merchant_id)
    with staff_db.transaction() as session:
        standings = queries.wallet_applications(session, merchant_id)
        assert first_break(session, merchant_id) is None
    assert {name: row.state for name, row in standings.items()} == {"wechat": "not_sent", "jdpay": "not_sent"}
    assert standings["wechat"].reference == f"YM{merchant_id}A1"
    assert [name for _id, name, _arguments in jobs.waiting()] == [SEND_APPLICATION] * 2


def test_the_second_reviewer_is_told_it_is_decided(
    apply: Callable[..., FlaskClient], staff_db: Database, db: Database
) -> None:
    apply()
    approve(staff_db, merchant_of(db))
    with pytest.raises(NotAllowedNow, match="not_submitted"):
        approve(staff_db, merchant_of(db))


def test_nobody_approves_his_own_shop(apply: Callable[..., FlaskClient], staff_db: Database, db: Database) -> None:
    apply()
    merchant_id = merchant_of(db)
    with staff_db.transaction() as session:
        owner = queries.owner_id(session, merchant_id)
    with pytest.raises(NotAllowedNow, match="own_merchant"):
        approve(staff_db, merchant_id, Actor("staff", owner, "陈珍珍"))


def test_a_returned_step_must_be_changed_before_it_is_handed_in_again(
    apply: Callable[..., FlaskClient], staff_db: Database, db: Database
) -> None:
    browser = apply()
    merchant_id = merchant_of(db)
    with staff_db.transaction(merchant=merchant_id) as session:
        operations.return_application(
            session,
            merchant_id=merchant_id,
            application_id=1,
            reason="门头照看不清店名",
            step=Step.SHOP,
            actor=REVIEWER,
            now=now(),
        )
    page = browser.get("/application").get_data(as_text=True)
    assert "门头照看不清店名" in page
    assert "改门店" in page
    answer = browser.post("/application/check", data={"rates": "jdpay=38 wechat=38", "accept": "y"})
    assert "退回来的地方还没有改" in answer.get_data(as_text=True)
    assert browser.post("/application/shop", data=SHOP).status_code == 302
    assert "门头照看不清店名" not in browser.get("/application").get_data(as_text=True)
    hand_in(browser)
    with staff_db.transaction() as session:
        row = queries.newest_application(session, merchant_id)
        queue = queries.application_queue(session)
    assert row is not None
    assert row.state is State.SUBMITTED
    assert [(line.merchant_id, line.again) for line in queue] == [(merchant_id, True)]


@pytest.mark.parametrize("reason", ["", "  ", "不行", "长" * 501])
def test_a_return_needs_a_reason_the_owner_can_use(
    apply: Callable[..., FlaskClient], staff_db: Database, db: Database, reason: str
) -> None:
    apply()
    with pytest.raises(Refused), staff_db.transaction(merchant=merchant_of(db)) as session:
        operations.return_application(
            session, merchant_id=merchant_of(db), application_id=1, reason=reason, actor=REVIEWER, now=now()
        )


def test_the_queue_and_the_search_find_the_merchant(
    apply: Callable[..., FlaskClient], staff_db: Database, db: Database, keyring: Keyring
) -> None:
    apply()
    merchant_id = merchant_of(db)
    blind = keyring.blind(f"+86{PHONE}", kind="phone")
    with staff_db.transaction() as session:
        assert queries.queue_length(session) == 1
        assert [line.shop_name for line in queries.application_queue(session)] == ["阿珍水果摊"]
        for wanted in ("水果", str(merchant_id), ""):
            found = queries.search_merchants(session, text=wanted, now=now())
            assert [line.merchant_id for line in found] == [merchant_id], wanted
        assert queries.search_merchants(session, text="%", now=now()) == []
        by_phone = queries.search_merchants(session, text="13800138000", phone_blind=blind, now=now())
        page = queries.merchant_page(session, merchant_id, now=now())
    assert [line.merchant_id for line in by_phone] == [merchant_id]
    assert page is not None
    assert [(person.role, person.phone_tail) for person in page.members] == [("owner", "8000")]


def test_the_app_role_finds_no_queue(apply: Callable[..., FlaskClient], db: Database) -> None:
    apply()
    with db.transaction() as session:
        assert queries.application_queue(session) == []


@pytest.fixture
def shop(db: Database, keyring: Keyring) -> int:
    add_merchant(db, keyring, merchant_id=SHOP_ID, name="阿珍水果摊")
    return SHOP_ID


def restrict(staff_db: Database, **changes: object) -> None:
    given = {"reason": "同一顾客反复小额付款", "way_out": "请上传这几笔的进货单", **changes}
    with staff_db.transaction(merchant=SHOP_ID) as session:
        operations.restrict(session, merchant_id=SHOP_ID, function=Function.RECEIVE, actor=REVIEWER, now=now(), **given)


def test_a_restriction_holds_until_it_is_lifted(staff_db: Database, shop: int) -> None:
    restrict(staff_db)
    with staff_db.transaction() as session:
        assert set(queries.restrictions(session, shop, now=now())) == {"receive"}
    with staff_db.transaction(merchant=shop) as session:
        operations.lift(
            session, merchant_id=shop, function=Function.RECEIVE, reason="材料齐了", actor=REVIEWER, now=now()
        )
    with staff_db.transaction() as session:
        assert queries.restrictions(session, shop, now=now()) == {}
        history = queries.restriction_history(session, shop)
        events = session.execute(sa.text("SELECT kind FROM events ORDER BY seq")).scalars().all()
    assert [(line.reason, line.lift_reason) for line in history] == [("同一顾客反复小额付款", "材料齐了")]
    assert events == ["restriction.placed", "restriction.lifted"]


def test_one_function_is_restricted_once_at_a_time(staff_db: Database, shop: int) -> None:
    restrict(staff_db)
    with pytest.raises(NotAllowedNow, match="restricted_already"):
        restrict(staff_db)


def test_one_that_ran_out_makes_room(staff_db: Database, shop: int) -> None:
    restrict(staff_db, until=now() - timedelta(seconds=1))
    restrict(staff_db)
    with staff_db.transaction() as session:
        assert len(queries.restriction_history(session, shop)) == 2


@pytest.mark.parametrize("missing", ["reason", "way_out"])
def test_it_is_never_a_bare_freeze(staff_db: Database, shop: int, missing: str) -> None:
    with pytest.raises(Refused):
        restrict(staff_db, **{missing: " "})


def test_what_is_not_restricted_cannot_be_lifted(staff_db: Database, shop: int) -> None:
    with pytest.raises(NotAllowedNow, match="not_restricted"), staff_db.transaction(merchant=shop) as session:
        operations.lift(
            session, merchant_id=shop, function=Function.REFUND, reason="弄错了的", actor=REVIEWER, now=now()
        )
