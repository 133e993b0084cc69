"""F21: a refund that cannot reach the payer, that comes to nothing, or that arrives after it was given up."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.events import queries as feed
from portal.ledger import queries as ledger
from portal.payments import queries as payments
from portal.payments.flows import Parties
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.refunds import flows, operations, queries
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, RefundAnswer, RefundState
from tests.factories.merchants import add_user
from tests.factories.payments import add_payment, add_refund
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP

WECHAT = Acquirer.WECHAT


@pytest.fixture
def paid(db: Database, keyring: Keyring) -> str:
    """¥20.00 by WeChat Pay."""
    return add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=now())


@pytest.fixture
def refund_in(db: Database, keyring: Keyring, paid: str) -> Callable[[RefundState], str]:
    """A refund of ¥6.00 of which the wallet has said so much."""

    def made(state: RefundState) -> str:
        return add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=600, now=now(), state=state)

    return made


@pytest.fixture
def parties(db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]) -> Parties:
    return Parties(db, keyring, wallets, "http://127.0.0.1:8000")


@pytest.fixture
def says(wallets: dict[Acquirer, ScriptedWallet], monkeypatch: pytest.MonkeyPatch) -> Callable[[object], list[str]]:
    """What the wallet does when it is asked to send a stuck refund on; answers the list of what it was asked for."""

    def scripted(answer: object) -> list[str]:
        asked: list[str] = []

        def send(contract: object, refund_no: str) -> RefundAnswer:
            asked.append(refund_no)
            if isinstance(answer, WalletError):
                raise answer
            assert isinstance(answer, RefundState)
            return RefundAnswer(WECHAT, refund_no, answer, f"WX{SHOP}", amount=600)

        monkeypatch.setattr(wallets[WECHAT], "send_stuck_refund", send, raising=False)
        return asked

    return scripted


def tell(db: Database, number: str, state: RefundState) -> bool:
    with db.transaction(merchant=SHOP) as session:
        answer = RefundAnswer(WECHAT, number, state, f"WX{SHOP}", amount=600)
        return operations.note_answer(session, merchant_id=SHOP, answer=answer, now=now())


def standing(db: Database, paid: str, number: str) -> tuple[str, int, int, int]:
    """The refund's state, what is set aside and refunded, and what the merchant is owed by the ledger."""
    with db.transaction(merchant=SHOP) as session:
        row, refund = payments.payment(session, SHOP, paid), queries.refund(session, SHOP, number)
        owed = -ledger.balances(session, SHOP)["merchant_payable"].net
    assert row is not None
    assert refund is not None
    return refund.state, row.refund_reserved, row.refunded, owed


def kinds(db: Database, number: str) -> list[str]:
    with db.transaction(merchant=SHOP) as session:
        return [one.kind for one in ledger.transfers(session, SHOP) if one.ref == number]


def told(db: Database, number: str) -> list[str]:
    with db.transaction(merchant=SHOP) as session:
        return [one.kind for one in feed.about(session, SHOP, [number])]


