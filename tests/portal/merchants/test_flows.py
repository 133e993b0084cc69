"""An approved application on its way through both wallets."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.audit.rules import Actor
from portal.merchants import flows, operations, queries
from portal.merchants.contracts import open_contract
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.values.errors import NotAllowedNow
from portal.wallets.applications import ApplicationAnswer, ApplicationState, ApplicationToSend
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer
from tests.factories.wallets import ScriptedWallet
from tests.portal.merchants.conftest import Jobs, hand_in, merchant_of

REVIEWER = Actor("staff", 900, "许静")
WECHAT, JDPAY = Acquirer.WECHAT, Acquirer.JDPAY
Wallets = dict[Acquirer, ScriptedWallet]


def approve(tools: Tools, merchant_id: int, application_id: int = 1) -> None:
    with tools.database.transaction(merchant=merchant_id) as session:
        operations.approve_application(
            session, merchant_id=merchant_id, application_id=application_id, actor=REVIEWER, now=now()
        )


@pytest.fixture
def merchant_id(apply: Callable[..., FlaskClient], tools: Tools, db: Database, jobs: Jobs) -> int:
    """A merchant whose application has just been approved."""
    apply()
    jobs.run()
    number = merchant_of(db)
    approve(tools, number)
    return number


def standing(tools: Tools, merchant_id: int, acquirer: Acquirer) -> queries.WalletApplicationRow:
    with tools.database.transaction() as session:
        return queries.wallet_applications(session, merchant_id)[acquirer]


def status(tools: Tools, merchant_id: int) -> str:
    with tools.database.transaction() as session:
        found = queries.merchant(session, merchant_id)
    assert found is not None
    return found.status


def test_it_is_sent_followed_and_opened_at_both(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs, keyring: Keyring
) -> None:
    wallets[JDPAY].script["application_status"] = ApplicationAnswer(
        ApplicationState.FINISHED, sub_merchant_no="110000000001", keys={"des_key": "d", "md5_key": "m"}
    )
    assert jobs.run() == [flows.SEND_APPLICATION] * 2
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.AUDITING
    assert status(tools, merchant_id) == "pending"
    assert jobs.run() == [flows.FOLLOW_APPLICATION] * 2
    assert jobs.waiting() == []
    assert status(tools, merchant_id) == "active"
    with tools.database.transaction() as session:
        contracts = queries.contracts(session, merchant_id)
        assert queries.merchant_of_contract(session, "jdpay", "110000000001") == merchant_id
        events = session.execute(sa.text("SELECT kind, subject FROM events ORDER BY seq")).all()
    assert contracts["wechat"].fee_rate_bp == contracts["jdpay"].fee_rate_bp == 38
    assert "md5" not in (contracts["jdpay"].keys_sealed or "")
    opened = open_contract(keyring, merchant_id=merchant_id, row=contracts["jdpay"])
    assert opened.keys == {"des_key": "d", "md5_key": "m"}
    assert [tuple(row) for row in events][-2:] == [("contract.opened", "wechat"), ("contract.opened", "jdpay")]


def test_the_wallet_gets_everything_that_was_filled_in(merchant_id: int, wallets: Wallets, jobs: Jobs) -> None:
    jobs.run()
    method, sent = wallets[WECHAT].asked[0]
    assert method == "apply"
    assert isinstance(sent, ApplicationToSend)
    assert sent.mobile == "+8613800138000"
    assert sent.id_number == "360426199101010071"
    assert sent.bank_account_number == "6222021203008846213"
    assert sent.bank_account_name == sent.legal_person == "陈珍珍"
    assert set(sent.pictures) == {"licence", "id_front", "id_back", "storefront", "interior"}
    assert all(picture.content.startswith(b"\xff\xd8\xff") for picture in sent.pictures.values())


def test_an_unanswered_sending_is_asked_about_before_it_is_repeated(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs
) -> None:
    wallets[WECHAT].script["apply"] = [WalletUnknown("TIMEOUT")]
    wallets[WECHAT].script["application_status"] = [ApplicationAnswer(ApplicationState.NOT_SENT)]
    jobs.run()
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.UNKNOWN
    jobs.run()
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.NOT_SENT
    jobs.run()
    assert [method for method, _ in wallets[WECHAT].asked] == ["apply", "application_status", "apply"]
    references = {question.reference for _, question in wallets[WECHAT].asked}  # type: ignore[attr-defined]
    assert len(references) == 1


def test_a_wallet_that_is_away_is_tried_again(merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs) -> None:
    wallets[JDPAY].script["apply"] = [WalletUnavailable("CONNECT")]
    jobs.run()
    assert standing(tools, merchant_id, JDPAY).state is ApplicationState.NOT_SENT
    jobs.run()
    assert standing(tools, merchant_id, JDPAY).state is ApplicationState.AUDITING


def test_a_question_without_an_answer_is_asked_again(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs
) -> None:
    wallets[WECHAT].script["application_status"] = [WalletUnknown("TIMEOUT")]
    for _ in range(3):
        jobs.run()
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.FINISHED


def test_the_owner_is_led_to_sign(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs, client: FlaskClient
) -> None:
    wallets[WECHAT].script["application_status"] = ApplicationAnswer(
        ApplicationState.TO_BE_SIGNED, sign_url="https://sign.example/1", progress={"applyment_id": "7"}
    )
    jobs.run()
    jobs.run()
    page = client.get("/application").get_data(as_text=True)
    assert "等您签约" in page
    assert 'href="https://sign.example/1"' in page
    assert standing(tools, merchant_id, WECHAT).progress == {"applyment_id": "7"}
    assert flows.FOLLOW_APPLICATION in [name for _id, name, _arguments in jobs.waiting()]


def test_a_refusal_is_shown_with_its_reason_and_can_be_mended(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs, client: FlaskClient
) -> None:
    wallets[WECHAT].script["apply"] = [WalletRefused("PARAM_ERROR", "营业执照照片不清晰")]
    jobs.run()
    jobs.run()
    page = client.get("/application").get_data(as_text=True)
    assert "营业执照照片不清晰" in page
    assert client.post("/application").location == "/application/licence"
    hand_in(client)
    approve(tools, merchant_id, 2)
    assert jobs.run() == [flows.SEND_APPLICATION]
    jobs.run()
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.FINISHED
    first, second = (question for method, question in wallets[WECHAT].asked if method == "apply")
    assert first.reference == second.reference  # type: ignore[attr-defined]


def test_no_second_application_without_a_refusal(merchant_id: int, jobs: Jobs, client: FlaskClient) -> None:
    jobs.run()
    answer = client.post("/application")
    assert answer.status_code == 409


def test_every_job_may_run_twice(merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs) -> None:
    errands = [arguments for _id, _name, arguments in jobs.waiting()]
    jobs.run()
    jobs.run()
    for arguments in errands:
        flows.send_application(tools, **arguments)  # type: ignore[arg-type]
        flows.follow_application(tools, **arguments)  # type: ignore[arg-type]
    assert jobs.waiting() == []
    assert [method for method, _ in wallets[WECHAT].asked] == ["apply", "application_status"]
    with tools.database.transaction() as session:
        opened = session.execute(sa.text("SELECT count(*) FROM events WHERE kind = 'contract.opened'")).scalar_one()
    assert opened == 2


def test_a_late_answer_does_not_turn_back_the_state(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs
) -> None:
    jobs.run()
    jobs.run()
    with tools.database.transaction(merchant=merchant_id) as session:
        late = operations.note_answer(
            session,
            merchant_id=merchant_id,
            application_id=1,
            acquirer=WECHAT,
            state=ApplicationState.AUDITING,
            now=now(),
        )
    assert late is None
    assert standing(tools, merchant_id, WECHAT).state is ApplicationState.FINISHED


def test_a_number_of_another_merchant_opens_nothing(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs
) -> None:
    with tools.database.transaction() as session:
        operations.claim_sub_merchant(session, acquirer=WECHAT, sub_merchant_no="1900000109", merchant_id=1)
    wallets[WECHAT].script["application_status"] = ApplicationAnswer(
        ApplicationState.FINISHED, sub_merchant_no="1900000109"
    )
    jobs.run()
    with pytest.raises(NotAllowedNow, match="number_of_another"):
        jobs.run()
    assert status(tools, merchant_id) == "pending"


def test_a_step_done_halfway_goes_on_from_its_progress(
    merchant_id: int, tools: Tools, wallets: Wallets, jobs: Jobs
) -> None:
    wallets[JDPAY].script["apply"] = [ApplicationAnswer(ApplicationState.SENDING, progress={"merchant_no": "110"})]
    jobs.run()
    jobs.run()
    method, asked = wallets[JDPAY].asked[-1]
    assert method == "application_status"
    assert asked.progress == {"merchant_no": "110"}  # type: ignore[attr-defined]
    assert standing(tools, merchant_id, JDPAY).state is ApplicationState.FINISHED
