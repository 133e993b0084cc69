"""Messages of the clearing side's stand-in, as hostile hands might send them."""

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.wallets.directory import Holding
from portal.wallets.errors import NoticeRejected, WalletSettingsError
from portal.wallets.interconnect.connector import InterconnectConnector, interconnect_of
from portal.wallets.port import Acquirer, Promotion, Wallet
from portal.wallets.routed import RoutedKind

NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
KEY, NEXT = "k" * 32, "n" * 32
SECTION = {
    "gateway": "http://127.0.0.1:8001/interconnect",
    "member": "N1",
    "key_id": "K1",
    "key": KEY,
    "next_key_id": "K2",
    "next_key": NEXT,
}
MESSAGE: dict[str, Any] = {
    "id": "7d7c5a2e-0000-4000-8000-000000000001",
    "event": "CODE.PAID",
    "plain": {
        "clearing_no": "3020261122000000000000000001",
        "acquirer": "wechat",
        "account_side": "jdpay",
        "holding": "personal",
        "amount": 2000,
        "payer_amount": 1700,
        "code": "wxp://f2f0abcdefgh",
        "promotions": [{"id": "G1", "name": "京东扫码付立减", "amount": 300, "paid_by": "wallet"}],
        "transaction_id": "4200202611220000000000000001",
        "paid_at": "2026-11-22T14:32:05+08:00",
    },
}


def connector(**changes: str) -> InterconnectConnector:
    found = interconnect_of({"interconnect": SECTION | changes})
    assert found is not None
    return found


def signed(body: bytes, *, key_id: str = "K1", key: str = KEY, at: datetime = NOW) -> dict[str, str]:
    """The headers, made by other hands than the portal's."""
    stamp, nonce = str(int(at.timestamp())), "0123456789abcdef"
    mac = hmac.new(key.encode(), f"{stamp}\n{nonce}\n".encode() + body + b"\n", hashlib.sha256).digest()
    return {
        "Interconnect-Key-Id": key_id,
        "Interconnect-Timestamp": stamp,
        "Interconnect-Nonce": nonce,
        "Interconnect-Signature": base64.b64encode(mac).decode(),
    }


def body_of(message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def test_a_message_is_read_in_our_words() -> None:
    body = body_of(MESSAGE)
    notice = connector().read_notice(headers=signed(body), body=body, now=NOW)
    word = notice.payment
    assert notice.notice_id == MESSAGE["id"]
    assert (word.kind, word.holding, word.wallet) == (RoutedKind.CODE_PAID, Holding.PERSONAL, Wallet.JDPAY)
    assert (word.acquirer, word.amount, word.payer_amount, word.paid_at) == (Acquirer.WECHAT, 2000, 1700, NOW)
    assert word.promotions == (Promotion("G1", "京东扫码付立减", 300, "wallet"),)
    assert (word.sub_merchant_no, word.order_no) == (None, None)


def test_a_word_about_our_own_sub_merchant_names_it() -> None:
    message = deepcopy(MESSAGE) | {"event": "PAYMENT.ROUTED"}
    message["plain"] |= {"holding": "own_sub_merchant", "merchant_no": "1600000001", "out_trade_no": "10001"}
    body = body_of(message)
    word = connector().read_notice(headers=signed(body), body=body, now=NOW).payment
    assert (word.kind, word.sub_merchant_no, word.order_no) == (RoutedKind.WALLET_TOLD, "1600000001", "10001")


def test_both_keys_count_while_one_replaces_the_other() -> None:
    body = body_of(MESSAGE)
    assert connector().read_notice(headers=signed(body, key_id="K2", key=NEXT), body=body, now=NOW)
    alone = interconnect_of({"interconnect": {name: SECTION[name] for name in ("gateway", "member", "key_id", "key")}})
    assert alone is not None
    with pytest.raises(NoticeRejected, match="unknown_key"):
        alone.read_notice(headers=signed(body, key_id="K2", key=NEXT), body=body, now=NOW)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Interconnect-Signature": ""}, "headers"),
        ({"Interconnect-Timestamp": "now"}, "headers"),
        ({"Interconnect-Timestamp": "1" * 40}, "stale"),
        ({"Interconnect-Key-Id": "K9"}, "unknown_key"),
        ({"Interconnect-Nonce": "another-nonce-01"}, "signature"),
        ({"Interconnect-Signature": "\udcff"}, "signature"),
        ({"Interconnect-Nonce": "\udcff"}, "signature"),
    ],
)
def test_what_is_not_signed_by_a_key_proves_nothing(change: dict[str, str], reason: str) -> None:
    body = body_of(MESSAGE)
    with pytest.raises(NoticeRejected) as rejection:
        connector().read_notice(headers=signed(body) | change, body=body, now=NOW)
    assert rejection.value.reason == reason
    assert connector().notice_reply(accepted=False, reason=reason)[0] == 401


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_stale_message_proves_nothing(seconds: int) -> None:
    body = body_of(MESSAGE)
    with pytest.raises(NoticeRejected, match="stale"):
        connector().read_notice(headers=signed(body, at=NOW + timedelta(seconds=seconds)), body=body, now=NOW)