def test_a_stuck_refund_keeps_its_amount_until_somebody_decides(
    db: Database, paid: str, refund_in: Callable[[RefundState], str]
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    assert standing(db, paid, number) == ("abnormal", 600, 0, 1_400)
    assert tell(db, number, RefundState.CLOSED)
    assert standing(db, paid, number) == ("closed", 0, 0, 2_000)
    assert kinds(db, number) == ["refund_requested", "refund_released"]


def test_the_owner_has_a_stuck_refund_sent_to_his_bank_account(
    owners_browser: FlaskClient,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    says: Callable[[object], list[str]],
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    asked = says(RefundState.PROCESSING)
    page = owners_browser.get(f"/refunds/{number}").get_data(as_text=True)
    assert f'action="/refunds/{number}/bank"' in page
    assert owners_browser.post(f"/refunds/{number}/bank").location == f"/refunds/{number}"
    assert owners_browser.post(f"/refunds/{number}/bank").status_code == 303
    assert asked == [number]
    assert standing(db, paid, number) == ("processing", 600, 0, 1_400)
    assert "已受理，正在退到您的银行卡" in owners_browser.get(f"/refunds/{number}").get_data(as_text=True)
    assert "退到您的银行卡" in owners_browser.get(f"/receipts/{paid}").get_data(as_text=True)
    assert tell(db, number, RefundState.SUCCESS)
    assert standing(db, paid, number) == ("success", 0, 600, 1_400)
    assert "退到您的银行卡了，请退给顾客" in owners_browser.get(f"/refunds/{number}").get_data(as_text=True)
    assert "¥6.00 退到了您的银行卡，请退给顾客" in owners_browser.get(f"/receipts/{paid}").get_data(as_text=True)
    assert told(db, number)[-2:] == ["refund.sent_on", "refund.success"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (WalletRefused("NOT_ABNORMAL", "退款单状态不对"), "还没办成：退款单状态不对"),
        (WalletUnknown("TIMEOUT"), "还没办成：TIMEOUT"),
        (WalletUnavailable("NO_ROUTE"), "还没办成：NO_ROUTE"),
    ],
)
def test_what_the_wallet_did_not_take_stays_stuck_and_the_page_says_why(
    owners_browser: FlaskClient,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    says: Callable[[object], list[str]],
    trouble: WalletError,
    words: str,
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    says(trouble)
    page = owners_browser.post(f"/refunds/{number}/bank", follow_redirects=True).get_data(as_text=True)
    assert words in page
    assert standing(db, paid, number)[0] == "abnormal"


def test_one_that_had_been_settled_at_the_wallet_is_booked_as_the_wallet_says(
    parties: Parties,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    says: Callable[[object], list[str]],
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    says(RefundState.SUCCESS)
    assert flows.send_on(parties, merchant_id=SHOP, refund_no=number) == ""
    assert standing(db, paid, number)[0] == "success"


def test_a_notice_that_overtakes_the_answer_wins(
    parties: Parties,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = refund_in(RefundState.ABNORMAL)

    def overtaken(contract: object, refund_no: str) -> RefundAnswer:
        assert tell(db, refund_no, RefundState.SUCCESS)
        return RefundAnswer(WECHAT, refund_no, RefundState.PROCESSING, f"WX{SHOP}", amount=600)

    monkeypatch.setattr(wallets[WECHAT], "send_stuck_refund", overtaken, raising=False)
    flows.send_on(parties, merchant_id=SHOP, refund_no=number)
    assert standing(db, paid, number)[0] == "success"
    assert "refund.sent_on" not in told(db, number)


def test_a_clerk_does_not_move_a_stuck_refund(
    db: Database,
    keyring: Keyring,
    refund_in: Callable[[RefundState], str],
    client_of: Callable[..., FlaskClient],
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    clerk = client_of(add_user(db, keyring, phone="+8613800138009", name="周姐", merchant_id=SHOP, role="clerk"), SHOP)
    assert clerk.post(f"/refunds/{number}/bank").status_code == 403
    assert "/bank" not in clerk.get(f"/refunds/{number}").get_data(as_text=True)


def test_a_stuck_refund_is_asked_about_every_hour(
    tools: Tools,
    staff_db: Database,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    number = refund_in(RefundState.ABNORMAL)
    wallets[WECHAT].script["ask_refund"] = [RefundAnswer(WECHAT, number, RefundState.ABNORMAL, f"WX{SHOP}")]
    flows.chase(tools, merchant_id=SHOP, refund_no=number, times_asked=0)
    with staff_db.transaction() as session:
        wait = session.scalar(
            sa.text(
                "SELECT extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs"
                " WHERE task_name = 'refunds.chase'"
            )
        )
    assert 3500 < float(wait) < 3700
    flows.chase(tools, merchant_id=SHOP, refund_no=number, times_asked=1)
    assert standing(db, paid, number)[0] == "success"


def test_what_arrives_after_it_was_given_up_is_booked_again_by_new_transfers(
    owners_browser: FlaskClient, db: Database, paid: str, refund_in: Callable[[RefundState], str]
) -> None:
    number = refund_in(RefundState.CLOSED)
    assert standing(db, paid, number) == ("closed", 0, 0, 2_000)
    assert tell(db, number, RefundState.SUCCESS)
    assert standing(db, paid, number) == ("success", 0, 600, 1_400)
    assert kinds(db, number)[:4] == ["refund_requested", "refund_released", "refund_rebooked", "refund_arrived"]
    assert told(db, number)[-2:] == ["refund.late_arrival", "refund.success"]
    assert not tell(db, number, RefundState.SUCCESS)
    page = owners_browser.get(f"/receipts/{paid}").get_data(as_text=True)
    assert "当作没退成的 ¥6.00 后来又退出去了，重新记账" in page


def test_what_arrives_when_all_has_been_refunded_anew_is_not_booked(
    db: Database, keyring: Keyring, paid: str, refund_in: Callable[[RefundState], str]
) -> None:
    number = refund_in(RefundState.CLOSED)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=2_000, now=now())
    assert not tell(db, number, RefundState.SUCCESS)
    assert standing(db, paid, number) == ("closed", 2_000, 0, 0)
    assert "refund.late_arrival" not in told(db, number)


def test_what_is_known_for_sure_is_neither_sent_again_nor_called_unknown(
    parties: Parties,
    db: Database,
    paid: str,
    refund_in: Callable[[RefundState], str],
    wallets: dict[Acquirer, ScriptedWallet],
) -> None:
    number = refund_in(RefundState.PROCESSING)
    flows.send(parties, merchant_id=SHOP, refund_no=number)
    assert wallets[WECHAT].asked == []
    with db.transaction(merchant=SHOP) as session:
        operations.note_no_answer(session, merchant_id=SHOP, refund_no=number, now=now())
    assert standing(db, paid, number)[0] == "processing"


def test_a_number_that_is_no_refund_of_this_shop_is_not_asked_about(parties: Parties) -> None:
    with pytest.raises(NotAllowedNow, match="unknown_refund"):
        flows.send(parties, merchant_id=SHOP, refund_no="R-NOBODYS")
