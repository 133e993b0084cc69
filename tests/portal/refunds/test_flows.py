import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from portal.events import queries as feed
from portal.payments import queries as payments
from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.refunds import flows, operations, queries
from portal.refunds.queries import RefundRow
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, RefundAnswer, RefundState, RefundToSend
from tests.factories.payments import add_payment
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP

WECHAT = Acquirer.WECHAT


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    return add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=now())


@pytest.fixture
def parties(db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> Parties:
    return Parties(db, keyring, wallets, "http://127.0.0.1:8000")


@pytest.fixture
def ask(parties: Parties, paid: str) -> Callable[..., str]:
    def asked(amount: int = 3_000, key: str = "k1") -> str:
        return flows.request(
            parties,
            merchant_id=SHOP,
            payment_no=paid,
            amount=amount,
            reason="多收了",
            form_key=key,
            asked_by=None,
            now=now(),
        )

    return asked


def refund(db: Database, number: str) -> RefundRow:
    with db.transaction(merchant=SHOP) as session:
        found = queries.refund(session, SHOP, number)
    assert found is not None
    return found


def reserved(db: Database, paid: str) -> int:
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
    assert row is not None
    return row.refund_reserved


def jobs(staff_db: Database) -> list[dict[str, object]]:
    """What waits for the worker."""
    with staff_db.transaction() as session:
        rows = session.execute(
            sa.text("SELECT args FROM procrastinate_jobs WHERE task_name = 'refunds.chase' ORDER BY id")
        )
        return [row.args for row in rows]


def chase(tools: Tools, number: str) -> None:
    flows.chase(tools, merchant_id=SHOP, refund_no=number, times_asked=0)


def test_the_wallet_is_asked_for_the_gross_amount_under_our_number(
    ask: Callable[..., str], paid: str, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    number = ask()
    ((method, question),) = wallets[WECHAT].asked
    assert isinstance(question, RefundToSend)
    assert (method, question.refund_no, question.order_no) == ("refund", number, paid)
    assert (question.amount, question.order_amount) == (3_000, 10_000)
    assert question.notify_url == "http://127.0.0.1:8000/notify/wechat"


def test_accepted_is_not_arrived(ask: Callable[..., str], db: Database, paid: str) -> None:
    row = refund(db, ask())
    assert (row.state, row.arrived_at, reserved(db, paid)) == ("processing", None, 3_000)
    assert row.accepted_at is not None


def test_a_refusal_is_kept_in_the_wallets_words(
    ask: Callable[..., str], db: Database, paid: str, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = WalletRefused("NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    row = refund(db, ask())
    assert (row.state, row.refusal) == ("closed", "基本账户余额不足，请充值后重新发起")
    assert reserved(db, paid) == 0


def test_silence_is_unknown_and_the_amount_stays_aside(
    ask: Callable[..., str], db: Database, paid: str, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = WalletUnknown("TIMEOUT")
    assert refund(db, ask()).state == "unknown"
    assert reserved(db, paid) == 3_000


def test_a_wallet_out_of_reach_leaves_it_to_the_worker(
    ask: Callable[..., str], db: Database, staff_db: Database, tools: Tools, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = [WalletUnavailable("NO_ROUTE")]
    number = ask()
    assert refund(db, number).state == "requested"
    assert [job["refund_no"] for job in jobs(staff_db)] == [number]
    wallets[WECHAT].script["ask_refund"] = RefundAnswer(WECHAT, number, RefundState.MISSING, f"WX{SHOP}")
    chase(tools, number)
    assert refund(db, number).state == "processing"


def test_an_unknown_refund_is_asked_about_under_the_same_number(
    ask: Callable[..., str], db: Database, tools: Tools, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = [WalletUnknown("TIMEOUT")]
    number = ask()
    chase(tools, number)
    assert wallets[WECHAT].asked[-1] == ("ask_refund", number)
    assert refund(db, number).state == "success"


def test_one_the_wallet_never_took_is_sent_again_under_the_same_number(
    ask: Callable[..., str], db: Database, tools: Tools, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    wallets[WECHAT].script["refund"] = [WalletUnknown("TIMEOUT")]
    number = ask()
    wallets[WECHAT].script["ask_refund"] = RefundAnswer(WECHAT, number, RefundState.MISSING, f"WX{SHOP}")
    chase(tools, number)
    sent = [question for method, question in wallets[WECHAT].asked if method == "refund"]
    assert {question.refund_no for question in sent if isinstance(question, RefundToSend)} == {number}
    assert len(sent) == 2
    assert refund(db, number).state == "processing"


@pytest.mark.parametrize("trouble", [WalletUnavailable("X"), WalletUnknown("X"), WalletRefused("X")])
def test_a_question_that_fails_is_asked_again_later(
    ask: Callable[..., str],
    db: Database,
    staff_db: Database,
    tools: Tools,
    wallets: dict[Acquirer, ScriptedWallet],
    trouble: Exception,
) -> None:
    number = ask()
    wallets[WECHAT].script["ask_refund"] = trouble
    chase(tools, number)
    assert refund(db, number).state == "processing"
    assert [job["times_asked"] for job in jobs(staff_db)] == [0, 1]


def test_the_chase_ends_with_the_refund(
    ask: Callable[..., str], staff_db: Database, tools: Tools, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    number = ask()
    chase(tools, number)
    chase(tools, number)
    assert [method for method, _ in wallets[WECHAT].asked] == ["refund", "ask_refund"]
    assert len(jobs(staff_db)) == 1


def test_a_second_tap_neither_asks_the_wallet_nor_chases_twice(
    ask: Callable[..., str], staff_db: Database, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    assert ask() == ask()
    assert [method for method, _ in wallets[WECHAT].asked] == ["refund"]
    assert len(jobs(staff_db)) == 1


def test_the_refund_is_committed_before_the_wallet_hears_of_it(
    ask: Callable[..., str], db: Database, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def look(request: RefundToSend) -> RefundAnswer:
        seen.append(refund(db, request.refund_no).state)
        return RefundAnswer(WECHAT, request.refund_no, RefundState.PROCESSING, f"WX{SHOP}", amount=request.amount)

    monkeypatch.setattr(wallets[WECHAT], "refund", look)
    ask()
    assert seen == ["requested"]


def test_a_notice_before_the_response_wins(
    ask: Callable[..., str], db: Database, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(request: RefundToSend) -> RefundAnswer:
        arrived = RefundAnswer(WECHAT, request.refund_no, RefundState.SUCCESS, f"WX{SHOP}", amount=request.amount)
        with db.transaction(merchant=SHOP) as session:
            assert operations.note_answer(session, merchant_id=SHOP, answer=arrived, now=now())
        return RefundAnswer(WECHAT, request.refund_no, RefundState.PROCESSING, f"WX{SHOP}", amount=request.amount)

    monkeypatch.setattr(wallets[WECHAT], "refund", overtaken)
    number = ask()
    assert refund(db, number).state == "success"
    with db.transaction(merchant=SHOP) as session:
        kinds = [happening.kind for happening in feed.about(session, SHOP, [number])]
    assert kinds == ["refund.requested", "refund.success"]


def test_an_answer_about_another_sum_counts_as_no_answer(
    ask: Callable[..., str], db: Database, wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(request: RefundToSend) -> RefundAnswer:
        return RefundAnswer(WECHAT, request.refund_no, RefundState.SUCCESS, f"WX{SHOP}", amount=1)

    monkeypatch.setattr(wallets[WECHAT], "refund", lie)
    assert refund(db, ask()).state == "unknown"


def test_no_transaction_is_open_while_the_wallet_is_asked(
    ask: Callable[..., str],
    staff_db: Database,
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_then: list[int] = []

    def count(request: RefundToSend) -> RefundAnswer:
        with staff_db.transaction() as session:
            open_then.append(
                session.scalar(
                    sa.text(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                    )
                )
                or 0
            )
        return RefundAnswer(WECHAT, request.refund_no, RefundState.PROCESSING, f"WX{SHOP}", amount=request.amount)

    monkeypatch.setattr(wallets[WECHAT], "refund", count)
    ask()
    assert open_then == [0]


def test_a_notice_that_races_the_response_is_booked_once(
    ask: Callable[..., str],
    db: Database,
    paid: str,
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[threading.Thread] = []

    def race(request: RefundToSend) -> RefundAnswer:
        arrived = RefundAnswer(WECHAT, request.refund_no, RefundState.SUCCESS, f"WX{SHOP}", amount=request.amount)

        def notice() -> None:
            with db.transaction(merchant=SHOP) as session:
                operations.note_answer(session, merchant_id=SHOP, answer=arrived, now=now())

        threads.append(threading.Thread(target=notice))
        threads[0].start()
        time.sleep(0.01)
        return arrived

    monkeypatch.setattr(wallets[WECHAT], "refund", race)
    number = ask()
    threads[0].join()
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
    assert row is not None
    assert (row.refunded, row.refund_reserved, refund(db, number).state) == (3_000, 0, "success")