def test_a_changed_byte_is_noticed() -> None:
    body = body_of(MESSAGE)
    with pytest.raises(NoticeRejected, match="signature"):
        connector().read_notice(headers=signed(body), body=body.replace(b"2000", b"2001"), now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": True},
        {"payer_amount": 2001},
        {"paid_at": "2026-11-22T14:32:05"},
        {"paid_at": None},
        {"holding": "somebody"},
        {"holding": "own_sub_merchant"},
        {"acquirer": "alipay"},
        {"account_side": "bank"},
        {"code": "x" * 1001},
        {"transaction_id": "4" * 65},
        {"transaction_id": "微信"},
        {"promotions": None},
        {"promotions": [{}]},
        {"promotions": [{"id": "1", "name": "n", "amount": 1, "paid_by": "me"}]},
        {"promotions": [{"id": "1", "name": "n", "amount": 1, "paid_by": "wallet"}] * 21},
    ],
    ids=str,
)
def test_a_right_signature_does_not_make_nonsense_readable(change: dict[str, Any]) -> None:
    message = deepcopy(MESSAGE)
    message["plain"] |= change
    body = body_of(message)
    with pytest.raises(NoticeRejected) as rejection:
        connector().read_notice(headers=signed(body), body=body, now=NOW)
    assert rejection.value.reason == "unreadable"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"nothing", b'{"id":"1","event":"CODE.PAID"}', b'{"id":"1","event":"CODE.PAID","plain":[]}'],
)
def test_other_shapes_are_unreadable(body: bytes) -> None:
    with pytest.raises(NoticeRejected, match="unreadable"):
        connector().read_notice(headers=signed(body), body=body, now=NOW)


def test_an_event_nobody_knows_is_refused() -> None:
    body = body_of(MESSAGE | {"event": "CODE.SOLD"})
    with pytest.raises(NoticeRejected, match="unknown_kind"):
        connector().read_notice(headers=signed(body), body=body, now=NOW)


def test_what_is_accepted_is_answered_without_a_body_and_the_rest_so_that_it_comes_again() -> None:
    assert connector().notice_reply(accepted=True) == (204, "application/json", "")
    assert connector().notice_reply(accepted=False, reason="too_early")[0] == 503


def test_a_production_without_the_section_has_no_such_source() -> None:
    assert interconnect_of({"wechat": {}}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"gateway": "http://clearing.example/x"},
        {"gateway": "ftp://127.0.0.1"},
        {"gateway": "https://clearing.example/x?y=1"},
        {"key": "short"},
        {"key_id": ""},
        {"member": ""},
        {"next_key": ""},
    ],
    ids=str,
)
def test_an_incomplete_section_stops_the_start(change: dict[str, str]) -> None:
    with pytest.raises(WalletSettingsError, match="interconnect"):
        connector(**change)


def test_the_keys_do_not_show_in_what_is_printed() -> None:
    assert KEY not in repr(connector()._settings)
