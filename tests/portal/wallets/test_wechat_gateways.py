"""Two addresses of one institution: when the second is tried, when it is preferred, and when neither helps."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portal.wallets.errors import WalletError, WalletRefused, WalletSettingsError, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, Contract, PaymentState, RefundToSend
from portal.wallets.registry import connectors
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wechat import orders, payouts, refunds
from portal.wallets.wechat.client import Client
from portal.wallets.wechat.gateways import FIRST_SHARE, Gateways, Results
from portal.wallets.wechat.settings import read_settings
from tests.portal.wallets.conftest import NOW, SUB_MCHID, WechatSide, paid_order
from tests.portal.wallets.recorded import refused, sent_by, signed, wechat_client
from tests.portal.wallets.test_wechat_payouts import ACCOUNT

NEAR, BACKUP = "https://api.mch.example", "https://api2.mch.example"
CONTRACT = Contract(Acquirer.WECHAT, SUB_MCHID)
REFUND = RefundToSend(CONTRACT, "R1", "Y123456", "4200", 5, 1234, "退货", "https://yima.example/notify/wechat")
NOBODY, SILENCE = WalletUnavailable("NO_CONNECTION"), WalletUnknown("NO_ANSWER")


def noted(*results: bool, at: float = 0.0) -> Results:
    found = Results()
    for result in results:
        found.note(result, at=at)
    return found


@pytest.mark.parametrize(
    ("good", "bad", "ill"),
    [(0, 0, False), (0, 9, False), (0, 10, True), (9, 1, False), (8, 2, True), (90, 10, False), (89, 11, True)],
)
def test_an_address_is_ill_below_nine_answers_of_ten(good: int, bad: int, ill: bool) -> None:
    assert noted(*[True] * good, *[False] * bad).ill(at=1.0) is ill


def test_only_the_last_hundred_results_count() -> None:
    assert noted(*[False] * 100, *[True] * 90).ill(at=1.0) is False
    assert noted(*[True] * 100, *[False] * 11).ill(at=1.0) is True


def test_results_are_forgotten_after_ten_minutes() -> None:
    found = noted(*[False] * 50, at=0.0)
    assert found.ill(at=599.0)
    assert not found.ill(at=600.0)


def tried(gateways: Gateways, *outcomes: WalletError | str, repeatable: bool = True) -> tuple[list[str], Any]:
    """The addresses that were called, and what came of it."""
    left, called = list(outcomes), []

    def attempt(base: str, _: Budget) -> str:
        called.append(base)
        outcome = left.pop(0)
        if isinstance(outcome, WalletError):
            raise outcome
        return outcome

    try:
        return called, gateways.reach(attempt, budget=Budget(4), repeatable=repeatable)
    except WalletError as error:
        return called, error


def test_without_a_backup_nothing_is_tried_twice() -> None:
    called, error = tried(Gateways(NEAR, None), NOBODY)
    assert (called, error) == ([NEAR], NOBODY)


@pytest.mark.parametrize(
    ("failure", "doubtful"), [(NOBODY, False), (SILENCE, True), (WalletUnknown("BROKEN_ANSWER"), True)]
)
def test_the_backup_is_tried_when_nobody_answers(failure: WalletError, doubtful: bool) -> None:
    called, found = tried(Gateways(NEAR, BACKUP), failure, "answer")
    assert called == [NEAR, BACKUP]
    assert (found.value, found.doubtful) == ("answer", doubtful)


@pytest.mark.parametrize(
    "failure", [WalletRefused("PARAM_ERROR"), WalletUnavailable("BUSY"), WalletUnknown("ANSWER_NOT_SIGNED")]
)
def test_what_was_said_is_no_reason_to_move(failure: WalletError) -> None:
    assert tried(Gateways(NEAR, BACKUP), failure) == ([NEAR], failure)


def test_what_cannot_be_sent_twice_moves_only_when_nothing_was_sent() -> None:
    assert tried(Gateways(NEAR, BACKUP), SILENCE, repeatable=False) == ([NEAR], SILENCE)
    assert tried(Gateways(NEAR, BACKUP), NOBODY, "answer", repeatable=False)[0] == [NEAR, BACKUP]


def test_once_sent_it_stays_sent_whatever_the_second_address_says() -> None:
    assert tried(Gateways(NEAR, BACKUP), SILENCE, NOBODY)[1] is SILENCE
    assert tried(Gateways(NEAR, BACKUP), NOBODY, SILENCE)[1] is SILENCE
    assert tried(Gateways(NEAR, BACKUP), NOBODY, NOBODY)[1] is NOBODY


def test_the_first_address_leaves_time_for_the_second() -> None:
    seen: list[float] = []

    def attempt(base: str, budget: Budget) -> str:
        seen.append(budget.left())
        if base == NEAR:
            raise SILENCE
        return "answer"

    Gateways(NEAR, BACKUP).reach(attempt, budget=Budget(10))
    assert seen[0] == pytest.approx(10 * FIRST_SHARE, abs=0.5)
    assert seen[1] > 9


def test_an_ill_address_is_left_and_tried_again_after_ten_minutes() -> None:
    now = [0.0]
    gateways = Gateways(NEAR, BACKUP, clock=lambda: now[0])
    for _ in range(10):
        tried(gateways, NOBODY, "answer")
    assert tried(gateways, "answer")[0] == [BACKUP]
    now[0] = 601.0
    assert tried(gateways, "answer")[0] == [NEAR]


def test_one_call_in_a_hundred_proves_the_backup() -> None:
    gateways = Gateways(NEAR, BACKUP)
    first = [gateways.order()[0] for _ in range(300)]
    assert (first.count(BACKUP), first[99], first[199], first[299]) == (3, BACKUP, BACKUP, BACKUP)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{NEAR}/v3/billdownload/file?token=a%2Bb", "/v3/billdownload/file?token=a%2Bb"),
        (f"{BACKUP}/v3/x", "/v3/x"),
        ("https://api.mch.example.evil.example/v3/x", None),
        ("https://api.mch.example@evil.example/v3/x", None),
        ("http://api.mch.example/v3/x", None),
        ("/v3/x", None),
    ],
)
def test_a_file_may_lie_at_the_two_addresses_and_nowhere_else(url: str, path: str | None) -> None:
    assert Gateways(NEAR, BACKUP).path_of(url) == path


def test_a_question_moves_to_the_backup_with_a_signature_of_its_own(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    client = wechat_client(sections, SILENCE, signed(wechat_side, paid_order()), backup_gateway=BACKUP)
    found = orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(4))
    first, second = sent_by(client)
    assert found.state is PaymentState.SUCCESS
    assert (first[1].replace(NEAR, BACKUP), first[0]) == (second[1], second[0])
    assert first[2]["Authorization"] != second[2]["Authorization"]


def test_a_refusal_after_a_refund_that_may_have_been_taken_is_no_refusal(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, SILENCE, refused(400, "INVALID_REQUEST"), backup_gateway=BACKUP)
    with pytest.raises(WalletUnknown) as found:
        refunds.refund(client, REFUND, budget=Budget(4))
    assert (found.value.code, found.value.request_id) == ("INVALID_REQUEST", "08F-1")
    client = wechat_client(sections, NOBODY, refused(400, "INVALID_REQUEST"), backup_gateway=BACKUP)
    with pytest.raises(WalletRefused):
        refunds.refund(client, REFUND, budget=Budget(4))


def test_a_change_of_the_account_is_never_sent_twice(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, SILENCE, backup_gateway=BACKUP)
    with pytest.raises(WalletUnknown):
        payouts.change_payout_account(client, CONTRACT, ACCOUNT, budget=Budget(4))
    client = wechat_client(sections, refused(500, "SYSTEM_ERROR"))
    with pytest.raises(WalletUnknown):
        payouts.change_payout_account(client, CONTRACT, ACCOUNT, budget=Budget(4))
    assert len(sent_by(client)) == 1


@pytest.mark.parametrize("first", [Answer(202, {}, b""), refused(500, "SYSTEM_ERROR"), Answer(503, {}, b"")])
def test_what_was_not_processed_is_sent_once_more_with_the_same_bytes(
    sections: dict[str, Any], wechat_side: WechatSide, first: Answer
) -> None:
    good = {"out_refund_no": "R1", "refund_id": "50", "status": "PROCESSING"}
    client = wechat_client(sections, first, signed(wechat_side, good))
    assert refunds.refund(client, REFUND, budget=Budget(4)).refund_no == "R1"
    one, two = sent_by(client)
    assert (one[0], one[1], one[3]) == (two[0], two[1], two[3])


def test_it_is_not_sent_a_third_time(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(500, "SYSTEM_ERROR"), refused(500, "SYSTEM_ERROR"))
    with pytest.raises(WalletUnknown) as found:
        refunds.refund(client, REFUND, budget=Budget(4))
    assert (found.value.code, found.value.request_id, len(sent_by(client))) == ("SYSTEM_ERROR", "08F-1", 2)


def test_a_second_time_that_finds_nobody_leaves_the_first_answer(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(500, "SYSTEM_ERROR"), NOBODY)
    with pytest.raises(WalletUnknown) as found:
        refunds.refund(client, REFUND, budget=Budget(4))
    assert found.value.code == "SYSTEM_ERROR"


@pytest.mark.parametrize("answer", [refused(429, "FREQUENCY_LIMITED"), refused(403, "NOT_ENOUGH")])
def test_too_many_requests_and_refusals_are_not_repeated(sections: dict[str, Any], answer: Answer) -> None:
    client = wechat_client(sections, answer)
    with pytest.raises(WalletError):
        refunds.refund(client, REFUND, budget=Budget(4))
    assert len(sent_by(client)) == 1


def test_a_dead_address_costs_a_payer_nothing_over_real_sockets(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    answer = signed(wechat_side, paid_order())

    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """The tests' output stays quiet."""

    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with ThreadingHTTPServer(("127.0.0.1", 0), Alive) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            alive = f"http://127.0.0.1:{server.server_address[1]}"
            settings = read_settings(sections["wechat"] | {"gateway": dead, "backup_gateway": alive})
            client = Client(settings, Transport(addresses=(dead, alive)), lambda: NOW)
            assert orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(4)).amount == 1234
        finally:
            server.shutdown()
            thread.join(10)


def test_the_backup_must_be_as_safe_as_the_first(sections: dict[str, Any]) -> None:
    with pytest.raises(WalletSettingsError, match="backup_gateway must use https"):
        connectors({"wechat": sections["wechat"] | {"backup_gateway": "http://api2.mch.example"}})
    assert connectors({"wechat": sections["wechat"] | {"backup_gateway": f"{BACKUP}/"}})
